"""All tables, imported together so that the metadata is complete; for migrations and tests."""

from unstrung.studio.access.models import Key
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission.models import Cohort, RoleGrant, Seat, SeatHold
from unstrung.studio.appeals.models import Appeal, PanelSeat
from unstrung.studio.applications.models import Application, Criteria
from unstrung.studio.assessments.models import Assessment
from unstrung.studio.catalogue.models import Model, Worker
from unstrung.studio.charters.models import CharterAcceptance, CharterText, CharterVersion
from unstrung.studio.confidences.models import Confidence, ConfidenceAnswer
from unstrung.studio.consents.models import Consent
from unstrung.studio.database import Table
from unstrung.studio.feedback.models import Feedback
from unstrung.studio.invitations.models import Invitation, InvitationDecline
from unstrung.studio.log.models import LogEntry
from unstrung.studio.logins.models import (
    EmailAddress,
    LoginLink,
    OutsideIdentity,
    Passkey,
    SignInAttempt,
)
from unstrung.studio.lotteries.models import Lottery, LotteryContribution
from unstrung.studio.pauses.models import Pause, ProtectedAct
from unstrung.studio.queue.models import Queue
from unstrung.studio.reviews.models import ReviewDecision
from unstrung.studio.roles.models import RoleWithdrawal
from unstrung.studio.sessions.models import PersonSession, SessionToken
from unstrung.studio.shares.models import Share
from unstrung.studio.shelves.models import Folder, ShelfMark
from unstrung.studio.signals.models import Canary, Sighting, Signal
from unstrung.studio.stages.models import Gate, StageMove
from unstrung.studio.statements.models import Statement
from unstrung.studio.videos.models import Character, Video
from unstrung.studio.webhooks.models import WebhookDelivery, WebhookEndpoint

metadata = Table.metadata

__all__ = [
    "Appeal",
    "Application",
    "Assessment",
    "Canary",
    "Character",
    "CharterAcceptance",
    "CharterText",
    "CharterVersion",
    "Cohort",
    "Confidence",
    "ConfidenceAnswer",
    "Consent",
    "Criteria",
    "EmailAddress",
    "Feedback",
    "Folder",
    "Gate",
    "Invitation",
    "InvitationDecline",
    "Key",
    "LogEntry",
    "LoginLink",
    "Lottery",
    "LotteryContribution",
    "Model",
    "OutsideIdentity",
    "PanelSeat",
    "Passkey",
    "Pause",
    "Person",
    "PersonSession",
    "ProtectedAct",
    "Queue",
    "ReviewDecision",
    "RoleGrant",
    "RoleWithdrawal",
    "Seat",
    "SeatHold",
    "SessionToken",
    "Share",
    "ShelfMark",
    "Sighting",
    "SignInAttempt",
    "Signal",
    "StageMove",
    "Statement",
    "Video",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
    "metadata",
]
