"""What routes are handed: the parts of the studio, a transaction, the caller, a checked body."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from unstrung.studio import cookies
from unstrung.studio.access import service as access
from unstrung.studio.access.service import Caller
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments.service import Assessor
from unstrung.studio.database import Database
from unstrung.studio.downloads import LinkSigner
from unstrung.studio.errors import Unauthenticated
from unstrung.studio.events import Listener
from unstrung.studio.jobs import JobQueue
from unstrung.studio.publishing import LogFolder
from unstrung.studio.rates import Rates
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.service import Recognised
from unstrung.studio.settings import Settings
from unstrung.studio.sightings import Sightings
from unstrung.studio.signals import service as signals
from unstrung.studio.storage import Storage
from unstrung.studio.wire import File, read_body, shaped_form, validated

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Studio:
    """The parts that an API process is made of.

    Attributes:
        settings, database, storage, jobs, signer, rates, listener, log, sightings, assessor: its parts.
        places: of requests with a transaction, one for each connection that is kept. Whoever waits for one
            takes up no thread, for requests that have a connection need threads to get rid of it again.
    """

    settings: Settings
    database: Database
    storage: Storage
    jobs: JobQueue
    signer: LinkSigner
    rates: Rates
    listener: Listener
    log: LogFolder
    sightings: Sightings
    places: asyncio.Semaphore
    assessor: Assessor = USUAL_ASSESSOR


@dataclass(frozen=True)
class Body:
    """A request body, as it was given and as it was checked.

    Attributes:
        fields: nested plain values and files.
        is_form: whether all values are text.
    """

    fields: dict[str, Any]
    is_form: bool

    @property
    def files(self) -> dict[str, bytes]:
        """The files by field."""
        return {key: value.data for key, value in self.fields.items() if isinstance(value, File)}

    def as_a(self, model: type[Model]) -> Model:
        """Check the fields.

        Raises:
            InvalidField: naming the first at fault.
        """
        fields = shaped_form(model, self.fields) if self.is_form else self.fields
        return validated(model, fields, self.is_form)


def studio_of(request: Request) -> Studio:
    """The parts of the studio."""
    studio: Studio = request.app.state.studio
    return studio


def bearer(request: Request) -> str | None:
    """The key that a request carries."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


async def transaction(request: Request) -> AsyncIterator[Session]:
    """One transaction for the request; it is through before the answer leaves."""
    studio = studio_of(request)
    async with (
        studio.places,
        contextmanager_in_threadpool(studio.database.transaction()) as session,
    ):
        yield session


def _recognised_key(studio: Studio, session: Session, request: Request, key: str | None) -> Caller:
    """Who a key belongs to; notes where it is used from."""
    caller = access.recognise(session, key)
    seen = studio.sightings.fresh(caller.key_id, request)
    if seen is not None:
        signals.see(session, caller, *seen)
    return caller


async def caller_of(request: Request, response: Response) -> Caller:
    """Who is calling, with a key or a session, within the rate of it.

    Raises:
        Unauthenticated, TooMany: if not.
        Forbidden: if another site may have made the browser call.
    """
    studio = studio_of(request)
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:  # a page asks, and so does what it calls
        return known
    key, held = bearer(request), cookies.held(request, studio.settings)
    is_reading = request.method in cookies.SAFE_METHODS
    # A key goes before: no other site can make a browser send one.
    if key is None and held is not None and not is_reading:
        cookies.must_be_same_origin(request, studio.settings)

    def recognised() -> Recognised:
        try:
            with studio.database.transaction() as session:
                if key is None and held is not None:
                    return sessions.recognise(session, held, is_reading)
                return Recognised(_recognised_key(studio, session, request, key))
        except Unauthenticated:
            if key is not None and access.looks_like_key(key):
                with studio.database.transaction() as session:
                    signals.note_canary(session, key, studio.sightings.network_of(request))
            raise

    async with studio.places:
        found = await run_in_threadpool(recognised)
    request.state.next_token = found.next_token
    caller = found.must_be_good()
    request.state.key_id, request.state.caller = caller.key_id, caller
    await studio.rates.spend(caller.key_id, response)
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]


async def fresh_caller_of(caller: CallerOf) -> Caller:
    """Who is calling, by a key or by a session whose person used a passkey within the last minutes.

    Raises:
        Unauthenticated: if a passkey has to be used first.
    """
    caller.must_be_fresh()
    return caller


FreshCaller = Annotated[Caller, Depends(fresh_caller_of)]


async def creator_of(request: Request, caller: CallerOf) -> Caller:
    """Who begins a video, within the rate at which the key may.

    Raises:
        TooMany: if not.
    """
    await studio_of(request).rates.spend_creation(caller.key_id)
    return caller


async def body_of(request: Request) -> Body:
    """The body of a request, read only for somebody with a good key.

    Raises:
        RequestError: if it cannot be read.
    """
    return Body(*await read_body(request, studio_of(request).settings.max_upload_bytes))


def body_schema(model: type[BaseModel], needs_file: bool = False) -> dict[str, Any]:
    """What OpenAPI says of a body: JSON, which holds no files, or a form, in which there is no null."""
    name = f"#/components/schemas/{model.__name__}"
    content = {"multipart/form-data": {"schema": {"$ref": f"{name}Form"}}}
    if not needs_file:
        content["application/json"] = {"schema": {"$ref": name}}
    required = any(field.is_required() for field in model.model_fields.values())
    return {"requestBody": {"required": required, "content": content}}


async def _studio(request: Request) -> Studio:
    # Asynchronous, since FastAPI takes a thread for every other function, however little it does.
    return studio_of(request)


StudioOf = Annotated[Studio, Depends(_studio)]
# The transaction ends before the answer is sent: what the caller reads has happened.
Transaction = Annotated[Session, Depends(transaction, scope="function")]
CreatorOf = Annotated[Caller, Depends(creator_of)]
BodyOf = Annotated[Body, Depends(body_of)]
