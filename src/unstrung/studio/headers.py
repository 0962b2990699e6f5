"""What every answer tells browsers: to guess nothing, to run nothing, and to keep nothing.

Each header is set only where an answer has none of its own, so pages and files say what they need and
whatever forgets to say anything is as strict as can be.
"""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from unstrung.studio.settings import Settings

# Of answers that are data: nothing in them is loaded or run, and no page may frame them.
DATA_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Of clips and pictures: opened in a tab of their own they are a page of the browser's, which shows the file
# itself under styles of the browser's.
FILE_POLICY: Final = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_USUAL: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    # Not no-referrer: under that, browsers send `Origin: null` with plain HTML forms of our own pages, which
    # are then taken for another site's (`cookies.must_be_same_origin`).
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": DATA_POLICY,
    "cache-control": "no-store",
}
_TRANSPORT: Final = "strict-transport-security"
_YEAR_S: Final = 31_536_000


def protect(response: Response, settings: Settings) -> None:
    """Add what an answer does not say itself."""
    for name, value in _USUAL.items():
        response.headers.setdefault(name, value)
    if settings.base_url.startswith("https://"):
        subdomains = "; includeSubDomains" if settings.hsts_subdomains else ""
        response.headers.setdefault(_TRANSPORT, f"max-age={_YEAR_S}{subdomains}")


def let_others_embed(response: Response) -> Response:
    """Let pages of other sites show a file; for links that open it for whoever holds them."""
    response.headers["cross-origin-resource-policy"] = "cross-origin"
    return response
