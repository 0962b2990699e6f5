"""All pages, assembled in one place."""

from typing import Final

from unstrung.studio.pages import account, create, entrance, explore, home, library, patterns

ROUTERS: Final = (
    entrance.first_page,
    entrance.router,
    home.router,
    account.router,
    create.router,
    explore.router,
    library.router,
    patterns.router,
)
