"""The programme's part of the API: its routes and its bodies, assembled in one place."""

from typing import Final

from unstrung.studio.access import schemas as keys
from unstrung.studio.admission import schemas as admission
from unstrung.studio.admission.routes import router as admission_router
from unstrung.studio.appeals import schemas as appeals
from unstrung.studio.appeals.routes import router as appeals_router
from unstrung.studio.applications import schemas as applications
from unstrung.studio.applications.routes import router as applications_router
from unstrung.studio.charters import schemas as charters
from unstrung.studio.charters.routes import router as charters_router
from unstrung.studio.confidences import schemas as confidences
from unstrung.studio.confidences.routes import router as confidences_router
from unstrung.studio.consents import schemas as consents
from unstrung.studio.consents.routes import router as consents_router
from unstrung.studio.exports import schemas as exports
from unstrung.studio.exports.routes import router as exports_router
from unstrung.studio.feedback import schemas as feedback
from unstrung.studio.feedback.routes import router as feedback_router
from unstrung.studio.hearings import schemas as hearings
from unstrung.studio.hearings.routes import router as hearings_router
from unstrung.studio.invitations import schemas as invitations
from unstrung.studio.invitations.routes import router as invitations_router
from unstrung.studio.log.routes import router as log_router
from unstrung.studio.logins import schemas as logins
from unstrung.studio.logins.routes import router as logins_router
from unstrung.studio.lotteries import schemas as lotteries
from unstrung.studio.lotteries.routes import router as lotteries_router
from unstrung.studio.pauses import schemas as pauses
from unstrung.studio.pauses.routes import router as pauses_router
from unstrung.studio.reviews import schemas as reviews
from unstrung.studio.reviews.routes import router as reviews_router
from unstrung.studio.roles import schemas as roles
from unstrung.studio.roles.routes import router as roles_router
from unstrung.studio.sessions import schemas as sessions
from unstrung.studio.sessions.routes import people_router as sessions_of_people_router
from unstrung.studio.sessions.routes import router as sessions_router
from unstrung.studio.shares import schemas as shares
from unstrung.studio.shares.routes import router as shares_router
from unstrung.studio.shelves import schemas as shelves
from unstrung.studio.shelves.routes import router as shelves_router
from unstrung.studio.signals import schemas as signals
from unstrung.studio.signals.routes import router as signals_router
from unstrung.studio.stages import schemas as stages
from unstrung.studio.stages.routes import router as stages_router
from unstrung.studio.statements.routes import router as statements_router
from unstrung.studio.waitlist.routes import router as waitlist_router

ROUTERS: Final = (
    admission_router,
    appeals_router,
    applications_router,
    charters_router,
    confidences_router,
    consents_router,
    exports_router,
    feedback_router,
    hearings_router,
    invitations_router,
    log_router,
    logins_router,
    lotteries_router,
    pauses_router,
    reviews_router,
    roles_router,
    sessions_router,
    sessions_of_people_router,
    shares_router,
    shelves_router,
    signals_router,
    stages_router,
    statements_router,
    waitlist_router,
)
BODIES: Final = (
    *keys.BODIES,
    *admission.BODIES,
    *appeals.BODIES,
    *applications.BODIES,
    *charters.BODIES,
    *confidences.BODIES,
    *consents.BODIES,
    *exports.BODIES,
    *feedback.BODIES,
    *hearings.BODIES,
    *invitations.BODIES,
    *logins.BODIES,
    *lotteries.BODIES,
    *pauses.BODIES,
    *reviews.BODIES,
    *roles.BODIES,
    *sessions.BODIES,
    *shares.BODIES,
    *shelves.BODIES,
    *signals.BODIES,
    *stages.BODIES,
)
