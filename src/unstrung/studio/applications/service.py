"""Rules of applications: by published criteria, in a published order, decided with reasons.

An applicant has no account. A token that is shown once lets its holder read the application, withdraw it,
and take the invitation that an admission gives.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.admission.service import RIGHTS, Right
from unstrung.studio.applications.models import Application, ApplicationState, Criteria
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.service import InvitationState, Terms
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.statements.service import Reasons
from unstrung.studio.waitlist import service as waitlist

TOKEN_PREFIX: Final = "app_"
INVITATION_FOR: Final = timedelta(days=30)


@dataclass(frozen=True)
class Wish:
    """What an applicant says.

    Attributes:
        cohort_id: where a seat is wished for.
        name: as the applicant wants to be called.
        contact: e-mail or another way.
        roles: that are wished for.
        wish: what the applicant wants to make.
        links: to works; may be none.
        language: of letters to the applicant.
        answers: to the published questions; may be none.
    """

    cohort_id: str
    name: str
    contact: str
    roles: tuple[ProgrammeRole, ...]
    wish: str
    links: tuple[str, ...] = ()
    language: str = "en"
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why an application is refused.

    Attributes:
        clause: of the criteria that the application was made under.
        facts: what was found; the export of statements is public, so it names nobody.
        change: what would change the decision.
    """

    clause: str
    facts: str
    change: str


def publish_criteria(
    session: Session,
    by: Caller | None,
    cohort_id: str,
    text: str,
    clauses: dict[str, str],
    questions: dict[str, str],
) -> Criteria:
    """Publish a version of a cohort's criteria; applications that were made stay under theirs.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such cohort.
        InvalidField: for criteria without a clause.
    """
    publisher = admission.must_act(session, by, Right.ADMIT)
    cohort = admission.locked_cohort(session, cohort_id)
    if not clauses:
        raise InvalidField(
            "clauses must hold at least one, since a refusal has to name one", "clauses"
        )
    newest = select(func.max(Criteria.version)).where(Criteria.cohort_id == cohort.id)
    criteria = Criteria(
        id=new_id("criteria"), cohort_id=cohort.id, version=(session.scalar(newest) or 0) + 1,
        text=text.strip(), clauses=dict(clauses), questions=dict(questions), published_at=now(),
        published_by=publisher,
    )  # fmt: skip
    session.add(criteria)
    session.flush()
    content = {
        "id": criteria.id, "cohort_id": cohort.id, "version": criteria.version,
        "text": criteria.text, "clauses": criteria.clauses, "questions": criteria.questions,
    }  # fmt: skip
    log.record(session, EntryKind.CRITERIA_PUBLISHED, content)
    return criteria


def list_criteria(session: Session, cohort_id: str | None) -> Sequence[Criteria]:
    """Every version of the criteria, newest first; everybody may see them."""
    query = select(Criteria).order_by(Criteria.cohort_id, Criteria.version.desc())
    if cohort_id is not None:
        query = query.where(Criteria.cohort_id == cohort_id)
    return session.scalars(query).all()


def apply(session: Session, wish: Wish) -> tuple[Application, str]:
    """Add an application, and return it with its token, which is never shown again.

    Raises:
        NotFound: if there is no such cohort.
        Conflict: if it takes no applications, or has published no criteria.
        InvalidField: for an answer to a question that was not asked.
    """
    cohort = admission.find_cohort(session, wish.cohort_id)
    newest = select(Criteria).where(Criteria.cohort_id == cohort.id)
    criteria = session.scalar(newest.order_by(Criteria.version.desc()).limit(1))
    if criteria is None or not cohort.takes_applications:
        raise Conflict(
            f"{cohort.name!r} takes no applications at the moment.",
            "cohort_id",
            "applications_closed",
        )
    for name, _ in wish.answers:
        if name not in criteria.questions:
            known = ", ".join(sorted(criteria.questions)) or "no questions"
            raise InvalidField(
                f"answers must answer the published questions ({known}), got {name!r}", "answers"
            )
    token = invitations.new_token(TOKEN_PREFIX)
    application = Application(
        id=new_id("application"), cohort_id=cohort.id, criteria_id=criteria.id,
        token_digest=invitations.digest_of(token), ticket=f"ticket_{secrets.token_hex(10)}",
        name=" ".join(wish.name.split()), contact=wish.contact.strip(),
        roles=[str(role) for role in wish.roles], wish=wish.wish.strip(), links=list(wish.links),
        language=wish.language, answers=dict(wish.answers), state=ApplicationState.WAITING,
        created_at=now(), draw_place=None,
    )  # fmt: skip
    # Its receipt proves when it was made, which the waitlist goes by; it names nobody.
    content = _logged(application) | {"made_at": application.created_at.isoformat()}
    application.log_entry_id = log.record(session, EntryKind.APPLIED, content).id
    session.add(application)
    session.flush()
    return application, token


