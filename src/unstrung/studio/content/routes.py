"""Routes of files: by key, and by a signed link that names its viewer."""

import time
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from unstrung.studio.content import service
from unstrung.studio.dependencies import CallerOf, Studio, StudioOf
from unstrung.studio.downloads import download
from unstrung.studio.headers import let_others_embed
from unstrung.studio.telling import VARIANTS, file_path
from unstrung.studio.videos import service as videos

router = APIRouter(prefix="/v1", tags=["content"])
Variant = Literal["video", "thumbnail", "spritesheet", "preview"]
_MAX_AGE_S: Final = 300
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("video/mp4", "image/webp", "image/jpeg")
        },
    },
    206: {"description": "A part of the file, for a Range header."},
    304: {"description": "The file is still the one of If-None-Match."},
    416: {"description": "The Range lies outside the file."},
}


@router.head("/videos/{video_id}/content", include_in_schema=False)
@router.get("/videos/{video_id}/content", response_class=StreamingResponse, responses=_FILES)
def get_content(
    request: Request,
    studio: StudioOf,
    caller: CallerOf,
    video_id: str,
    variant: Annotated[Variant, Query(description="Which file.")] = "video",
) -> Response:
    """A file of a completed video: mp4, thumbnail (webp) or sprite sheet (jpg); ranges are served."""
    with studio.database.transaction() as session:
        key = service.file_key(videos.get_video(session, caller, video_id), variant)
    return _file(request, studio, video_id, variant, key)


@router.head("/files/{video_id}/{variant}", include_in_schema=False)
@router.get("/files/{video_id}/{variant}", response_class=StreamingResponse, responses=_FILES)
def get_file(
    request: Request,
    studio: StudioOf,
    video_id: str,
    variant: Variant,
    viewer: Annotated[str, Query(max_length=64)],
    expires: Annotated[str, Query(max_length=20)],
    signature: Annotated[str, Query(max_length=128)],
) -> Response:
    """The same by a signed link, which names its viewer and expires; no key is needed."""
    studio.signer.check(file_path(video_id, variant), viewer, expires, signature, int(time.time()))
    with studio.database.transaction() as session:
        key = service.file_key(service.video_of_link(session, video_id), variant)
    return let_others_embed(_file(request, studio, video_id, variant, key))


def _file(request: Request, studio: Studio, video_id: str, variant: str, key: str) -> Response:
    content_type, suffix = VARIANTS[variant]
    name = f"{video_id}.{suffix}" if variant == "video" else f"{video_id}-{variant}.{suffix}"
    # A preview is replaced under the same name while the video forms.
    age = 0 if variant == "preview" else _MAX_AGE_S
    return download(studio.storage, key, content_type, name, request.headers, request.method, age)
