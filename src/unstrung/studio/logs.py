"""Structured log lines: what happened, with the request and the job that it happened in."""

import logging
import sys
from typing import Literal

import structlog


def set_up_logs(form: Literal["json", "console"], level: str) -> None:
    """Send all logging of this process to standard error, one line for each event.

    Args:
        form: "json" for machines, "console" for people.
        level: least that is logged.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Chatty below a warning: one line for each connection or job step.
    for name in ("httpx", "httpx2", "procrastinate", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # While a database is away it warns at every try; that it is away is told by who needs it.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _on_one_line(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Spell control characters out, so that nobody's words can look like another line.

    JSON does that by itself, and the renderer for people does it for values, but not for the message.
    """
    message = str(event.get("event", ""))
    event["event"] = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in message
    )
    return event