def get_own(
    session: Session, application_id: str, token: str, *, locks: bool = False
) -> Application:
    """The application that a token belongs to.

    Raises:
        NotFound: if the token is not this application's, whether or not there is one of that name.
    """
    query = select(Application).where(Application.token_digest == invitations.digest_of(token))
    application = session.scalar(query.with_for_update() if locks else query)
    if application is None or application.id != application_id:
        raise _not_found(application_id)
    return application


def get_application(session: Session, by: Caller | None, application_id: str) -> Application:
    """Any application, for stewards.

    Raises:
        NotFound: if there is none, or the caller may not see it.
    """
    found = session.get(Application, application_id)
    is_steward = by is None or admission.has_right(session, by.person_id, Right.ADMIT)
    if found is None or not is_steward:
        raise _not_found(application_id)
    admission.must_act(session, by, Right.ADMIT)
    return found


def list_applications(
    session: Session, by: Caller | None, cohort_id: str, state: ApplicationState, limit: int,
    skip: int = 0,
) -> Sequence[Application]:  # fmt: skip
    """Applications of a cohort in the order of its waitlist, for stewards.

    Raises:
        Forbidden: if the caller may not.
    """
    admission.must_act(session, by, Right.ADMIT)
    query = select(Application).where(
        Application.cohort_id == cohort_id, Application.state == state
    )
    order = Application.draw_place.asc().nulls_last(), Application.id
    return session.scalars(query.order_by(*order).offset(skip).limit(limit)).all()


def num_same_contact(session: Session, found: Sequence[Application]) -> dict[str, int]:
    """How many applications that wait in the same cohort give the same contact, by id; it is no proof."""
    if not found:
        return {}
    contact = func.lower(Application.contact)
    query = (
        select(contact, func.count())
        .where(
            Application.cohort_id.in_({each.cohort_id for each in found}),
            Application.state == ApplicationState.WAITING,
            contact.in_({each.contact.lower() for each in found}),
        )
        .group_by(contact)
    )
    counts: dict[str, int] = dict(session.execute(query).all())
    return {each.id: counts.get(each.contact.lower(), 0) for each in found}


def withdraw(session: Session, application_id: str, token: str) -> Application:
    """Take an application back; what the applicant wrote is erased, and a kept seat goes to the next.

    Raises:
        NotFound: if the token is not this application's.
        Conflict: if it was withdrawn or refused, or the invitation was used.
    """
    application = get_own(session, application_id, token, locks=True)
    if application.state == ApplicationState.ADMITTED:
        assert application.invitation_id is not None
        invitation = invitations.get_invitation(session, application.invitation_id)
        if invitation.num_uses:
            raise Conflict(
                "Your seat is taken already; leave the programme instead, which keeps your works.",
                "application_id",
                "application_decided",
            )
        invitations.take_back(session, invitation)
    elif application.state != ApplicationState.WAITING:
        raise Conflict(
            f"This application was {application.state}; there is nothing to withdraw.",
            "application_id",
            "application_decided",
        )
    application.state = ApplicationState.WITHDRAWN
    application.name = application.contact = application.wish = ""
    application.links, application.answers = [], {}
    session.flush()
    return application


