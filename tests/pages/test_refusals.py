"""What a browser is shown when something breaks, is not there, or cannot be done that way."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from pages.stage import Stage
from unstrung.studio.pages import explore

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url, headers=BROWSER) as client:
        yield client


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the machine")

    monkeypatch.setattr(explore.shares, "list_public", fail)


@pytest.mark.usefixtures("broken")
def test_a_page_that_breaks_says_so_in_ones_language_and_nothing_of_why(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        told = http.get("/studio/explore", headers={"accept-language": "fr"})
    assert told.status_code == 500
    assert told.headers["content-type"].startswith("text/html")
    assert 'lang="fr"' in told.text
    assert "Ce que vous avez fait est toujours là" in told.text
    assert told.headers["x-request-id"] in told.text
    assert 'href="/studio/library"' in told.text
    assert "secret" not in told.text
    assert "RuntimeError" not in told.text
    assert "a secret of the machine" in caplog.text


@pytest.mark.usefixtures("broken")
def test_a_script_is_given_the_sentence_and_a_program_the_envelope(http: httpx.Client) -> None:
    part = http.get("/studio/explore", headers={"hx-request": "true"})
    assert part.status_code == 500
    assert "<html" not in part.text
    assert part.headers["x-request-id"] in part.text
    program = http.get("/studio/explore", headers={"accept": "application/json"})
    assert program.json()["error"]["code"] == "internal_error"


def test_when_even_the_page_of_a_fault_fails_the_envelope_is_left(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("unstrung.studio.pages.site.rendered", fail)
    told = http.get("/studio/explore")
    assert (told.status_code, told.json()["error"]["code"]) == (500, "internal_error")


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/studio/nowhere", 404, "There is no page at this address."),
        ("GET", "/studio/clips/video_1/nothing", 404, "There is no page at this address."),
        ("DELETE", "/studio/explore", 405, "This page cannot be used in that way."),
        ("GET", "/studio/look", 405, "This page cannot be used in that way."),
    ],
)
def test_what_is_not_there_or_not_done_that_way_is_a_page(
    http: httpx.Client, method: str, path: str, status: int, sentence: str
) -> None:
    told = http.request(method, path)
    assert told.status_code == status
    assert told.headers["content-type"].startswith("text/html")
    assert sentence in told.text
    assert "default-src 'none'" in told.headers["content-security-policy"]
    assert 'href="/studio"' in told.text


def test_a_form_that_is_too_large_or_wrong_is_answered_with_a_page(
    http: httpx.Client, stage: Stage
) -> None:
    letter = {"address": "x" * 1_000_000}
    large = http.post("/studio/sign-in/email", data=letter, headers={"origin": stage.url})
    assert large.status_code == 413
    assert "larger than this studio takes" in large.text
    wrong = http.get("/studio/explore/not-an-id")
    assert wrong.status_code in (400, 404)
    assert wrong.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/studio/", "/studio"),
        ("/studio/explore/", "/studio/explore"),
        ("/studio/explore/?after=x", "/studio/explore?after=x"),
        ("/studio//evil.example//", "/studio//evil.example"),
    ],
)
def test_a_slash_too_many_leads_to_the_page_without(
    http: httpx.Client, asked: str, to: str
) -> None:
    for accepted in (BROWSER["accept"], "*/*"):
        led = http.get(asked, headers={"accept": accepted, "host": "evil.example"})
        assert (led.status_code, led.headers["location"]) == (308, to)
    assert http.post("/studio/look/", headers={"origin": str(http.base_url)}).status_code == 308


def test_addresses_of_the_api_stay_as_they_are(http: httpx.Client) -> None:
    for path in ("/v1/nothing", "/v1/models/", "/studios"):
        assert http.get(path).json()["error"]["code"] == "unknown_url"
