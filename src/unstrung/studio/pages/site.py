"""The look of the site: templates, static files, and the answer that a page becomes."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unstrung.studio.database import now
from unstrung.studio.pages.languages import KNOWN, Language
from unstrung.studio.pages.sentences import translated

PREFIX: Final = "/studio"
LOOKS: Final = ("light", "dark", "contrast")
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}
_LEAST_TO_COMPRESS: Final = 800
_POLICY: Final = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob: data:", "media-src 'self' blob:", "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a template is shown; every page's own class adds its fields.

    Attributes:
        template: its file.
        part: file of what a script is given instead; empty gives it the whole page.
        title: in the reader's language.
        form_targets: other origins that its forms may lead to.
    """

    template: ClassVar[str]
    part: ClassVar[str] = ""
    title: str
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Who a page is made for, as far as every page must know.

    Attributes:
        language, look: chosen; an empty look follows the system.
        path: of the page, with its query.
        name: of the person who is signed in; empty if nobody is.
        rights: of that person in the programme; `admin` for an admin.
        is_fragment: whether a script asks for a part of a page.
    """

    language: Language
    look: str
    path: str
    name: str = ""
    rights: frozenset[str] = frozenset()
    is_fragment: bool = False


@dataclass(frozen=True)
class StaticFile:
    """A file of the site, as it is sent.

    Attributes:
        content, compressed: its bytes, plain and by gzip.
        content_type: of the answer.
        digest: names this content.
    """

    content: bytes
    compressed: bytes
    content_type: str
    digest: str


@cache
def static_file(name: str) -> StaticFile | None:
    """A file of `static`, by its path there."""
    parts = name.split("/")
    root = files("unstrung.studio.pages") / "static"
    if not all(part and not part.startswith(".") for part in parts):
        return None
    path = root.joinpath(*parts)
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not path.is_file():
        return None
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return StaticFile(content, gzip.compress(content, 9, mtime=0), kind, digest)


def answer(request: Request, reader: Reader, page: Page, status: int = 200) -> HTMLResponse:
    """A page as HTML, under a policy that lets it load nothing but our own files."""
    html = rendered(reader, page).encode()
    forms = " ".join(("'self'", *page.form_targets))
    headers = {
        "content-security-policy": f"{_POLICY}; form-action {forms}",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
        "cache-control": "private, no-store",
        "vary": "Accept-Encoding, Accept-Language, Cookie, HX-Request",
        "content-language": reader.language.code,
    }
    if len(html) > _LEAST_TO_COMPRESS and "gzip" in request.headers.get("accept-encoding", ""):
        html = gzip.compress(html, 5, mtime=0)
        headers["content-encoding"] = "gzip"
    return HTMLResponse(html, status, headers)


def rendered(reader: Reader, page: Page) -> str:
    """The text of a page."""
    values = {field.name: getattr(page, field.name) for field in fields(page)}
    name = page.part if reader.is_fragment and page.part else page.template
    return (
        _environment(reader.language)
        .get_template(name)
        .render(**values, reader=reader, languages=KNOWN, looks=LOOKS)
    )


@cache
def _environment(language: Language) -> Environment:
    made = Environment(
        loader=PackageLoader("unstrung.studio.pages"),
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(language.words, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(_globals(language))
    return made


def _globals(language: Language) -> Mapping[str, Any]:
    """What every template may call: formats of the language, marks, addresses."""
    return {
        "static": address_of_static,
        "icon": icon,
        "number": language.number,
        "percent": language.percent,
        "day": lambda then: timed(language.day(then), then),
        "moment": lambda then: timed(language.moment(then), then),
        "ago": lambda then: timed(language.ago(now() - then), then),
        "at": lambda seconds: datetime.fromtimestamp(seconds, UTC),
        "span": language.span,
        "size": language.size,
        "translated": lambda sentence: translated(language, sentence),
    }


def address_of_static(name: str) -> str:
    """Where a file of the site is, with its digest, so that browsers may keep it for good."""
    found = static_file(name)
    if found is None:
        raise LookupError(f"there is no static file {name!r}")
    return f"{PREFIX}/static/{name}?v={found.digest}"


def timed(words: str, then: datetime) -> Markup:
    """Words for a moment, with the moment itself for programs that read the page."""
    then = then.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(then.isoformat(timespec="seconds"), words)


def icon(name: str, *, turns: bool = False) -> Markup:
    """A mark beside words that say the same; `turns` for arrows, which point the other way in Arabic."""
    return Markup(
        '<svg class="icon-mark{}" aria-hidden="true"><use href="{}#{}"></use></svg>'
    ).format(" turns" if turns else "", address_of_static("icons.svg"), name)