def admit(
    session: Session,
    by: Caller | None,
    application_id: str,
    role: ProgrammeRole | None,
    out_of_turn: str | None,
) -> Application:
    """Give an applicant the next free seat; the invitation that keeps it is taken with the token.

    Args:
        session: of the transaction.
        by: the steward.
        application_id: whose.
        role: that comes with the seat; None takes the dearest that has no rights over others.
        out_of_turn: public reason for admitting it before others who wait longer.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such application.
        InvalidField: for a role that was not wished for, or has rights over others.
        Conflict: if it does not wait, others come first and no reason is given, or no seat is free.
    """
    decider = admission.must_act(session, by, Right.ADMIT)
    application = _waiting(session, application_id)
    ahead = waitlist.num_ahead(session, application)
    if ahead and not out_of_turn:
        raise Conflict(
            f"{ahead} applications come first by the published rule; admit those, or give the public reason "
            "why this one goes before them.",
            "out_of_turn",
            "not_next",
        )
    application.out_of_turn = out_of_turn if ahead else None
    plain = plain_role(application)
    given = role or plain
    if RIGHTS.get(given):
        raise InvalidField(
            f"role must have no rights over others; grant '{given}' once the person has come",
            "role",
        )
    if given not in (plain, *application.roles):
        wished = ", ".join(application.roles)
        raise InvalidField(f"role must be one that was wished for ({wished}), got {given}", "role")
    offer(session, application, given, decider)
    return application


def plain_role(application: Application) -> ProgrammeRole:
    """The dearest wished role that has no rights over others, which people grant; else artist."""
    wished = [ProgrammeRole(name) for name in application.roles]
    return next((role for role in wished if not RIGHTS.get(role)), ProgrammeRole.ARTIST)


def offer(
    session: Session,
    application: Application,
    role: ProgrammeRole,
    decider: str | None,
    *,
    hold_id: str | None = None,
) -> None:
    """Admit an application whose turn it is.

    Args:
        session, application, role, decider: locked; what comes with the seat; None for a lottery.
        hold_id: of the promise that the seat comes from; None takes a free one.

    Raises:
        Conflict: if no seat is free.
    """
    moment = now()
    terms = Terms(application.cohort_id, role, moment + INVITATION_FOR, note=application.id)
    application.invitation_id = invitations.promise(session, terms, decider, hold_id=hold_id).id
    application.state = ApplicationState.ADMITTED
    application.decided_at, application.decided_by = moment, decider
    session.flush()
    content = _logged(application) | {"role": str(role), "out_of_turn": application.out_of_turn}
    log.record(session, EntryKind.OFFERED, content)


def refuse(session: Session, by: Caller | None, application_id: str, refusal: Refusal) -> Statement:
    """Refuse an application, with a statement of reasons.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such application.
        InvalidField: for a clause that the criteria do not have, or facts that say nothing.
        Conflict: if it does not wait.
    """
    decider = admission.must_act(session, by, Right.ADMIT)
    application = _waiting(session, application_id)
    criteria = session.get_one(Criteria, application.criteria_id)
    earlier = statement_of(session, application)
    if earlier is not None and earlier.clause == refusal.clause:
        raise Conflict(
            "An appeal against a refusal by this clause was won; it cannot be refused by it again.",
            "clause",
            "statement_reversed",
        )
    if refusal.clause not in criteria.clauses:
        known = ", ".join(sorted(criteria.clauses))
        raise InvalidField(
            f"clause must be one of version {criteria.version} of the criteria ({known}), got "
            f"{refusal.clause!r}",
            "clause",
        )
    for name, value in (("facts", refusal.facts), ("change", refusal.change)):
        if len(value.strip()) < 10:
            raise InvalidField(
                f"{name} must have at least 10 characters, got {len(value.strip())}", name
            )
    reasons = Reasons(
        clause=refusal.clause,
        facts=refusal.facts.strip(),
        category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
        explanation=criteria.clauses[refusal.clause],
        # The nearest word that the Database has for a service that is not begun.
        provision="DECISION_PROVISION_TOTAL_SUSPENSION",
        suggested_change=refusal.change.strip(),
        decided_by=decider,
    )
    subject = (SubjectKind.APPLICATION, application.id)
    statement = statements.issue(session, None, subject, reasons)
    application.statement_id = statement.id
    application.state = ApplicationState.REFUSED
    application.decided_at, application.decided_by = now(), decider
    session.flush()
    content = _logged(application) | {"statement_id": statement.id}
    log.record(session, EntryKind.REFUSED_ADMISSION, content)
    return statement


