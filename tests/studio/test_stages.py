"""The release moves forward through open gates only, and back only with a public reason."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from studio.stewarding import BASE, caller_with, code_of, steward_key
from unstrung.studio.admission import service as admission
from unstrung.studio.database import Database
from unstrung.studio.errors import Conflict, InvalidField
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.stages import service as stages
from unstrung.studio.stages.models import Gate, Stage, StageMove

ORDER = list(Stage)


@pytest.fixture
def steward(app: FastAPI, client: TestClient, database: Database) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client is not None
    opened = caller_with(app, steward_key(database))
    yield opened
    opened.close()


def test_a_stage_begins_when_all_its_gates_are_open(
    client: TestClient, steward: TestClient, database: Database
) -> None:
    assert code_of(steward.post(f"{BASE}/stages/move", json={"stage": "red-team"})) == (
        409, "gate_shut",
    )  # fmt: skip
    gates = [
        steward.post(f"{BASE}/stages/gates", json={"stage": "red-team", "text": text}).json()["id"]
        for text in ("The scope of testing is published.", "Two people can be reached.")
    ]
    for gate_id in gates:
        assert code_of(steward.post(f"{BASE}/stages/move", json={"stage": "red-team"}))[1] == (
            "gate_shut"
        )
        opened = steward.post(
            f"{BASE}/stages/gates/{gate_id}/open", json={"evidence_url": "https://example.org/x"}
        )
        assert opened.json()["done_at"] is not None
    moved = steward.post(f"{BASE}/stages/move", json={"stage": "red-team"})
    assert (moved.status_code, moved.json()["current"]) == (200, "red-team")
    told = client.get(f"{BASE}/stages", headers={"authorization": ""}).json()
    assert [each["is_reached"] for each in told["stages"]] == [True, True, False, False, False]
    assert told["stages"][1]["gates"][0]["evidence_url"] == "https://example.org/x"
    with database.transaction() as session:
        kinds = session.scalars(select(LogEntry.kind)).all()
    assert kinds.count(EntryKind.STAGE_MOVED) == 1
    assert kinds.count(EntryKind.GATE_CHANGED) == 4


def test_going_back_needs_a_public_reason_and_no_gate(steward: TestClient) -> None:
    gate_id = steward.post(
        f"{BASE}/stages/gates", json={"stage": "red-team", "text": "Scope."}
    ).json()["id"]
    steward.post(f"{BASE}/stages/gates/{gate_id}/open", json={"evidence_url": "https://a.org/x"})
    steward.post(f"{BASE}/stages/move", json={"stage": "red-team"})
    assert code_of(steward.post(f"{BASE}/stages/move", json={"stage": "internal"})) == (
        400, "invalid_value",
    )  # fmt: skip
    body = {"stage": "internal", "reason": "The model draws people who exist."}
    moved = steward.post(f"{BASE}/stages/move", json=body).json()
    assert moved["moves"][0]["reason"] == body["reason"]
    reopened = steward.post(
        f"{BASE}/stages/gates/{gate_id}/reopen", json={"reason": "The scope had a hole."}
    )
    assert reopened.json()["done_at"] is None
    assert (
        code_of(steward.post(f"{BASE}/stages/move", json={"stage": "red-team"}))[1] == "gate_shut"
    )


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "open", "reopen", "move"]), st.sampled_from(ORDER), st.booleans()
    ),
    max_size=40,
)


@given(ACTS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_acts_passes_a_shut_gate_or_skips_a_stage(
    database: Database, acts: list[tuple[str, Stage, bool]]
) -> None:
    with database.transaction() as session:
        session.execute(delete(StageMove))
        session.execute(delete(Gate))
        for act, stage, flag in acts:
            before = admission.current_stage(session)
            gates = [gate for gate in stages.list_gates(session) if gate.stage == stage]
            try:
                if act == "add":
                    stages.add_gate(session, None, stage, "Something to be done.")
                elif act == "move":
                    reason = "Something was found." if flag else None
                    stages.move(session, None, stage, reason)
                elif gates and act == "open":
                    stages.open_gate(session, None, gates[-1].id, "https://example.org/")
                elif gates:
                    stages.reopen_gate(session, None, gates[-1].id, "It was not so.")
            except (Conflict, InvalidField):
                assert admission.current_stage(session) == before
                continue
            if act == "move":
                steps = ORDER.index(stage) - ORDER.index(before)
                assert steps == 1 or (steps < 0 and flag)
                if steps == 1:
                    assert gates
                    assert all(gate.done_at for gate in gates)
