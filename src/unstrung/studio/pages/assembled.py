"""All pages, assembled in one place."""

from typing import Final

from unstrung.studio.pages import clip_page, create, entrance, home, library, patterns

ROUTERS: Final = (
    entrance.first_page,
    entrance.router,
    home.router,
    create.router,
    clip_page.router,
    library.router,
    patterns.router,
)
