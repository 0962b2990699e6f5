"""All pages, assembled in one place."""

from typing import Final

from unstrung.studio.pages import (
    create,
    decisions,
    entrance,
    home,
    joining,
    library,
    patterns,
    programme_home,
    records,
    terms,
)

ROUTERS: Final = (
    entrance.first_page,
    entrance.router,
    home.router,
    create.router,
    library.router,
    patterns.router,
    programme_home.router,
    joining.router,
    terms.router,
    decisions.router,
    records.router,
)
