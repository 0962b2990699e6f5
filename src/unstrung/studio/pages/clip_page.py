"""The page of a clip: to watch it closely, know how it was made, share it, and say something of a moment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from fastapi import Response
from starlette.background import BackgroundTask

from unstrung.engine.description import ModelDescription
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf, Studio
from unstrung.studio.errors import InvalidField
from unstrung.studio.feedback import service as feedback
from unstrung.studio.feedback.models import Feedback
from unstrung.studio.feedback.schemas import GiveFeedback
from unstrung.studio.feedback.service import About, Note
from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.programs import Programs, programs_of
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience, Share
from unstrung.studio.shares.schemas import CreateShare, ShareObject, share_object
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Status, Video

router = page_router()
_TO_COMPARE: Final = 20


@dataclass(frozen=True)
class Shown:
    """A share on its clip's page.

    Attributes:
        told: as the API tells it.
        link: of the page on which viewers see it.
        statement: of reasons, if it was refused.
    """

    told: ShareObject
    link: str
    statement: Statement | None


@dataclass(frozen=True)
class Made:
    """How a clip was made, as far as a page tells it.

    Attributes:
        video: the row.
        steps, guidance: of the sampler; None before it is known.
        took: from the start on a worker to the end.
        recipe: all that the file says, as text; empty before there is one.
        consents: use to yes or no, as they stood when the file was written.
    """

    video: Video
    steps: int | None
    guidance: float | None
    took: timedelta | None
    recipe: str
    consents: dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class ClipPage(Page):
    """A clip.

    Attributes:
        clip, made: the clip, and how it was made.
        model: what its model can do; None if that is offered no more.
        programs: that make it again.
        others: the last other clips, to compare it with.
        shown: its shares, newest first.
        revisable: refused shares that it may take the place of.
        review_hours: after which a share that waits is released.
        notes: one's own on it.
    """

    template: ClassVar[str] = "clip.html"
    clip: Clip
    made: Made
    model: ModelDescription | None
    programs: Programs
    others: list[Clip]
    shown: list[Shown]
    revisable: Sequence[Share]
    review_hours: int
    notes: Sequence[Feedback]


@dataclass(frozen=True, kw_only=True)
class DeletePage(Page):
    """Asks whether a clip is to go.

    Attributes:
        clip: the clip.
    """

    template: ClassVar[str] = "clip_delete.html"
    clip: Clip


@dataclass(frozen=True, kw_only=True)
class ComparePage(Page):
    """Two clips side by side.

    Attributes:
        clips: the two.
        differences: name of a setting and what it is in each.
    """

    template: ClassVar[str] = "compare.html"
    clips: list[Clip]
    differences: list[tuple[str, str, str]]


@router.get("/clips/{video_id}")
def show_clip(visit: VisitOf, video_id: str) -> Response:
    """Everything about a clip."""
    session, member = visit.session, visit.member
    video = videos.get_video(session, member, video_id)
    last, _ = videos.list_videos(session, member, None, _TO_COMPARE + 1, True)
    others = [each for each in last if each.id != video.id and each.status == Status.COMPLETED]
    offered = {each.name: each for each in catalogue.list_models(session)}
    row = offered.get(video.resolved_model)
    page = ClipPage(
        title=video.prompt[:60], clip=clips_of(visit, [video])[0], made=_made(video),
        model=None if row is None else ModelDescription.from_dict(row.description),
        programs=programs_of(video, visit.studio.settings.base_url),
        others=clips_of(visit, others[:_TO_COMPARE]),
        shown=[_shown(visit, each) for each in shares.of_video(session, member, video.id)],
        revisable=[each for each in shares.revisable(session, member) if each.video_id != video.id],
        review_hours=visit.studio.settings.review_hours,
        notes=feedback.of_video(session, member, video.id),
    )  # fmt: skip
    return visit.show(page)


@router.get("/clips/{video_id}/delete")
def ask_whether_to_delete(visit: VisitOf, video_id: str) -> Response:
    """The question for those without scripts."""
    video = videos.get_video(visit.session, visit.member, video_id)
    page = DeletePage(title=visit.say("Delete this clip?"), clip=clips_of(visit, [video])[0])
    return visit.show(page)


@router.post("/clips/{video_id}/delete")
def delete_clip(visit: VisitOf, video_id: str) -> Response:
    """Remove a clip and its files for good."""
    files = videos.delete_video(visit.session, visit.studio.jobs, visit.member, video_id)
    answer = go(f"{PREFIX}/library")
    # After the answer, when the transaction is through: one that failed must not have lost the files.
    answer.background = BackgroundTask(_remove, visit.studio, files)
    return answer


@router.post("/clips/{video_id}/share")
def share_clip(visit: VisitOf, body: BodyOf, video_id: str) -> Response:
    """Share a clip: at once, unless a listed class asks for a reviewer."""
    given = filled(body)
    asked = replace(given, fields={**given.fields, "video_id": video_id}).as_a(CreateShare)
    wish = ShareWish(video_id, asked.audience, asked.revises, asked.note)
    hours = visit.studio.settings.review_hours
    shares.share(visit.session, visit.studio.assessor, visit.member, hours, wish)
    return go(f"{PREFIX}/clips/{video_id}#sharing")


@router.post("/clips/{video_id}/shares/{share_id}/withdraw")
def withdraw_share(visit: VisitOf, video_id: str, share_id: str) -> Response:
    """Close a share at once; the clip stays."""
    shares.withdraw(visit.session, visit.member, share_id)
    return go(f"{PREFIX}/clips/{video_id}#sharing")


@router.post("/clips/{video_id}/notes")
def give_note(visit: VisitOf, body: BodyOf, video_id: str) -> Response:
    """Say something of a stretch of a clip."""
    given = filled(body)
    asked = replace(given, fields={**given.fields, "video_id": video_id}).as_a(GiveFeedback)
    note = Note(asked.kind, asked.text, asked.starts_s, asked.ends_s, asked.is_credited)
    feedback.give(visit.session, visit.member, About(video_id), note)
    return go(f"{PREFIX}/clips/{video_id}#notes")


@router.post("/clips/{video_id}/notes/{note_id}/withdraw")
def withdraw_note(visit: VisitOf, video_id: str, note_id: str) -> Response:
    """Take a note back."""
    feedback.withdraw(visit.session, visit.member, note_id)
    return go(f"{PREFIX}/clips/{video_id}#notes")


@router.get("/compare")
def compare(visit: VisitOf, a: str = "", b: str = "") -> Response:
    """Two clips side by side, in step."""
    if not a or not b:
        raise InvalidField("Choose two clips: a and b.", "b")
    found = [videos.get_video(visit.session, visit.member, each) for each in (a, b)]
    for each in found:
        videos.must_be_completed(each)
    page = ComparePage(
        title=visit.say("Compare"), clips=clips_of(visit, found), differences=_differences(visit, found)
    )  # fmt: skip
    return visit.show(page)


def _made(video: Video) -> Made:
    recipe: dict[str, Any] = video.recipe or {}
    took = (
        video.completed_at - video.started_at if video.completed_at and video.started_at else None
    )
    return Made(
        video,
        recipe.get("steps", video.num_steps),
        recipe.get("guidance", video.guidance_scale),
        None if took is None else timedelta(seconds=max(1, round(took.total_seconds()))),
        json.dumps(recipe, ensure_ascii=False, indent=2) if recipe else "",
        recipe.get("consents", {}),
    )


def _shown(visit: Visit, share: Share) -> Shown:
    told = share_object(share, shares.status_of(share, now()), visit.studio.settings.base_url)
    query = f"?token={share.token}" if share.audience == Audience.LINK else ""
    statement = None
    if share.statement_id is not None:
        statement = statements.get_statement(visit.session, visit.member, share.statement_id)
    link = f"{visit.studio.settings.base_url}{PREFIX}/explore/{share.id}{query}"
    return Shown(told, link, statement)


def _differences(visit: Visit, found: Sequence[Video]) -> list[tuple[str, str, str]]:
    rows = (
        (visit.say("Prompt"), "prompt"), (visit.say("Understood as"), "caption"),
        (visit.say("Seed"), "seed"), (visit.say("Model"), "model"), (visit.say("Steps"), "steps"),
        (visit.say("Guidance"), "guidance"), (visit.say("Length"), "seconds"),
        (visit.say("Drawn size"), "size"),
    )  # fmt: skip
    told = [(name, _setting(found[0], key), _setting(found[1], key)) for name, key in rows]
    return [row for row in told if row[1] != row[2]]


def _setting(video: Video, key: str) -> str:
    recipe = video.recipe or {}
    if key == "prompt":
        return video.prompt
    value = recipe.get(key) if key != "size" else video.size
    return "" if value is None else str(value)


def _remove(studio: Studio, prefixes: Sequence[str]) -> None:
    for prefix in prefixes:
        studio.storage.delete_prefix(prefix)
