"""Routes of the charter: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.charter.rendering import to_markdown
from unstrung.studio.charters import service
from unstrung.studio.charters.schemas import (
    AcceptCharter,
    CharterAcceptanceList,
    CharterAcceptanceObject,
    CharterChangesObject,
    CharterObject,
    CharterVersionList,
    CharterVersionObject,
    CompareCharters,
    PublishCharter,
    ReadCharter,
    acceptance_object,
    changes_object,
    charter_object,
    version_object,
)
from unstrung.studio.charters.service import Published
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, Transaction, body_schema
from unstrung.studio.visitors import ReaderOf

router = APIRouter(prefix="/programme/v1", tags=["charter"])


@router.get("/charter")
def read_charter(
    _: ReaderOf, session: Transaction, wanted: Annotated[ReadCharter, Query()]
) -> CharterObject:
    """The charter in force, or another published version, in a language; nobody needs a key for it."""
    charter, published = service.read(session, wanted.version, wanted.language)
    return charter_object(charter, published.version.effective_at, published.status)


@router.get("/charter/versions")
def list_versions(_: ReaderOf, session: Transaction) -> CharterVersionList:
    """All published versions, newest first; nobody needs a key for it."""
    return CharterVersionList(data=[_told(each) for each in service.list_versions(session)])


@router.post("/charter/versions", openapi_extra=body_schema(PublishCharter))
def publish_version(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction
) -> CharterVersionObject:
    """Publish a version that lies in the charter folder; for stewards."""
    asked = body.as_a(PublishCharter)
    return _told(
        service.publish(session, studio.settings, caller, asked.version, asked.effective_at)
    )


@router.get("/charter/changes")
def compare_versions(
    _: ReaderOf, session: Transaction, wanted: Annotated[CompareCharters, Query()]
) -> CharterChangesObject:
    """What differs between two published versions, in plain words; nobody needs a key for it."""
    changes = service.differences(session, wanted.before, wanted.after, wanted.language)
    return changes_object(changes, to_markdown(changes))


@router.post("/charter/acceptances", openapi_extra=body_schema(AcceptCharter))
def accept_charter(caller: CallerOf, body: BodyOf, session: Transaction) -> CharterAcceptanceObject:
    """Accept the version in force, or the next one, in the words that were read."""
    asked = body.as_a(AcceptCharter)
    return acceptance_object(
        service.accept(session, caller, asked.version, asked.language, asked.digest)
    )


@router.get("/charter/acceptances")
def list_acceptances(caller: CallerOf, session: Transaction) -> CharterAcceptanceList:
    """What the caller accepted, newest first."""
    found = service.list_acceptances(session, caller)
    return CharterAcceptanceList(data=[acceptance_object(each) for each in found])


def _told(published: Published) -> CharterVersionObject:
    return version_object(published.version, published.texts, published.status)
