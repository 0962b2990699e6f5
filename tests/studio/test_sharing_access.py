"""Every route of sharing, reviews, statements and appeals x (nobody, other, owner, reviewer, steward)."""

from collections.abc import Iterator
from typing import Any

import pytest

from studio.sharing import APPEAL, REFUSAL, Stage, opened
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.making import Workshop

WHO = ("nobody", "other", "owner", "reviewer", "steward")
VOTE = {"outcome": "upheld", "reasons": "It calls for violence."}
# (method, path, body, statuses in the order of WHO). `waiting` waits for a reviewer, `shared` is for all, and
# `statement` is of another reviewer, whose owner has appealed. The reviewer has claimed nothing.
ROUTES: list[tuple[str, str, Any, tuple[int, int, int, int, int]]] = [
    ("GET", "/shares", None, (401, 200, 200, 200, 200)),
    ("GET", "/shares/{shared}", None, (401, 404, 200, 404, 404)),
    ("POST", "/shares", {"video_id": "{clip}", "audience": "link"}, (401, 404, 200, 404, 404)),
    ("GET", "/shared/{shared}", None, (200, 200, 200, 200, 200)),
    ("GET", "/shared/{waiting}", None, (404, 404, 404, 404, 404)),
    ("GET", "/shared/{shared}/files/video", None, (400, 400, 400, 400, 400)),
    ("GET", "/risk_classes", None, (200, 200, 200, 200, 200)),
    ("GET", "/reviews", None, (401, 403, 403, 200, 200)),
    ("GET", "/reviews/{waiting}", None, (401, 403, 403, 409, 409)),
    ("GET", "/reviews/{waiting}/clip/video", None, (400, 400, 400, 400, 400)),
    ("POST", "/reviews/{waiting}/approve", None, (401, 403, 403, 409, 409)),
    ("POST", "/reviews/{waiting}/refuse", REFUSAL, (401, 403, 403, 409, 409)),
    ("POST", "/reviews/{waiting}/second", {"agrees": True}, (401, 403, 403, 409, 409)),
    ("DELETE", "/reviews/{waiting}/claim", None, (401, 403, 403, 409, 409)),
    ("POST", "/reviews/{waiting}/claim", None, (401, 403, 403, 200, 409)),
    ("GET", "/figures/reviews", None, (200, 200, 200, 200, 200)),
    ("GET", "/statements", None, (401, 200, 200, 200, 200)),
    ("GET", "/statements/{statement}", None, (401, 404, 200, 404, 404)),
    ("GET", "/statements/export", None, (200, 200, 200, 200, 200)),
    ("POST", "/appeals", {"statement_id": "{statement}", **APPEAL}, (401, 404, 409, 404, 404)),
    ("GET", "/appeals", None, (401, 200, 200, 200, 200)),
    ("GET", "/appeals/{appeal}", None, (401, 404, 200, 404, 404)),
    ("GET", "/hearings", None, (401, 403, 403, 200, 200)),
    ("GET", "/hearings/{appeal}", None, (401, 403, 403, 404, 404)),
    ("GET", "/hearings/{appeal}/files/video", None, (400, 400, 400, 400, 400)),
    ("POST", "/hearings/{appeal}/decision", VOTE, (401, 403, 403, 409, 409)),
    ("POST", "/hearings/{appeal}/vote", VOTE, (401, 403, 403, 404, 404)),
    ("POST", "/hearings/{appeal}/take", None, (401, 403, 403, 200, 409)),
    ("POST", "/shares/{shared}/withdraw", None, (401, 404, 200, 404, 404)),
]


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        found.add("reviewer", ProgrammeRole.REVIEWER)
        found.add("refuser", ProgrammeRole.REVIEWER)
        found.add("steward", ProgrammeRole.STEWARD)
        yield found


@pytest.fixture
def things(stage: Stage) -> dict[str, str]:
    """One of each."""
    refused = stage.share("owner", "faces of hate")["id"]
    stage.refused("refuser", refused)
    appeal = stage.appealed("owner", refused)
    return {
        "clip": stage.clip("owner"),
        "shared": stage.share("owner")["id"],
        "waiting": stage.share("owner", "faces of hate")["id"],
        "statement": stage.get("owner", f"/shares/{refused}")["statement_id"],
        "appeal": appeal,
    }


def test_every_route_answers_each_as_it_should(stage: Stage, things: dict[str, str]) -> None:
    for method, path, body, statuses in ROUTES:
        filled = body and {
            key: value.format(**things) if isinstance(value, str) else value
            for key, value in body.items()
        }

        # Who may not comes first and must change nothing; last whoever comes too late.
        def turn(each: str, statuses: tuple[int, ...] = statuses) -> int:
            return {409: 2, 200: 1}.get(statuses[WHO.index(each)], 0)

        for who in sorted(WHO, key=turn):
            response = stage.ask(who, method, path.format(**things), filled)
            expected = statuses[WHO.index(who)]
            assert response.status_code == expected, f"{method} {path} {who}: {response.text}"


def test_the_table_above_holds_every_route_of_these_domains(stage: Stage) -> None:
    tags = {"sharing", "reviews", "statements", "appeals", "hearings"}
    # Of applicants, by the token of their application: test_applicants_appeals.
    elsewhere = "/applications/"
    paths = stage.client.get("/openapi.json").json()["paths"]
    found = {
        (method.upper(), _shape(path.removeprefix("/programme/v1")))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if tags & set(operation.get("tags", ())) and elsewhere not in path
    }
    told = {(method, _shape(path)) for method, path, _, _ in ROUTES}
    assert {_files(each) for each in told} == {_files(each) for each in found}


def test_a_key_that_only_reads_neither_shares_nor_decides(
    stage: Stage, things: dict[str, str]
) -> None:
    for who in ("owner", "reviewer"):
        with stage.database.transaction() as session:
            person = session.get_one(Person, stage.ids[who])
            stage.keys[who] = access.create_key(session, person, "reads", [Scope.READ])[1]
    for who, path, body in (
        ("owner", "/shares", {"video_id": things["clip"], "audience": "link"}),
        ("owner", f"/shares/{things['shared']}/withdraw", None),
        ("reviewer", f"/reviews/{things['waiting']}/claim", None),
        ("reviewer", f"/hearings/{things['appeal']}/take", None),
    ):
        assert stage.post(who, path, body, 403)["code"] == "insufficient_scope"
    assert stage.get("owner", f"/shares/{things['shared']}")["status"] == "shared"


def _shape(path: str) -> str:
    return "/".join("{}" if each.startswith("{") else each for each in path.split("/"))


def _files(route: tuple[str, str]) -> tuple[str, str]:
    """The table names one file of each clip."""
    method, path = route
    return method, path.replace("/clip/video", "/{}/{}").replace("/files/video", "/files/{}")
