"""The API: an application assembled from its parts. Nothing here, or below it, imports torch."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from unstrung import __version__
from unstrung.studio import cookies, headers, programme
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments.service import Assessor
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.routes import router as models_router
from unstrung.studio.content.routes import router as content_router
from unstrung.studio.database import Database
from unstrung.studio.dependencies import Studio, StudioOf, caller_of
from unstrung.studio.downloads import LinkSigner
from unstrung.studio.error_handlers import add_error_handlers, answer_to_fault
from unstrung.studio.errors import ServiceFault
from unstrung.studio.events import Listener
from unstrung.studio.identity import new_id
from unstrung.studio.jobs import JobQueue
from unstrung.studio.metrics import ApiMetrics
from unstrung.studio.pages import assembled as pages
from unstrung.studio.pages.visits import page_instead
from unstrung.studio.publishing import LogFolder, keep_publishing
from unstrung.studio.queue import service as queue
from unstrung.studio.queue.routes import router as queue_router
from unstrung.studio.rates import Rates
from unstrung.studio.settings import Settings
from unstrung.studio.sightings import Sightings
from unstrung.studio.storage import Storage, StorageUnavailable
from unstrung.studio.videos import schemas as videos
from unstrung.studio.videos.models import Status
from unstrung.studio.videos.routes import router as videos_router
from unstrung.studio.webhooks import schemas as webhooks
from unstrung.studio.webhooks.routes import router as webhooks_router

_DESCRIPTION: Final = (
    "Text to video on your own machines, for programs written against the closed Videos API. "
    "Bodies may be JSON or forms; errors come in one envelope."
)
_FILE: Final = {"type": "string", "format": "binary"}
_NULL: Final = {"type": "null"}
_REQUEST_ID: Final = re.compile(r"[\w.-]{1,128}")
_log = structlog.get_logger(__name__)


def create_app(settings: Settings, assessor: Assessor = USUAL_ASSESSOR) -> FastAPI:
    """An API process.

    Args:
        settings: frozen; the database must have been migrated.
        assessor: who finds classes of risk in prompts.
    """
    studio = Studio(
        settings,
        Database(settings.database_url, settings.database_pool),
        Storage.open(settings.files_url),
        JobQueue(),
        LinkSigner(settings.secret.get_secret_value().encode()),
        Rates(settings),
        Listener(settings.database_url),
        LogFolder(settings.log_path, urlsplit(settings.base_url).netloc + "/log"),
        Sightings(settings.secret.get_secret_value().encode()),
        asyncio.Semaphore(settings.database_pool),
        assessor,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = [
            asyncio.create_task(studio.listener.run()),
            asyncio.create_task(
                keep_publishing(studio.log, studio.database, settings.log_publish_s)
            ),
        ]
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        studio.database.close()

    app = FastAPI(
        title="Unstrung", version=__version__, description=_DESCRIPTION, lifespan=lifespan,
        docs_url=None, redoc_url=None,
        # A redirect to the address without a slash would name whatever host the request names, without TLS.
        redirect_slashes=False,
    )  # fmt: skip
    app.state.studio = studio
    app.state.metrics = ApiMetrics()
    for router in _routers():
        app.include_router(router)
    app.middleware("http")(_observed)
    add_error_handlers(app, page_instead)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _observed(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Name the request, protect its answer, time it, count it, log it."""
    given = request.headers.get("x-request-id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")
    request.state.request_id = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=request_id)
    started = time.perf_counter()
    try:
        response = await call_next(request)
    except Exception as error:
        response = answer_to_fault(request, error)
    response.headers["x-request-id"] = request_id
    headers.protect(response, request.app.state.studio.settings)
    cookies.hand_over(request, response)
    seconds = time.perf_counter() - started
    response.headers["openai-processing-ms"] = str(round(1_000 * seconds))
    route = getattr(request.scope.get("route"), "path", "unknown")
    metrics: ApiMetrics = request.app.state.metrics
    metrics.requests.labels(request.method, route, response.status_code).inc()
    metrics.seconds.labels(request.method, route).observe(seconds)
    _log.info(
        "request", method=request.method, path=request.url.path, status=response.status_code,
        ms=round(1_000 * seconds, 1), key=getattr(request.state, "key_id", None),
        refusal=getattr(request.state, "refusal", None),
    )  # fmt: skip
    return response


