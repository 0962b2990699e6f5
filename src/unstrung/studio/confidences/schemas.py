"""Wire format of confidences."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.admission.schemas import Line, Paragraphs, PublicReason, RowId
from unstrung.studio.confidences.models import (
    Answer,
    Confidence,
    ConfidenceAnswer,
    ConfidenceKind,
)
from unstrung.studio.fields import Moment, StrictRequest, one_of

KindWord = Annotated[ConfidenceKind, BeforeValidator(one_of(ConfidenceKind))]


def _without_repeats(value: Any) -> Any:
    return list(dict.fromkeys(value)) if isinstance(value, list) else value


class AskConfidence(StrictRequest):
    """Ask that one item be kept confidential; what is never covered is added and cannot be left out."""

    kind: KindWord
    title: Line
    covers: Paragraphs = Field(
        description="Exactly what is confidential, in plain words; people read it before they answer."
    )
    why: PublicReason = Field(description="Why it has to be, told to those who are asked.")
    content: Paragraphs | None = Field(
        None,
        description="The item or where it is; shown to those who accept, and to all afterwards.",
    )
    begins_at: Moment | None = Field(None, description="Now, if left out.")
    ends_at: Moment = Field(
        description="When it lapses by itself: within 180 days of its beginning."
    )
    cohort_ids: Annotated[list[RowId], BeforeValidator(_without_repeats)] = Field(
        min_length=1, max_length=50, description="Whose members are asked."
    )
    renews: RowId | None = Field(
        None, description="An earlier item that this one goes on from; it binds nobody by itself."
    )


class EndConfidence(StrictRequest):
    """End an item before its day."""

    reason: PublicReason


BODIES: Final = (AskConfidence, EndConfidence)


class ListConfidences(StrictRequest):
    """Which page of items is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last item of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most items of the page.")


class ConfidenceReceipts(BaseModel):
    """Receipts of asking and ending, which `unstrung log verify` checks; None until published."""

    asked: str | None
    ended: str | None


class ItemObject(BaseModel):
    """One item that is asked to be kept confidential."""

    id: str
    kind: ConfidenceKind
    title: str
    covers: str = Field(description="Exactly what is confidential.")
    why: str
    never_covered: dict[str, str] = Field(
        description="Part of every item: what may be said in spite of it."
    )
    begins_at: datetime
    ends_at: datetime = Field(description="When it lapses by itself.")
    renews: str | None = Field(description="The earlier item that this one goes on from.")
    state: Literal["ahead", "in force", "ended"]
    ended_at: datetime | None
    end_reason: str | None


class ConfidenceObject(ItemObject):
    """An item as somebody sees it who is asked."""

    object: Literal["confidence"] = "confidence"
    content: str | None = Field(
        description="For those who accepted, while it is in force, and for all when it has ended."
    )
    your_answer: Answer | None = Field(description="None until you answer; you need not.")
    binds_you: bool = Field(description="Only if you accepted it, and only while it is in force.")
    answered_at: datetime | None
    receipt_id: str | None = Field(description="Of your answer, in the log.")
    declining: str = (
        "Declining costs nothing: you do not see this item while it is confidential, and nothing else "
        "follows. You may accept it later."
    )
    receipts: ConfidenceReceipts | None = Field(None, description="Only where one item is read.")


class ConfidenceList(BaseModel):
    """Items that the caller is or was asked about, newest first."""

    object: Literal["list"] = "list"
    data: list[ConfidenceObject]
    has_more: bool


class AskedConfidence(ItemObject):
    """An item as stewards see it; who declined is told to nobody."""

    object: Literal["confidence.asked"] = "confidence.asked"
    content: str | None
    cohort_ids: list[str]
    asked_at: datetime
    num_accepted: int = Field(description="People whom it binds while it is in force.")


class AskedList(BaseModel):
    """Items that stewards asked about, newest first."""

    object: Literal["list"] = "list"
    data: list[AskedConfidence]
    has_more: bool


def confidence_object(
    item: Confidence,
    answer: ConfidenceAnswer | None,
    state: Literal["ahead", "in force", "ended"],
    receipts: ConfidenceReceipts | None = None,
) -> ConfidenceObject:
    """An item for the eyes of one person who is asked."""
    has_accepted = answer is not None and answer.answer == Answer.ACCEPTED
    is_binding = has_accepted and state == "in force"
    return ConfidenceObject(
        **_item(item, state).model_dump(),
        content=item.content if is_binding or state == "ended" else None,
        your_answer=answer.answer if answer else None,
        binds_you=is_binding,
        answered_at=answer.answered_at if answer else None,
        receipt_id=answer.entry_id if answer else None,
        receipts=receipts,
    )


def asked_confidence(
    item: Confidence, num_accepted: int, state: Literal["ahead", "in force", "ended"]
) -> AskedConfidence:
    """An item for stewards."""
    return AskedConfidence(
        **_item(item, state).model_dump(), content=item.content, cohort_ids=item.cohort_ids,
        asked_at=item.asked_at, num_accepted=num_accepted,
    )  # fmt: skip


def _item(item: Confidence, state: Literal["ahead", "in force", "ended"]) -> ItemObject:
    return ItemObject(
        id=item.id, kind=item.kind, title=item.title, covers=item.covers, why=item.why,
        never_covered=item.carve_outs, begins_at=item.begins_at, ends_at=item.ends_at,
        renews=item.renews_id, state=state,
        ended_at=item.ended_at or (item.ends_at if state == "ended" else None),
        end_reason=item.end_reason,
    )  # fmt: skip
