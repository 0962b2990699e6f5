"""Ways in at the desk: cohorts, lotteries, invitations, roles and release stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from fastapi import Response
from pydantic import BeforeValidator, Field

from unstrung.lottery import DRAND_CHAINS, drand_round_after
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort, ProgrammeRole
from unstrung.studio.admission.schemas import CreateCohort, Paragraphs, RoleWord, RowId, StageWord
from unstrung.studio.admission.service import Change, Occupancy, Right
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Criteria
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.errors import InvalidField
from unstrung.studio.fields import StrictRequest
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.models import Invitation
from unstrung.studio.invitations.service import InvitationState, Terms
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.lotteries.schemas import DrawLottery
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router
from unstrung.studio.roles import service as roles
from unstrung.studio.roles.schemas import GrantRole, WithdrawRole
from unstrung.studio.stages import service as stages
from unstrung.studio.stages.models import Gate, Stage, StageMove
from unstrung.studio.stages.schemas import AddGate, MoveStage, OpenGate, ReopenGate

router = page_router()
_PAGE: Final = 50
# Between closing and the round of drand: whoever froze the list later could know the round.
_FREEZE_WITHIN: Final = timedelta(hours=1)


class CohortForm(StrictRequest):
    """What a steward changes of a cohort; a box that is not ticked is not sent."""

    seats: int = Field(ge=1, le=1_000_000)
    purpose: Paragraphs
    stage: StageWord
    takes_applications: bool = False


def _known_chain(value: object) -> object:
    if value not in DRAND_CHAINS:
        raise ValueError(f"must be one of {', '.join(DRAND_CHAINS)}")
    return value


class LotteryForm(StrictRequest):
    """A draw that closes after some hours."""

    cohort_id: RowId
    seats: int = Field(ge=1, le=1_000_000)
    hours: float = Field(gt=0, le=24 * 90)
    open_for_hours: float = Field(24.0, ge=1, le=168)
    drand_chain: Annotated[str, BeforeValidator(_known_chain)] | None = None
    drand_round: int | None = Field(None, ge=1, le=10**12)


class InvitationForm(StrictRequest):
    """An invitation that is good for some days."""

    cohort_id: RowId
    role: RoleWord
    days: int = Field(ge=1, le=365)
    max_uses: int = Field(1, ge=1, le=10_000)
    note: str = Field("", max_length=500)


@dataclass(frozen=True, kw_only=True)
class CohortsPage(Page):
    """All cohorts.

    Attributes:
        cohorts: each with how full it is.
        stages: that a cohort may begin with.
    """

    template: ClassVar[str] = "desk/cohorts.html"
    cohorts: Sequence[tuple[Cohort, Occupancy]]
    stages: tuple[Stage, ...] = tuple(Stage)


@dataclass(frozen=True, kw_only=True)
class CohortPage(Page):
    """One cohort, to change it.

    Attributes:
        cohort, occupancy: the row, and how full it is.
        criteria: the newest version; None before any was published.
        stages: from which on its seats can be taken.
    """

    template: ClassVar[str] = "desk/cohort.html"
    cohort: Cohort
    occupancy: Occupancy
    criteria: Criteria | None
    stages: tuple[Stage, ...] = tuple(Stage)


@dataclass(frozen=True, kw_only=True)
class LotteriesPage(Page):
    """All draws, and the next.

    Attributes:
        lotteries: newest first.
        cohorts: each with how full it is.
        chains: of drand that may be mixed in, each with the seconds between its rounds.
    """

    template: ClassVar[str] = "desk/lotteries.html"
    lotteries: Sequence[Lottery]
    cohorts: Sequence[tuple[Cohort, Occupancy]]
    chains: tuple[tuple[str, int], ...] = tuple(
        (chain, period_s) for chain, (_, period_s) in DRAND_CHAINS.items()
    )


@dataclass(frozen=True, kw_only=True)
class LotteryPage(Page):
    """One draw, step by step.

    Attributes:
        lottery, cohort: the rows.
        may_close: whether the time for applying has passed.
        opens_until: sealed phrases may still be opened; None if the draw need not wait.
        address: where anybody finds all that it takes to recompute it.
        is_logged: whether the log holds announcing, closing and drawing.
    """

    template: ClassVar[str] = "desk/lottery.html"
    lottery: Lottery
    cohort: Cohort
    may_close: bool
    opens_until: datetime | None
    address: str
    is_logged: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class InvitationsPage(Page):
    """Invitations, and what those said who did not come.

    Attributes:
        found: invitations, when each lapses and its state, newest first.
        cohorts: all, with how full each is.
        declines: cohort, day and words, naming nobody.
        roles: that an invitation may carry.
        code: of the invitation that was just made; shown this once.
        is_good: the state in which one can be revoked.
    """

    template: ClassVar[str] = "desk/invitations.html"
    part: ClassVar[str] = "desk/invitation_part.html"
    found: Sequence[tuple[Invitation, datetime, InvitationState]]
    cohorts: Sequence[tuple[Cohort, Occupancy]]
    declines: Sequence[tuple[str, object, str]]
    roles: tuple[ProgrammeRole, ...] = tuple(ProgrammeRole)
    code: str = ""
    is_good: InvitationState = InvitationState.GOOD


@dataclass(frozen=True, kw_only=True)
class RolesPage(Page):
    """Roles of one person.

    Attributes:
        person_id: of whom; empty before one is asked for.
        held: by that person.
        roles: what each role allows.
    """

    template: ClassVar[str] = "desk/roles.html"
    person_id: str
    held: list[ProgrammeRole]
    roles: list[tuple[ProgrammeRole, list[Right]]]


@dataclass(frozen=True, kw_only=True)
class StagesPage(Page):
    """How far the release is, and the gates before each stage.

    Attributes:
        current: the stage now.
        stages: each with its gates, and whether it has begun.
        following: the stage that comes next; None at the end.
        moves: so far, newest first.
    """

    template: ClassVar[str] = "desk/stages.html"
    current: Stage
    stages: list[tuple[Stage, list[Gate], bool]]
    following: Stage | None
    moves: Sequence[StageMove]


@router.get("/desk/cohorts")
def show_cohorts(visit: VisitOf) -> Response:
    """Cohorts and how full they are."""
    visit.must_have_any("admit")
    found = admission.list_cohorts(visit.session)
    return visit.show(CohortsPage(title=visit.say("Cohorts"), cohorts=found))


@router.post("/desk/cohorts")
def create_cohort(visit: VisitOf, body: BodyOf) -> Response:
    """Add a cohort."""
    admission.must_act(visit.session, visit.member, Right.ADMIT)
    asked = body.as_a(CreateCohort)
    made = admission.create_cohort(
        visit.session, asked.name, asked.seats, asked.purpose, stage=asked.stage
    )
    return go(f"{PREFIX}/desk/cohorts/{made.id}")


@router.get("/desk/cohorts/{cohort_id}")
def show_cohort(visit: VisitOf, cohort_id: str) -> Response:
    """One cohort."""
    visit.must_have_any("admit")
    cohort = admission.find_cohort(visit.session, cohort_id)
    page = CohortPage(
        title=cohort.name, cohort=cohort, occupancy=admission.occupancy(visit.session, cohort),
        criteria=next(iter(applications.list_criteria(visit.session, cohort.id)), None),
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/cohorts/{cohort_id}")
def change_cohort(visit: VisitOf, body: BodyOf, cohort_id: str) -> Response:
    """Change seats, purpose and stage."""
    caller, asked = visit.must_have_any("admit"), body.as_a(CohortForm)
    change = Change(asked.seats, asked.purpose, asked.stage, asked.takes_applications)
    admission.change_cohort(visit.session, caller, cohort_id, change)
    return go(f"{PREFIX}/desk/cohorts")


@router.get("/desk/lotteries")
def show_lotteries(visit: VisitOf) -> Response:
    """Draws for seats."""
    visit.must_have_any("admit")
    page = LotteriesPage(
        title=visit.say("Lotteries"), lotteries=lotteries.list_lotteries(visit.session),
        cohorts=admission.list_cohorts(visit.session),
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/lotteries")
def announce_lottery(visit: VisitOf, body: BodyOf) -> Response:
    """Commit to a secret before anybody can know the tickets."""
    caller, asked = visit.must_have_any("admit"), filled(body).as_a(LotteryForm)
    if asked.drand_chain is None and asked.drand_round is not None:
        raise InvalidField("drand_chain must be chosen for drand_round to be of it", "drand_chain")
    closes_at = now() + timedelta(hours=asked.hours)
    drand = None
    if asked.drand_chain is not None:
        later = drand_round_after(asked.drand_chain, closes_at + _FREEZE_WITHIN)
        drand = (asked.drand_chain, asked.drand_round or later)
    plan = lotteries.Plan(asked.cohort_id, asked.seats, closes_at, asked.open_for_hours, drand)
    made = lotteries.announce(visit.session, caller, plan)
    return go(f"{PREFIX}/desk/lotteries/{made.id}")


@router.get("/desk/lotteries/{lottery_id}")
def show_lottery(visit: VisitOf, lottery_id: str) -> Response:
    """One draw."""
    visit.must_have_any("admit")
    found = lotteries.get_lottery(visit.session, lottery_id)
    entries = lotteries.entries_of(visit.session, found)
    page = LotteryPage(
        title=visit.say("Lottery"), lottery=found,
        cohort=admission.find_cohort(visit.session, found.cohort_id),
        may_close=found.closes_at <= now(), opens_until=lotteries.waits_until(found),
        address=f"{visit.studio.settings.base_url}/programme/v1/lotteries/{found.id}",
        is_logged=tuple(each is not None for each in entries),
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/lotteries/{lottery_id}/close")
def close_lottery(visit: VisitOf, lottery_id: str) -> Response:
    """Freeze the list of tickets."""
    lotteries.close(visit.session, visit.must_have_any("admit"), lottery_id)
    return go(f"{PREFIX}/desk/lotteries/{lottery_id}")


@router.post("/desk/lotteries/{lottery_id}/draw")
def draw_lottery(visit: VisitOf, body: BodyOf, lottery_id: str) -> Response:
    """Show the secret and order the tickets."""
    caller, asked = visit.must_have_any("admit"), filled(body).as_a(DrawLottery)
    lotteries.draw(visit.session, caller, lottery_id, asked.drand_randomness)
    return go(f"{PREFIX}/desk/lotteries/{lottery_id}")


@router.get("/desk/invitations")
def show_invitations(visit: VisitOf) -> Response:
    """Invitations, newest first."""
    return visit.show(_invitations(visit, ""))


@router.post("/desk/invitations")
def invite(visit: VisitOf, body: BodyOf) -> Response:
    """Make an invitation; the page that answers shows its code this once."""
    caller, asked = visit.must_have_any("admit"), body.as_a(InvitationForm)
    until = now() + timedelta(days=asked.days)
    terms = Terms(asked.cohort_id, asked.role, until, asked.max_uses, asked.note)
    _, code = invitations.invite(visit.session, caller, terms)
    return visit.show(_invitations(visit, code))


@router.post("/desk/invitations/{invitation_id}/revoke")
def revoke_invitation(visit: VisitOf, invitation_id: str) -> Response:
    """Make an invitation useless; who came by it stays."""
    invitations.revoke(visit.session, visit.must_have_any("admit"), invitation_id)
    return go(f"{PREFIX}/desk/invitations")


@router.get("/desk/roles")
def show_roles(visit: VisitOf, person_id: str = "") -> Response:
    """What somebody may do."""
    caller = visit.must_have_any("grant-roles")
    known = [(role, sorted(admission.RIGHTS.get(role, ()))) for role in ProgrammeRole]
    held = roles.roles_of(visit.session, caller, person_id) if person_id else []
    page = RolesPage(title=visit.say("Roles"), person_id=person_id, held=held, roles=known)
    return visit.show(page)


@router.post("/desk/roles/{person_id}")
def grant_role(visit: VisitOf, body: BodyOf, person_id: str) -> Response:
    """Give somebody a role."""
    caller = visit.must_have_any("grant-roles")
    roles.grant(visit.session, caller, person_id, body.as_a(GrantRole).role)
    return go(f"{PREFIX}/desk/roles?person_id={person_id}")


@router.post("/desk/roles/{person_id}/withdraw")
def withdraw_role(visit: VisitOf, body: BodyOf, person_id: str) -> Response:
    """Take a role away, with reasons; some wait for a second steward."""
    caller, asked = visit.must_have_any("grant-roles"), body.as_a(WithdrawRole)
    roles.withdraw(visit.session, caller, person_id, asked.role, asked.reason)
    return go(f"{PREFIX}/desk/roles?person_id={person_id}")


@router.get("/desk/stages")
def show_stages(visit: VisitOf) -> Response:
    """The release, stage by stage."""
    visit.must_have_any("admit")
    session, order = visit.session, list(Stage)
    current, gates = admission.current_stage(session), stages.list_gates(session)
    after = order.index(current) + 1
    page = StagesPage(
        title=visit.say("Release stages"), current=current,
        stages=[
            (stage, [each for each in gates if each.stage == stage], stages.is_reached(current, stage))
            for stage in order
        ],
        following=order[after] if after < len(order) else None, moves=stages.list_moves(session),
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/stages/gates")
def add_gate(visit: VisitOf, body: BodyOf) -> Response:
    """Say what has to be done before a stage."""
    caller, asked = visit.must_have_any("admit"), body.as_a(AddGate)
    stages.add_gate(visit.session, caller, asked.stage, asked.text)
    return go(f"{PREFIX}/desk/stages")


@router.post("/desk/stages/gates/{gate_id}/open")
def open_gate(visit: VisitOf, body: BodyOf, gate_id: str) -> Response:
    """Say that it is done, and where anybody can check it."""
    caller, asked = visit.must_have_any("admit"), body.as_a(OpenGate)
    stages.open_gate(visit.session, caller, gate_id, asked.evidence_url)
    return go(f"{PREFIX}/desk/stages")


@router.post("/desk/stages/gates/{gate_id}/reopen")
def reopen_gate(visit: VisitOf, body: BodyOf, gate_id: str) -> Response:
    """Say that it is not done after all."""
    caller, asked = visit.must_have_any("admit"), body.as_a(ReopenGate)
    stages.reopen_gate(visit.session, caller, gate_id, asked.reason)
    return go(f"{PREFIX}/desk/stages")


@router.post("/desk/stages/move")
def move_stage(visit: VisitOf, body: BodyOf) -> Response:
    """Move the release one stage on, or back."""
    caller, asked = visit.must_have_any("admit"), filled(body).as_a(MoveStage)
    stages.move(visit.session, caller, asked.stage, asked.reason)
    return go(f"{PREFIX}/desk/stages")


def _invitations(visit: VisitOf, code: str) -> InvitationsPage:
    caller, session = visit.must_have_any("admit"), visit.session
    return InvitationsPage(
        title=visit.say("Invitations"), code=code,
        found=invitations.list_invitations(session, caller, None, None, _PAGE),
        cohorts=admission.list_cohorts(session),
        declines=invitations.list_declines(session, caller),
    )  # fmt: skip
