"""Whoever tries doors is seen: each refusal leaves its code in the line of its request."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.conftest import People
from studio.signing_in import signed_in_by_link
from unstrung.studio.database import Database
from unstrung.studio.logs import set_up_logs
from unstrung.studio.settings import Settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process logs, as JSON."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    set_up_logs("json", "info")
    yield written
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def requests_in(lines: io.StringIO) -> list[dict[str, object]]:
    told = [json.loads(each) for each in lines.getvalue().splitlines()]
    return [each for each in told if each["event"] == "request"]


def test_a_refused_request_is_logged_with_its_reason(
    lines: io.StringIO, client: TestClient, people: People
) -> None:
    client.headers.update(people.headers("other"))
    client.get("/v1/videos/video_0?why=secret")
    client.post("/programme/v1/pauses", json={})
    client.get("/v1/videos", headers={"authorization": "Bearer ust_nothing"})
    client.get("/v1/queue")
    told = requests_in(lines)
    assert [(each["status"], each["refusal"]) for each in told] == [
        (404, "video_not_found"), (400, "missing_required_parameter"), (401, "invalid_api_key"),
        (200, None),
    ]  # fmt: skip
    assert told[0]["path"] == "/v1/videos/video_0"
    for each in told:
        assert {"timestamp", "request", "method", "key", "ms"} <= set(each)
        assert str(each["timestamp"]).endswith("Z")
    assert "ust_nothing" not in lines.getvalue()
    assert "secret" not in lines.getvalue()


def test_a_page_that_refuses_says_why_in_the_line_of_its_request(
    lines: io.StringIO, browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    signed_in_by_link(browser, database, settings, owner_id)
    assert browser.get("/studio/clips/video_0").status_code == 404
    told = requests_in(lines)[-1]
    assert (told["path"], told["refusal"]) == ("/studio/clips/video_0", "video_not_found")


def test_a_fault_is_logged_whole_and_told_to_nobody(
    lines: io.StringIO, app: FastAPI, client: TestClient
) -> None:
    def broken() -> None:
        raise RuntimeError("a secret detail")

    app.add_api_route("/broken", broken)
    answer = client.get("/broken", headers={"x-request-id": "mine"})
    assert answer.json()["error"]["code"] == "internal_error"
    assert "detail" not in answer.text
    assert "a secret detail" in lines.getvalue()
    (told,) = requests_in(lines)
    assert (told["status"], told["request"]) == (500, "mine")
