"""Decisions about somebody: statements of reasons, appeals, revised clips, pauses, keys under suspicion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from fastapi import Response

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key
from unstrung.studio.admission.routes import PathId
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import Appeal, AppealStage
from unstrung.studio.appeals.schemas import CreateAppeal
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.errors import NotFound
from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.programme_home import BASE
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Pause
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Share
from unstrung.studio.shares.schemas import CreateShare
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.signals import service as signals
from unstrung.studio.signals.models import Signal
from unstrung.studio.statements import service
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.statements.schemas import statement_object
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Status

router = page_router()
_PAGE: Final = 20
_RECENT: Final = 50
_STRIP: Final = 1_000  # units of the strip's drawing for the whole clip


@dataclass(frozen=True, kw_only=True)
class StatementsPage(Page):
    """Statements about oneself.

    Attributes:
        statements: newest first.
        appeals: one's own, newest first.
        after: id to go on after; empty at the end.
    """

    template: ClassVar[str] = "programme/statements.html"
    statements: Sequence[Statement]
    appeals: Sequence[Appeal]
    after: str


@dataclass(frozen=True)
class Strip:
    """Where in a clip something is, as parts of a thousand.

    Attributes:
        begins, width: of the part.
        starts_s, ends_s, whole_s: the same in seconds.
    """

    begins: int
    width: int
    starts_s: float
    ends_s: float
    whole_s: float


@dataclass(frozen=True, kw_only=True)
class StatementPage(Page):
    """One decision: in plain words, then in the fields of the DSA, then what can be done about it.

    Attributes:
        statement: the row.
        fields: of the DSA Transparency Database.
        appeals: against it, oldest first.
        may_appeal: whether another appeal can be lodged.
        next_stage: who would hear it.
        hear_days: within how many days.
        clip: at issue; None if there is none, or it was deleted.
        strip: where in the clip; None if that is not said.
        share: that was refused; None for other decisions.
        candidates: finished clips that could be shared in its place.
    """

    template: ClassVar[str] = "programme/statement.html"
    statement: Statement
    fields: dict[str, Any]
    appeals: list[Appeal]
    may_appeal: bool
    next_stage: AppealStage
    hear_days: int
    clip: Clip | None
    strip: Strip | None
    share: Share | None
    candidates: list[Clip]


@dataclass(frozen=True, kw_only=True)
class PausesPage(Page):
    """Pauses that stop the reader, and the public record of all.

    Attributes:
        mine: in force now, for the reader; empty for visitors.
        past: all others, newest first.
        language: of the notices.
    """

    template: ClassVar[str] = "programme/pauses.html"
    mine: Sequence[Pause]
    past: list[Pause]
    language: str


@dataclass(frozen=True, kw_only=True)
class SuspicionsPage(Page):
    """What was noticed about one's keys.

    Attributes:
        signals: newest first.
        keys: one's own, by id.
    """

    template: ClassVar[str] = "programme/keys.html"
    signals: list[Signal]
    keys: dict[str, Key]


@router.get("/programme/statements")
def show_statements(visit: VisitOf, after: str | None = None) -> Response:
    """Statements about oneself, newest first."""
    found = service.list_statements(visit.session, visit.member, after, _PAGE + 1)
    page = StatementsPage(
        title=visit.say("Decisions about you"), statements=found[:_PAGE],
        appeals=appeals.list_appeals(visit.session, visit.member, None, _RECENT)[0],
        after=found[_PAGE - 1].id if len(found) > _PAGE else "",
    )  # fmt: skip
    return visit.show(page)


@router.get("/programme/statements.jsonl")
def download_statements(visit: VisitOf) -> Response:
    """All of one's own statements as JSON lines."""
    lines, after = [], None
    while batch := service.list_statements(visit.session, visit.member, after, _PAGE):
        told = [statement_object(each).model_dump(mode="json") for each in batch]
        lines += [json.dumps(each, ensure_ascii=False) + "\n" for each in told]
        after = batch[-1].id
    headers = {"content-disposition": 'attachment; filename="statements.jsonl"'}
    return Response("".join(lines), 200, headers, "application/x-ndjson")


