"""Clips shown to others than their owners: links that name their viewer, and files behind them.

A link opens a file only as long as whoever made it would make it again: routes ask for that each time.
"""

import time
from typing import Annotated, Literal

from fastapi import Query, Request, Response

from unstrung.studio.content import service as content
from unstrung.studio.dependencies import Studio
from unstrung.studio.downloads import download
from unstrung.studio.telling import VARIANTS
from unstrung.studio.videos.models import Video
from unstrung.studio.videos.schemas import Links
from unstrung.studio.withholding import wordless_key

ShownVariant = Literal["video", "thumbnail", "spritesheet"]
Viewer = Annotated[str, Query(max_length=64)]
Expires = Annotated[str, Query(max_length=20)]
Signature = Annotated[str, Query(max_length=128)]


def links_to(studio: Studio, folder: str, viewer: str) -> Links:
    """Signed links to the files of a clip.

    Args:
        studio: its signer and settings.
        folder: path under which a route serves them.
        viewer: id of the person whom they are made for.
    """
    expires_at = int(time.time()) + studio.settings.link_seconds
    signed = {}
    for variant in ("video", "thumbnail", "spritesheet"):
        path = f"{folder}/{variant}"
        query = studio.signer.sign(path, viewer, expires_at)
        signed[variant] = f"{studio.settings.base_url}{path}?{query}"
    return Links(
        video=signed["video"],
        thumbnail=signed["thumbnail"],
        spritesheet=signed["spritesheet"],
        expires_at=expires_at,
    )


def must_be_signed(
    studio: Studio, request: Request, viewer: str, expires: str, signature: str
) -> None:
    """Let a link pass that was made for this path and viewer, and lives.

    Raises:
        LinkRefused: if it was not.
    """
    studio.signer.check(request.url.path, viewer, expires, signature, int(time.time()))


def sent(
    request: Request, studio: Studio, video: Video, variant: str, *, with_words: bool = True
) -> Response:
    """A file of a clip; nobody keeps it longer than it may be seen.

    Args:
        request, studio: as routes have them.
        video: the clip.
        variant: which file.
        with_words: whether its recipe may say the prompt.

    Raises:
        Conflict: if the clip is not completed.
        FileMissing, FileChanged, StorageUnavailable: if it cannot be read.
    """
    content_type, suffix = VARIANTS[variant]
    name = f"{video.id}.{suffix}" if variant == "video" else f"{video.id}-{variant}.{suffix}"
    key = content.file_key(video, variant)
    if variant == "video" and not with_words:
        key = wordless_key(studio.storage, key)
    return download(studio.storage, key, content_type, name, request.headers, request.method, 0)
