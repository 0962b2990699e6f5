"""Routes of feedback: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.studio.dependencies import BodyOf, CallerOf, Transaction, body_schema
from unstrung.studio.feedback import service
from unstrung.studio.feedback.schemas import (
    AnswerFeedback,
    FeedbackList,
    FeedbackObject,
    FeedbackWithdrawn,
    GiveFeedback,
    ListEverybodysFeedback,
    ListFeedback,
    feedback_list,
    feedback_object,
)
from unstrung.studio.feedback.service import About, Note

router = APIRouter(prefix="/programme/v1", tags=["feedback"])


@router.post("/feedback", openapi_extra=body_schema(GiveFeedback))
def give_feedback(caller: CallerOf, body: BodyOf, session: Transaction) -> FeedbackObject:
    """Say something of a stretch of a clip of one's own, or of one that is shared; nobody has to."""
    asked = body.as_a(GiveFeedback)
    about = About(asked.video_id, asked.share_id, asked.token)
    note = Note(asked.kind, asked.text, asked.starts_s, asked.ends_s, asked.is_credited)
    written = service.give(session, caller, about, note)
    return feedback_object(written, None, is_own=True)


@router.get("/feedback")
def list_feedback(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListFeedback, Query()]
) -> FeedbackList:
    """The caller's own notes, and what became of them."""
    found, has_more = service.list_own(session, caller, wanted.after, wanted.limit)
    return feedback_list([feedback_object(each, None, is_own=True) for each in found], has_more)


@router.get("/feedback/all")
def list_everybodys_feedback(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListEverybodysFeedback, Query()]
) -> FeedbackList:
    """Everybody's notes, for stewards: without names, but of those who want to be named."""
    found, has_more = service.list_all(
        session, caller, wanted.status, wanted.kind, wanted.after, wanted.limit
    )
    names = service.credits(session, found)
    told = [feedback_object(each, names.get(each.id), is_own=False) for each in found]
    return feedback_list(told, has_more)


@router.get("/feedback/{note_id}")
def get_feedback(caller: CallerOf, session: Transaction, note_id: str) -> FeedbackObject:
    """A note of the caller's own."""
    return feedback_object(service.get_own(session, caller, note_id), None, is_own=True)


@router.delete("/feedback/{note_id}")
def withdraw_feedback(caller: CallerOf, session: Transaction, note_id: str) -> FeedbackWithdrawn:
    """Take a note of the caller's own back; nothing of it stays."""
    service.withdraw(session, caller, note_id)
    return FeedbackWithdrawn(id=note_id)


@router.put("/feedback/{note_id}/status", openapi_extra=body_schema(AnswerFeedback))
def answer_feedback(
    caller: CallerOf, body: BodyOf, session: Transaction, note_id: str
) -> FeedbackObject:
    """Say what becomes of a note, for stewards; who declines says why."""
    asked = body.as_a(AnswerFeedback)
    note = service.answer(session, caller, note_id, asked.status, asked.reason)
    names = service.credits(session, [note])
    return feedback_object(note, names.get(note.id), is_own=False)