def contest(session: Session, application_id: str, token: str) -> Application:
    """A refused application whose applicant appeals; it takes part in lotteries, in case that is won.

    Raises:
        NotFound: if the token is not this application's.
        Conflict: if it was not refused.
    """
    application = get_own(session, application_id, token, locks=True)
    if application.state != ApplicationState.REFUSED:
        raise Conflict(
            f"This application is {application.state}; appeals are against refusals.",
            "application_id",
            "not_refused",
        )
    application.contested_at = now()
    return application


def settle(session: Session, application_id: str, is_won: bool) -> None:
    """End the appeal of an applicant; a won one puts the application back where it would have been."""
    application = session.get(Application, application_id, with_for_update=True)
    if application is None:
        return
    application.contested_at = None
    if is_won and application.state == ApplicationState.REFUSED:
        application.state = ApplicationState.WAITING
        application.decided_at = application.decided_by = None
        content = _logged(application) | {"statement_id": application.statement_id}
        log.record(session, EntryKind.REINSTATED, content)
    session.flush()


def take_invitation(session: Session, application_id: str, token: str) -> tuple[str, datetime]:
    """The code of an admitted applicant's invitation, and when it lapses; asking again makes a new code.

    Raises:
        NotFound: if the token is not this application's.
        Conflict: if it was not admitted, or the invitation cannot be used any more.
    """
    application = get_own(session, application_id, token, locks=True)
    if application.invitation_id is None or application.state != ApplicationState.ADMITTED:
        raise Conflict(
            f"This application is {application.state}; an invitation comes with admission.",
            "application_id",
            "application_decided",
        )
    invitation = invitations.get_invitation(session, application.invitation_id)
    code = invitations.renew_code(session, invitation)
    return code, invitations.expires_at(session, invitation)


def statement_of(session: Session, application: Application) -> Statement | None:
    """The reasons of a refusal."""
    if application.statement_id is None:
        return None
    return session.get_one(Statement, application.statement_id)


def invitation_of(session: Session, application: Application) -> InvitationState | None:
    """The state of an admission's invitation."""
    if application.invitation_id is None:
        return None
    invitation = invitations.get_invitation(session, application.invitation_id)
    return invitations.state_of(session, invitation)


def receipt_entry(session: Session, application: Application) -> LogEntry:
    """The entry of the log that proves when an application was made.

    Raises:
        Conflict: if it has no place in the log yet.
    """
    entry = session.scalar(select(LogEntry).where(LogEntry.id == application.log_entry_id))
    if entry is None or entry.position is None:
        raise Conflict(
            "This act is not published yet; ask again in a second.", "receipt_id", "not_published"
        )
    return entry


def _waiting(session: Session, application_id: str) -> Application:
    application = session.get(Application, application_id, with_for_update=True)
    if application is None:
        raise _not_found(application_id)
    if application.state != ApplicationState.WAITING:
        raise Conflict(
            f"This application was {application.state} already.",
            "application_id",
            "application_decided",
        )
    return application


def _not_found(application_id: str) -> NotFound:
    return NotFound(
        f"There is no application {application_id[:64]!r}, or the token is not its.",
        "application_id",
        "application_not_found",
    )


def _logged(application: Application) -> dict[str, Any]:
    """What the log commits to: codes, and nothing that names anybody."""
    return {
        "id": application.id, "cohort_id": application.cohort_id,
        "criteria_id": application.criteria_id, "ticket": application.ticket,
    }  # fmt: skip
