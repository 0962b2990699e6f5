"""Routes of sharing: parse, call, tell."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from unstrung.studio.assessments import service as assessments
from unstrung.studio.database import now
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    bearer,
    body_schema,
)
from unstrung.studio.headers import let_others_embed
from unstrung.studio.shares import service
from unstrung.studio.shares.models import Share
from unstrung.studio.shares.schemas import (
    CreateShare,
    ListShares,
    RiskClassList,
    RiskClassObject,
    SharedObject,
    ShareList,
    ShareObject,
    share_object,
    shared_object,
)
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.showing import (
    Expires,
    ShownVariant,
    Signature,
    Viewer,
    links_to,
    must_be_signed,
    sent,
)
from unstrung.studio.visitors import ReaderOf

router = APIRouter(prefix="/programme/v1", tags=["sharing"])
FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("video/mp4", "image/webp", "image/jpeg")
        },
    },
    206: {"description": "A part of the file, for a Range header."},
    304: {"description": "The file is still the one of If-None-Match."},
    416: {"description": "The Range lies outside the file."},
}


@router.post("/shares", openapi_extra=body_schema(CreateShare))
def create_share(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction
) -> ShareObject:
    """Share a clip of one's own: at once, unless it belongs to a listed class that a reviewer looks at."""
    asked = body.as_a(CreateShare)
    wish = ShareWish(asked.video_id, asked.audience, asked.revises, asked.note, asked.shows_prompt)
    hours = studio.settings.review_hours
    return _told(studio, service.share(session, studio.assessor, caller, hours, wish))


@router.get("/shares")
def list_shares(
    studio: StudioOf, caller: CallerOf, session: Transaction, wanted: Annotated[ListShares, Query()]
) -> ShareList:
    """The caller's own shares, newest first."""
    found, has_more = service.list_shares(session, caller, wanted.after, wanted.limit)
    return ShareList(
        data=[_told(studio, each) for each in found],
        first_id=found[0].id if found else None,
        last_id=found[-1].id if found else None,
        has_more=has_more,
    )


@router.get("/shares/{share_id}")
def get_share(
    studio: StudioOf, caller: CallerOf, session: Transaction, share_id: str
) -> ShareObject:
    """Where a share of the caller's own stands."""
    return _told(studio, service.get_share(session, caller, share_id))


@router.post("/shares/{share_id}/withdraw")
def withdraw_share(
    studio: StudioOf, caller: CallerOf, session: Transaction, share_id: str
) -> ShareObject:
    """Close a share at once; links that were given out open nothing any more, and the clip stays."""
    return _told(studio, service.withdraw(session, caller, share_id))


@router.get("/shared/{share_id}")
def get_shared(
    _: ReaderOf,
    request: Request,
    studio: StudioOf,
    session: Transaction,
    share_id: str,
    token: Annotated[
        str | None, Query(max_length=64, description="Of the link; not needed for everybody's.")
    ] = None,
) -> SharedObject:
    """A shared clip with links to its files, for whoever it is shared with; no key is needed."""
    viewer = service.viewer_of(session, bearer(request))
    shared, video = service.shown(session, share_id, token)
    links = links_to(studio, f"/programme/v1/shared/{share_id}/files", viewer)
    return shared_object(shared, video, links)


@router.head("/shared/{share_id}/files/{variant}", include_in_schema=False)
@router.get("/shared/{share_id}/files/{variant}", response_class=StreamingResponse, responses=FILES)
def get_shared_file(
    request: Request,
    studio: StudioOf,
    share_id: str,
    variant: ShownVariant,
    viewer: Viewer,
    expires: Expires,
    signature: Signature,
) -> Response:
    """A file of a shared clip by a signed link; that it is still shared is asked each time."""
    must_be_signed(studio, request, viewer, expires, signature)
    with studio.database.transaction() as session:
        shared, video = service.shown_by_link(session, share_id)
    file = sent(request, studio, video, variant, with_words=shared.shows_prompt)
    return let_others_embed(file)


@router.get("/risk_classes")
def list_risk_classes(
    _: ReaderOf,
    studio: StudioOf,
    session: Transaction,
    language: Annotated[str, Query(max_length=20, description="Of the sentences.")] = "en",
) -> RiskClassList:
    """The closed list of classes; whatever belongs to none is shared without asking anybody."""
    has_any, note = assessments.newest_note(session)
    return RiskClassList(
        data=[
            RiskClassObject(
                name=each.name,
                action=each.action.value,
                is_hard_illegal=each.is_hard_illegal,
                clause=each.clause,
                legal_ground=each.law,
                category=each.category,
                what=each.what,
                suggested_change=each.suggested_change,
            )
            for each in studio.assessor.listed(language)
        ],
        frames_are_looked_at=note is None if has_any else None,
        frames_note=note,
    )


def _told(studio: Studio, shared: Share) -> ShareObject:
    return share_object(shared, service.status_of(shared, now()), studio.settings.base_url)
