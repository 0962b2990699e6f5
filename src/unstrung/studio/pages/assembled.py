"""All pages, assembled in one place."""

from typing import Final

from unstrung.studio.pages import create, entrance, home, library, operations, patterns, storyboards

ROUTERS: Final = (
    entrance.first_page,
    entrance.router,
    home.router,
    create.router,
    library.router,
    operations.router,
    patterns.router,
    storyboards.router,
)
