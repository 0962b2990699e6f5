"""Every route of the programme: whether it asks who calls, and that no caller can break it."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.conftest import People

# What anybody may call without a key, and why; everything else answers 401.
OPEN = {
    "GET /charter": "what one would agree to",
    "GET /charter/changes": "what one would agree to",
    "GET /charter/versions": "what one would agree to",
    "GET /cohorts": "who is looked for",
    "GET /criteria": "who is looked for",
    "GET /waitlist": "an honest position needs the list's length",
    "GET /roles": "what roles may do",
    "GET /stages": "how far the release is",
    "GET /lotteries": "outsiders recompute draws",
    "GET /lotteries/{lottery_id}": "outsiders recompute draws",
    "GET /log": "outsiders check the log",
    "GET /log/checkpoint": "outsiders check the log",
    "GET /log/tile/{path}": "outsiders check the log",
    "GET /pauses": "whoever is affected may not be able to sign in; names nobody",
    "GET /figures/reviews": "published figures",
    "GET /risk_classes": "what is looked for",
    "GET /statements/export": "published decisions; names nobody",
    "GET /shared/{share_id}": "what was shared, with whom it was",
    "GET /shared/{share_id}/files/{variant}": "a signed link",
    "GET /reviews/{share_id}/{which}/{variant}": "a signed link",
    "GET /hearings/{appeal_id}/files/{variant}": "a signed link",
    "POST /applications": "applicants have no account",
    "POST /invitations/redeem": "whoever is invited has no account",
    "POST /invitations/decline": "whoever is invited has no account",
    "POST /keys/leaked": "whoever found a key may end it",
    "GET /session/oidc": "ways to sign in",
    "POST /session/oidc/{issuer}/start": "a way to sign in",
    "GET /session/oidc/{issuer}/callback": "a way to sign in",
    "POST /session/passkey/login/begin": "a way to sign in",
    "POST /session/passkey/login/finish": "a way to sign in",
    "POST /session/email/request": "a way to sign in",
    "POST /session/email/redeem": "a way to sign in",
}
# These take the token of an application in the place of a key.
BY_TOKEN = {
    "GET /applications/{application_id}",
    "GET /applications/{application_id}/receipt",
    "POST /applications/{application_id}/withdraw",
    "GET /applications/{application_id}/phrase",
    "PUT /applications/{application_id}/phrase",
    "POST /applications/{application_id}/phrase/open",
    "GET /applications/{application_id}/appeals",
    "POST /applications/{application_id}/appeals",
    "POST /applications/{application_id}/invitation",
}
BASE = "/programme/v1"


def routes(app: FastAPI) -> list[str]:
    """Method and path of every route."""
    return sorted(
        f"{method.upper()} {path.removeprefix(BASE)}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if path.startswith(BASE)
    )


def call(client: TestClient, route: str, headers: dict[str, str]) -> int:
    """The status of a call with ids of nothing and an empty body."""
    method, path = route.split(" ")
    path = re.sub(r"\{\w+\}", "nothing", path)
    body = {} if method in ("POST", "PUT", "DELETE") else None
    return client.request(
        method, f"{BASE}{path}", json=body, headers=headers, follow_redirects=False
    ).status_code


def test_what_is_open_is_listed_with_a_reason(app: FastAPI, client: TestClient) -> None:
    found = set(routes(app))
    assert len(found) > 100
    assert set(OPEN) | BY_TOKEN <= found
    for route in found:
        status = call(client, route, {"authorization": ""})
        is_shut = status == 401
        assert is_shut == (route not in OPEN) or " /session/" in route, (route, status)


def test_the_description_says_the_same(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path.removeprefix(BASE)}"
            if path.startswith(BASE):
                assert ("security" in operation) == (route not in {*OPEN, *BY_TOKEN}), route


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_no_call_breaks_anything(
    app: FastAPI, client: TestClient, people: People, who: str
) -> None:
    for route in routes(app):
        # A rate would be reached, and a session's routes are counted by address.
        status = call(client, route, people.headers(who))
        assert status < 500, (route, status)


def test_an_admin_without_a_role_does_nothing_that_stewards_do(
    client: TestClient, people: People
) -> None:
    headers = people.headers("admin")
    for path, body in (
        ("/cohorts", {"name": "x", "seats": 1, "purpose": "A purpose."}),
        ("/charter/versions", {"version": "1.0"}),
        ("/canaries", {"place": "somewhere"}),
    ):
        answer = client.post(f"{BASE}{path}", json=body, headers=headers)
        assert answer.status_code == 403, path
