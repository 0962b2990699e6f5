"""`unstrung serve | api | worker | migrate`: the studio and its parts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from unstrung.commands.output import print_line
from unstrung.commands.session import Debug, Weights, session_of

Host = Annotated[str | None, typer.Option(help="Address to listen on; UNSTRUNG_HOST if left out.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; UNSTRUNG_PORT if left out.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of database and files; UNSTRUNG_STUDIO_DATA if left out."),
]


def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that make videos.")] = 1,
    debug: Debug = False,
) -> None:
    """Run the whole studio on this machine: database, API and workers."""
    session = session_of(context, debug)
    from unstrung.studio import serving

    settings = settings_of(host, port, data)
    session.has_begun = True
    session.stop_message = "Stopped; what was being made goes on at the next start."

    def show(first: serving.FirstWayIn) -> None:
        print_line(f"First admin key, shown only now: {first.key}")
        print_line(f"Open the studio (once, within 15 minutes): {first.link}")

    print_line(f"The studio listens on {settings.base_url}/v1")
    code = serving.serve(settings, workers, show, _say)
    raise typer.Exit(code)


def api(context: typer.Context, host: Host = None, port: Port = None, debug: Debug = False) -> None:
    """Run an API process on the database of DATABASE_URL."""
    session = session_of(context, debug)
    import uvicorn

    from unstrung.studio.app import create_app
    from unstrung.studio.logs import set_up_logs
    from unstrung.studio.supervisor import stop_when_orphaned

    settings = _with_database(host, port)
    session.has_begun = True
    session.stop_message = "The API has stopped."
    set_up_logs(settings.log_format, settings.log_level)
    stop_when_orphaned()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )


def worker(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Preset of the model to offer.")] = "mini",
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Run a process that makes videos from the queue of DATABASE_URL."""
    session = session_of(context, debug)
    from unstrung.studio.generator import EngineGenerator
    from unstrung.studio.logs import set_up_logs
    from unstrung.studio.supervisor import stop_when_orphaned
    from unstrung.studio.worker import run_worker

    settings = _with_database(None, None)
    session.has_begun = True
    session.stop_message = "The worker has stopped."
    set_up_logs(settings.log_format, settings.log_level)
    stop_when_orphaned()
    run_worker(settings, EngineGenerator(model, weights))


def migrate(context: typer.Context, data: Data = None, debug: Debug = False) -> None:
    """Bring the database's tables up to date."""
    session = session_of(context, debug)
    from unstrung.studio import database, serving

    session.has_begun = True
    settings = settings_of(None, None, data)
    serving.prepare_folder(settings.studio_data)
    with serving.reachable_database(settings) as url:
        database.migrate(url)
    print_line("The tables are up to date.")


def settings_of(host: str | None, port: int | None, data: Path | None) -> Any:
    """Settings of the environment, under those of the command line."""
    from unstrung.studio.settings import load_settings

    given = {"host": host, "port": port, "studio_data": data}
    return load_settings({name: value for name, value in given.items() if value is not None})


def _with_database(host: str | None, port: int | None) -> Any:
    from unstrung.studio.errors import ConfigurationError

    settings = settings_of(host, port, None)
    if not settings.database_url:
        raise ConfigurationError(
            "DATABASE_URL must name a PostgreSQL such as postgresql://user@host/unstrung; "
            "`unstrung serve` starts one of its own"
        )
    return settings


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
