"""Rules about files: which storage key a variant of a video has."""

from sqlalchemy.orm import Session

from unstrung.studio.errors import NotFound
from unstrung.studio.making import preview_key
from unstrung.studio.videos.models import Status, Video
from unstrung.studio.videos.service import must_be_completed, must_look_like_id


def file_key(video: Video, variant: str) -> str:
    """Storage key of a variant.

    Raises:
        Conflict: if the video is not completed.
    """
    if variant == "preview" and video.status == Status.IN_PROGRESS:
        return preview_key(video)
    must_be_completed(video)
    return str((video.files or {})["thumbnail" if variant == "preview" else variant])


def video_of_link(session: Session, video_id: str) -> Video:
    """The video of a link whose signature was good.

    Raises:
        NotFound: if it was deleted meanwhile.
    """
    must_look_like_id(video_id, "video_id")
    video = session.get(Video, video_id)
    if video is None:
        raise NotFound(f"There is no video '{video_id}'.", "video_id", "video_not_found")
    return video