@router.get("/programme/statements/{statement_id}")
def show_statement(visit: VisitOf, statement_id: PathId) -> Response:
    """One statement, and how an appeal against it stands."""
    caller = visit.member
    statement = service.get_statement(visit.session, caller, statement_id)
    mine, _ = appeals.list_appeals(visit.session, caller, None, _RECENT)
    own = sorted((each for each in mine if each.statement_id == statement.id), key=lambda a: a.id)
    stages = {each.stage for each in own}
    is_open = any(each.outcome is None for each in own)
    share = _share_of(visit, statement)
    clip = _clip_of(visit, share)
    page = StatementPage(
        title=visit.say("A decision about you"), statement=statement,
        fields=service.public_fields(statement), appeals=own,
        may_appeal=statement.reversed_at is None and not is_open and AppealStage.PANEL not in stages,
        next_stage=AppealStage.PANEL if stages else AppealStage.HEARING,
        hear_days=appeals.HEAR_WITHIN.days, clip=clip, strip=_strip(statement, clip), share=share,
        candidates=_candidates(visit, share),
    )  # fmt: skip
    return visit.show(page)


@router.post("/programme/statements/{statement_id}/appeal")
def appeal(visit: VisitOf, body: BodyOf, statement_id: PathId) -> Response:
    """Appeal against a decision."""
    fields = {**body.fields, "statement_id": statement_id}
    asked = type(body)(fields, body.is_form).as_a(CreateAppeal)
    appeals.lodge(visit.session, visit.member, asked.statement_id, asked.text)
    return go(f"{BASE}/statements/{statement_id}?appealed=1")


@router.post("/programme/statements/{statement_id}/revise")
def revise(visit: VisitOf, body: BodyOf, statement_id: PathId) -> Response:
    """Share another clip in the place of the refused one."""
    statement = service.get_statement(visit.session, visit.member, statement_id)
    share = _share_of(visit, statement)
    if share is None:
        raise NotFound("This decision is about no shared clip.", "statement_id")
    fields = {**filled(body).fields, "audience": str(share.audience), "revises": share.id}
    asked = type(body)(fields, body.is_form).as_a(CreateShare)
    wish = ShareWish(asked.video_id, asked.audience, asked.revises, asked.note)
    studio = visit.studio
    shares.share(visit.session, studio.assessor, visit.member, studio.settings.review_hours, wish)
    return go(f"{BASE}/statements/{statement_id}?revised=1")


@router.get("/programme/pauses")
def show_pauses(visit: VisitOf) -> Response:
    """Pauses: those that stop the reader whole, all others as everybody may see them."""
    mine: Sequence[Pause] = ()
    if visit.caller is not None:
        mine = pauses.list_stopping(visit.session, visit.caller)
    stopped = {each.id for each in mine}
    page = PausesPage(
        title=visit.say("Pauses"), mine=mine,
        past=[each for each in pauses.list_pauses(visit.session) if each.id not in stopped],
        language=visit.reader.language.code,
    )  # fmt: skip
    return visit.show(page)


@router.get("/programme/keys")
def show_suspicions(visit: VisitOf) -> Response:
    """What was noticed about one's keys, and what follows."""
    caller = visit.member
    found = signals.list_signals(visit.session, caller)
    page = SuspicionsPage(
        title=visit.say("Keys under suspicion"),
        signals=[each for each in found if each.person_id == caller.person_id],
        keys={each.id: each for each in access.own_keys(visit.session, caller)},
    )
    return visit.show(page)


def _share_of(visit: Visit, statement: Statement) -> Share | None:
    if statement.subject_kind != SubjectKind.SHARE or statement.subject_id is None:
        return None
    return shares.get_share(visit.session, visit.member, statement.subject_id)


def _clip_of(visit: Visit, share: Share | None) -> Clip | None:
    if share is None or share.video_id is None:
        return None
    return clips_of(visit, [videos.get_video(visit.session, visit.member, share.video_id)])[0]


def _strip(statement: Statement, clip: Clip | None) -> Strip | None:
    begins, ends = statement.starts_s, statement.ends_s
    whole = clip.told.duration_seconds if clip is not None else None
    if begins is None or ends is None or not whole:
        return None
    begins_at = round(_STRIP * min(begins, whole) / whole)
    width = max(8, round(_STRIP * min(ends, whole) / whole) - begins_at)
    return Strip(begins_at, width, begins, ends, whole)


def _candidates(visit: Visit, share: Share | None) -> list[Clip]:
    """Finished clips that could take the place of a refused one, newest first."""
    if share is None or share.refused_at is None or share.reinstated_at is not None:
        return []
    found, _ = videos.list_videos(visit.session, visit.member, None, _RECENT, True)
    done = [each for each in found if each.status == Status.COMPLETED]
    return clips_of(visit, [each for each in done if each.id != share.video_id])
