"""Stored files on HTTP: whole, in ranges or unchanged (RFC 9110), and links that name their viewer.

What a file is and who may see it is decided before; here it is only sent.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlencode

from starlette.responses import Response, StreamingResponse

from unstrung.studio.errors import StudioError
from unstrung.studio.headers import FILE_POLICY
from unstrung.studio.storage import FileChanged, Storage, StoredFile

MAX_AGE_S: Final = 300
_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,40})-([0-9]{0,40})[ \t]*", re.IGNORECASE)
_EXPIRES: Final = re.compile(r"0|[1-9][0-9]{0,11}")
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# The secret signs other things too; a signature made there must not be good here.
_PURPOSE: Final = b"unstrung file links"
_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class ByteRange:
    """Bytes of a file, from `start` to before `end`."""

    start: int
    end: int


class RangeNotSatisfiable(StudioError):
    """The bytes that were asked for lie outside the file."""


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """The bytes that a Range header asks for; None for the whole file.

    Several ranges, other units and what cannot be read are answered with the whole file, as RFC 9110
    (sections 14.1.1 and 14.2) allows; so is every range of an empty file.

    Args:
        header: such as bytes=0-499, bytes=500- or bytes=-500.
        size: of the file [bytes].

    Raises:
        RangeNotSatisfiable: if the range has no byte of the file in it.
    """
    match = _RANGE.fullmatch(header) if header and size else None
    if match is None or match[0].rstrip().endswith("=-"):
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else size - min(size, int(last))
    if start >= size:
        raise RangeNotSatisfiable(f"Range must begin before byte {size}, got {header}.")
    return ByteRange(start, min(size, int(last) + 1) if first and last else size)


def download(
    storage: Storage,
    key: str,
    content_type: str,
    filename: str,
    request_headers: Mapping[str, str],
    method: str,
    max_age_s: int = MAX_AGE_S,
) -> Response:
    """Answer a GET or HEAD with a stored file, a part of it, or that it has not changed.

    Blocks while it looks the file up, so it is for endpoints that run in a thread.

    Args:
        storage: where the file is.
        key: which one.
        content_type: told to the client.
        filename: offered for saving.
        request_headers: of the request, names in lower case; Starlette's own do.
        method: GET or HEAD.
        max_age_s: how long the client may keep the file without asking again [s]; 0 for one that is
            replaced under its key.

    Raises:
        FileMissing, FileChanged, StorageUnavailable: if it cannot be read.
    """
    for attempt in range(_ATTEMPTS):
        file = storage.head(key)
        try:
            response = _answer(storage, file, request_headers, method)
        except FileChanged:
            # A preview may be replaced between the look and the read.
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        break
    headers = response.headers
    headers["etag"] = entity_tag(file)
    headers["accept-ranges"] = "bytes"
    headers["cache-control"] = f"private, max-age={max_age_s}" if max_age_s else "private, no-cache"
    if response.status_code < 300:
        headers["content-type"] = content_type
        headers["content-disposition"] = _disposition(filename)
        headers["content-security-policy"] = FILE_POLICY
        headers["x-content-type-options"] = "nosniff"
    return response


def entity_tag(file: StoredFile) -> str:
    """A strong ETag: equal only for the same version of the same file."""
    version = file.etag or file.modified.isoformat()
    digest = hashlib.sha256(f"{file.key}\n{file.size}\n{version}".encode()).hexdigest()
    return f'"{digest[:32]}"'


def _answer(
    storage: Storage, file: StoredFile, request_headers: Mapping[str, str], method: str
) -> Response:
    """Status and body, with the headers that say which bytes they are."""
    tag = entity_tag(file)
    if _is_known(request_headers.get("if-none-match", ""), tag):
        return Response(status_code=304)
    wanted = None
    if method == "GET" and request_headers.get("if-range", tag).strip() == tag:
        try:
            wanted = requested_range(request_headers.get("range"), file.size)
        except RangeNotSatisfiable:
            return Response(status_code=416, headers={"content-range": f"bytes */{file.size}"})
    start, end = (wanted.start, wanted.end) if wanted else (0, file.size)
    headers = {"content-length": str(end - start)}
    if wanted:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    if method == "HEAD":
        return Response(headers=headers)
    chunks = storage.stream(file.key, start, end, file.etag)
    return StreamingResponse(chunks, 206 if wanted else 200, headers)


def _is_known(if_none_match: str, tag: str) -> bool:
    """Whether the client has this version already; the weak comparison of RFC 9110, 13.1.2."""
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in known or "*" in known


def _disposition(filename: str) -> str:
    """Shown in the page, saved under its name; in both spellings of RFC 6266 if the name needs it."""
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", filename)
    spelled = f'inline; filename="{plain}"'
    if plain == filename:
        return spelled
    encoded = quote(filename, safe="", errors="replace")
    return f"{spelled}; filename*=UTF-8''{encoded}"


class LinkFault(StrEnum):
    """Why a link is refused."""

    MALFORMED = "malformed"
    ALTERED = "altered"
    EXPIRED = "expired"


class LinkRefused(StudioError):
    """A signed link is not to be followed."""

    def __init__(self, fault: LinkFault, message: str) -> None:
        """Take the kind of fault and the sentence for the person who followed the link."""
        super().__init__(message)
        self.fault = fault


class LinkSigner:
    """Makes links that open a file for minutes without a key, and name the person they were made for."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret that all API processes share.

        Raises:
            ValueError: if it is empty.
        """
        if not secret:
            raise ValueError(
                "secret must have at least one byte; make one with `openssl rand -hex 32`"
            )
        self._key = hmac.digest(secret, _PURPOSE, "sha256")

    def sign(self, path: str, viewer: str, expires_at: int) -> str:
        """The query string that makes a path a link.

        Args:
            path: of the address, without a query.
            viewer: id of the person whom the link is made for.
            expires_at: last second of its life [s since 1970].

        Raises:
            ValueError: if one of them has a form that could not be checked again.
        """
        expires = str(expires_at)
        if not _is_one_line(path, viewer) or not _EXPIRES.fullmatch(expires):
            raise ValueError(
                "path and viewer must be one line each, expires_at a second from 1970 on, "
                f"got {path!r}, {viewer!r} and {expires}"
            )
        signature = self._signature(path, viewer, expires)
        return urlencode({"viewer": viewer, "expires": expires, "signature": signature})

    def check(self, path: str, viewer: str, expires: str, signature: str, now: int) -> None:
        """Let a link pass, or say why it does not.

        Args:
            path: as it was asked for.
            viewer, expires, signature: of the query.
            now: the time [s since 1970].

        Raises:
            LinkRefused: if the link is malformed, altered or expired.
        """
        well_formed = _EXPIRES.fullmatch(expires) and _SIGNATURE.fullmatch(signature)
        if not well_formed or not _is_one_line(path, viewer):
            raise LinkRefused(LinkFault.MALFORMED, "This link is incomplete; copy all of it.")
        # Texts are compared, not the bytes they encode: the last character has two bits to spare.
        if not hmac.compare_digest(self._signature(path, viewer, expires), signature):
            raise LinkRefused(
                LinkFault.ALTERED,
                "This link was altered, or it is from another server; get a new one.",
            )
        if int(expires) < now:
            raise LinkRefused(LinkFault.EXPIRED, "This link has expired; get a new one.")

    def _signature(self, path: str, viewer: str, expires: str) -> str:
        text = f"{path}\n{viewer}\n{expires}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, text, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_one_line(*texts: str) -> bool:
    return all(text and "\n" not in text for text in texts)
