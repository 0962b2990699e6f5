"""Files that come with a request: looked at, kept under names of their own, and dropped again if need be."""

import base64
import binascii
import contextlib
from typing import Final

from unstrung.studio.errors import InvalidField, UnsupportedByModel
from unstrung.studio.identity import new_id
from unstrung.studio.outbound import fetch
from unstrung.studio.settings import Settings
from unstrung.studio.storage import Storage, StorageUnavailable
from unstrung.studio.uploads import Upload, UploadRefused, inspect_upload
from unstrung.studio.videos.schemas import ImageReference
from unstrung.studio.wire import File

_FETCH_S: Final = 10.0
_DATA_URL: Final = "data:"
FOLDER: Final = "uploads/"


def keep_reference(storage: Storage, settings: Settings, given: File | ImageReference) -> str:
    """Keep a picture or clip to begin from, and return its storage key.

    Raises:
        InvalidField: if it is no picture or clip, or cannot be fetched.
        UnsupportedByModel: for a file id, as there is no file store here.
    """
    if isinstance(given, ImageReference):
        given = _referred(settings, given)
    return _keep(storage, given, _inspected(given, "input_reference"))


def keep_clip(
    storage: Storage, given: File, param: str, shortest_s: float = 0.0, longest_s: float = 60.0
) -> str:
    """Keep a clip, and return its storage key.

    Raises:
        InvalidField: if it is no clip, or too short or too long.
    """
    upload = _inspected(given, param)
    if upload.kind != "video" or upload.seconds is None:
        raise InvalidField(f"{param} must be a video file, got {upload.content_type}.", param)
    if not shortest_s <= upload.seconds <= longest_s:
        raise InvalidField(
            f"{param} must have {shortest_s:g} to {longest_s:g} seconds, got {upload.seconds:.2f}.",
            param,
        )
    return _keep(storage, given, upload)


def keep_character(storage: Storage, given: File, param: str) -> str:
    """Keep a picture or a clip of 2 to 4 seconds that a character is cut out of; return its storage key.

    Raises:
        InvalidField: if it is neither, or too short or too long.
    """
    upload = _inspected(given, param)
    if upload.kind == "image":
        return _keep(storage, given, upload)
    return keep_clip(storage, given, param, 2.0, 4.0)


def copied(storage: Storage, key: str | None) -> str | None:
    """A copy of an upload under a key of its own, so that each video can be deleted with its own.

    Raises:
        FileMissing, StorageUnavailable: if it cannot be read or kept.
    """
    if key is None or not key.startswith(FOLDER):
        return key
    kept = f"{FOLDER}{new_id('upload')}"
    storage.put(kept, storage.read(key), "application/octet-stream")
    return kept


def discard(storage: Storage, *keys: str | None) -> None:
    """Drop files that nothing refers to; what cannot be dropped now stays, which harms nobody."""
    for key in keys:
        if key is not None and key.startswith(FOLDER):
            with contextlib.suppress(StorageUnavailable):
                storage.delete_prefix(key)


def _referred(settings: Settings, reference: ImageReference) -> File:
    if (reference.image_url is None) == (reference.file_id is None):
        raise InvalidField("input_reference must have image_url, or be a file.", "input_reference")
    if reference.image_url is None:
        raise UnsupportedByModel(
            "Files by id are not kept here; send the file itself as input_reference.",
            "input_reference.file_id",
            "unsupported_file_id",
        )
    if reference.image_url.startswith(_DATA_URL):
        return _decoded(reference.image_url)
    if not settings.fetch_image_urls:
        raise InvalidField(
            "This server fetches no addresses; send the picture itself as input_reference.",
            "input_reference.image_url",
            "image_url_disabled",
        )
    data, content_type = fetch(
        reference.image_url, settings.max_upload_bytes, _FETCH_S, param="input_reference.image_url"
    )
    return File(data, "reference", content_type)


def _decoded(url: str) -> File:
    head, _, body = url.removeprefix(_DATA_URL).partition(",")
    try:
        return File(base64.b64decode(body, validate=True), "reference", head.partition(";")[0])
    except (binascii.Error, ValueError) as error:
        raise InvalidField(
            "input_reference.image_url must be base64 after the comma.", "input_reference.image_url"
        ) from error


def _inspected(given: File, param: str) -> Upload:
    try:
        return inspect_upload(given.data, given.content_type)
    except UploadRefused as error:
        raise InvalidField(f"{param}: {error}", param, "unreadable_file") from error


def _keep(storage: Storage, given: File, upload: Upload) -> str:
    key = f"{FOLDER}{new_id('upload')}"
    storage.put(key, given.data, upload.content_type)
    return key
