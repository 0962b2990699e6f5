"""Clips as cards and players show them: the caller's own, with links of this site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from unstrung.studio.pages.visits import Visit
from unstrung.studio.telling import told_all
from unstrung.studio.videos.models import OPEN, Video
from unstrung.studio.videos.schemas import VideoObject


@dataclass(frozen=True)
class Clip:
    """A clip on a page.

    Attributes:
        told: as the API tells it.
        created_at: when it was asked for.
        eta: until it is done; None if it is, or nobody can say.
        video, thumbnail, preview: addresses of files on this site; empty where there are none.
    """

    told: VideoObject
    created_at: datetime
    eta: timedelta | None
    video: str = ""
    thumbnail: str = ""
    preview: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is still being made."""
        return self.told.status in OPEN


def clips_of(visit: Visit, videos: Sequence[Video]) -> list[Clip]:
    """Rows of the caller's own videos as clips."""
    return [
        _clip(visit, told) for told in told_all(visit.session, visit.studio, visit.member, videos)
    ]


def _clip(visit: Visit, told: VideoObject) -> Clip:
    base, urls = visit.studio.settings.base_url, told.urls
    return Clip(
        told,
        datetime.fromtimestamp(told.created_at, UTC),
        None if told.eta_seconds is None else timedelta(seconds=round(told.eta_seconds)),
        # Links of this site, by whichever of its names the reader came.
        urls.video.removeprefix(base) if urls else "",
        urls.thumbnail.removeprefix(base) if urls else "",
        (told.preview_url or "").removeprefix(base),
    )
