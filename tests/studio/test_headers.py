"""What every answer tells browsers, whichever route, error or file it is."""

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from studio.conftest import People
from unstrung.studio.app import create_app
from unstrung.studio.headers import DATA_POLICY, FILE_POLICY
from unstrung.studio.making import Workshop
from unstrung.studio.settings import Settings

FOREIGN = "evil.example"
# What may be kept, and why; everything else says no-store.
KEPT = {
    "/programme/v1/log/checkpoint": "public, and asked for again each time",
    "/programme/v1/log/tile/{path}": "public, and never changes",
}


def every_answer(
    app: FastAPI, client: TestClient, headers: dict[str, str]
) -> list[tuple[str, Response]]:
    """The answers of all routes to a call with ids of nothing."""
    found = []
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            body = {} if method in ("post", "put", "delete") else None
            answer = client.request(
                method, re.sub(r"\{\w+\}", "nothing", path), json=body, headers=headers,
                follow_redirects=False,
            )  # fmt: skip
            found.append((path, answer))
    return found


@pytest.fixture
def wide(workshop: Workshop, settings: Settings) -> FastAPI:
    """An API that lets one address ask as often as these tests do."""
    assert workshop.settings is settings
    return create_app(settings.model_copy(update={"visits_per_minute": 10_000}))


@pytest.mark.parametrize("who", ["nobody", "owner", "admin"])
def test_every_answer_is_protected(wide: FastAPI, people: People, who: str) -> None:
    with TestClient(wide, raise_server_exceptions=False) as client:
        found = every_answer(wide, client, {"origin": f"https://{FOREIGN}", **people.headers(who)})
        found += [("unknown", client.get("/no/such/thing")), ("405", client.put("/v1/videos"))]
    assert len(found) > 130
    for path, answer in found:
        told = answer.headers
        assert told["x-content-type-options"] == "nosniff", path
        assert told["referrer-policy"] == "same-origin", path
        assert told["cross-origin-resource-policy"] == "same-origin", path
        for directive in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert directive in told["content-security-policy"], path
        assert "no-store" in told["cache-control"] or path in KEPT, path
        assert "strict-transport-security" not in told, path
        assert "access-control-allow-origin" not in told, path
        kind = told.get("content-type", "")
        assert kind or not answer.content, path
        assert "charset=utf-8" in kind or not kind.startswith("text/"), path


def test_a_fault_of_ours_is_protected_and_names_the_request(
    client: TestClient, app: FastAPI
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    app.add_api_route("/broken", broken)
    answer = client.get("/broken", headers={"x-request-id": "mine"})
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == DATA_POLICY
    assert answer.headers["x-request-id"] == "mine"
    assert "RuntimeError" not in answer.text


def test_what_an_answer_says_itself_is_left_alone(client: TestClient, app: FastAPI) -> None:
    own = {
        "content-security-policy": "default-src 'self'",
        "cache-control": "public, max-age=60",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "cross-origin",
    }
    app.add_api_route("/page", lambda: Response("<p>a page</p>", headers=own))
    told = client.get("/page").headers
    assert {name: told[name] for name in own} == own
    assert told["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("subdomains", "told"), [(False, "max-age=31536000"), (True, "max-age=31536000; includeSubDomains")]
)  # fmt: skip
def test_where_we_are_reached_by_https_browsers_are_told_to_stay_there(
    workshop: Workshop, settings: Settings, subdomains: bool, told: str
) -> None:
    assert workshop.settings is settings
    given = {"public_url": "https://studio.example", "hsts_subdomains": subdomains}
    with TestClient(create_app(settings.model_copy(update=given))) as client:
        for path in ("/healthz", "/no/such/thing", "/v1/videos"):
            assert client.get(path).headers["strict-transport-security"] == told


def test_a_file_is_shown_alone_and_elsewhere_only_by_its_link(
    client: TestClient, make: Callable[[str], None]
) -> None:
    video = client.post("/v1/videos", json={"prompt": "a fox"}).json()
    make(video["id"])
    by_key = client.get(f"/v1/videos/{video['id']}/content")
    link = client.get(f"/v1/videos/{video['id']}").json()["urls"]["video"]
    by_link = client.get(link, headers={"authorization": ""})
    for answer in (by_key, by_link):
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == FILE_POLICY
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-disposition"].startswith("inline; filename=")
        assert answer.headers["cache-control"].startswith("private")
    assert by_key.headers["cross-origin-resource-policy"] == "same-origin"
    assert by_link.headers["cross-origin-resource-policy"] == "cross-origin"


def test_no_answer_repeats_the_host_that_a_request_names(wide: FastAPI, people: People) -> None:
    with TestClient(wide, raise_server_exceptions=False) as client:
        named = {"host": FOREIGN, "x-forwarded-host": FOREIGN, "forwarded": f"host={FOREIGN}"}
        for path, answer in every_answer(wide, client, {**people.headers("owner"), **named}):
            assert FOREIGN not in answer.text, path
            assert FOREIGN not in str(answer.headers), path
        slashed = client.get("/v1/videos/", headers=named, follow_redirects=False)
        assert slashed.status_code == 404
        assert FOREIGN not in str(slashed.headers)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PATCH", "CONNECT"])
def test_methods_that_nothing_is_offered_for_are_refused(client: TestClient, method: str) -> None:
    for path in ("/v1/videos", "/programme/v1/session", "/healthz"):
        assert client.request(method, path).status_code == 405
