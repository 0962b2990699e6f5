"""All pages, assembled in one place."""

from typing import Final

from unstrung.studio.pages import (
    account,
    clip_page,
    create,
    desk_answers,
    desk_applications,
    desk_entry,
    desk_hearings,
    desk_home,
    desk_pauses,
    desk_reviews,
    desk_signals,
    entrance,
    explore,
    home,
    library,
    open_figures,
    operations,
    patterns,
    storyboards,
)

ROUTERS: Final = (
    entrance.first_page,
    entrance.router,
    home.router,
    account.router,
    create.router,
    clip_page.router,
    explore.router,
    library.router,
    operations.router,
    desk_answers.router,
    desk_applications.router,
    desk_entry.router,
    desk_hearings.router,
    desk_home.router,
    desk_pauses.router,
    desk_reviews.router,
    desk_signals.router,
    open_figures.router,
    patterns.router,
    storyboards.router,
)