_operations = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Whether a process, or everything that it needs, is there."""

    status: str
    database: str | None = None
    storage: str | None = None
    workers: int | None = None


@_operations.get("/healthz")
async def healthz() -> Health:
    """Whether this process answers."""
    return Health(status="ok")


@_operations.get("/readyz", responses={503: {"model": Health}})
def readyz(studio: StudioOf, response: Response) -> Health:
    """Whether database and storage answer too, and how many workers are alive."""
    found = {"database": "ok", "storage": "ok"}
    workers = 0
    try:
        with studio.database.transaction() as session:
            workers = catalogue.num_workers(session)
    except ServiceFault:
        found["database"] = "unreachable"
    try:
        studio.storage.check()
    except StorageUnavailable:
        found["storage"] = "unreachable"
    is_ready = set(found.values()) == {"ok"}
    response.status_code = 200 if is_ready else 503
    return Health(status="ok" if is_ready else "not ready", workers=workers, **found)


@_operations.get("/metrics", response_class=Response)
def metrics(request: Request, studio: StudioOf) -> Response:
    """Figures for Prometheus."""
    figures: ApiMetrics = request.app.state.metrics
    with studio.database.transaction() as session:
        figures.queued.set(queue.count(session, Status.QUEUED))
        figures.running.set(queue.count(session, Status.IN_PROGRESS))
        figures.workers.set(catalogue.num_workers(session))
    return Response(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorEnvelope(BaseModel):
    """Every error comes in this form."""

    error: ErrorDetail


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API, with bodies that may be JSON or forms and one form of error."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        bodies: list[type[BaseModel]] = [
            videos.CreateVideo, videos.RemixVideo, videos.EditVideo, videos.ExtendVideo,
            videos.LoopVideo, videos.RecutVideo, videos.ConnectVideos, videos.BlendVideos,
            videos.TellStoryboard,
            videos.CreateCharacter, *webhooks.BODIES,
            *programme.BODIES,
        ]  # fmt: skip
        bodies.append(ErrorEnvelope)
        for model in bodies:
            found = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(found.pop("$defs", {}))
            schemas[model.__name__] = _without(found, _FILE)
            schemas[f"{model.__name__}Form"] = _without(found, _NULL)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        _describe_operations(schema["paths"], _open_operations())
        app.openapi_schema = schema
    return app.openapi_schema


def _without(schema: Any, unwanted: Mapping[str, str]) -> Any:
    """The same schema without one kind of value, and without a null that nothing allows."""
    if isinstance(schema, list):
        kept = [each for each in schema if not _is_like(each, unwanted)]
        return [_without(each, unwanted) for each in kept]
    if isinstance(schema, dict):
        drops_null = unwanted == _NULL
        return {
            key: _without(value, unwanted)
            for key, value in schema.items()
            if not (drops_null and key == "default" and value is None)
        }
    return schema


def _is_like(schema: Any, pattern: Mapping[str, str]) -> bool:
    return isinstance(schema, dict) and pattern.items() <= schema.items()


def _routers() -> Sequence[APIRouter]:
    return (
        content_router, queue_router, videos_router, models_router, webhooks_router,
        *programme.ROUTERS, *pages.ROUTERS, _operations,
    )  # fmt: skip


def _open_operations() -> set[tuple[str, str]]:
    """Path and method of what needs no key."""
    return {
        (route.path.replace(":path}", "}"), method.lower())
        for router in _routers()
        for route in router.routes
        if isinstance(route, APIRoute) and not _asks_who(route.dependant)
        for method in route.methods or ()
    }


def _asks_who(dependant: Dependant) -> bool:
    return any(each.call is caller_of or _asks_who(each) for each in dependant.dependencies)


def _describe_operations(paths: dict[str, Any], is_open: Container[tuple[str, str]]) -> None:
    error = {
        "description": "The error envelope.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}},
    }
    for path, operations in paths.items():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            if path.startswith(("/v1/", "/programme/v1/")):
                operation["responses"].setdefault("4XX", error)
                if (path, method) not in is_open:
                    operation["security"] = [{"key": []}]
            operation["responses"].setdefault("5XX", error)
