"""Every route of the programme that names a thing by its id: somebody else's thing looks like none.

The things are real, and whoever may reach them does so afterwards, so a refusal is about the caller and not
about a wrong id. `test_ownership.py` does the same for the Videos API.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from studio.authenticator import FIREFOX, ORIGIN, plant
from studio.sharing import REFUSAL, Stage, opened
from studio.stewarding import CRITERIA, application_to
from unstrung.studio import tables
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import now
from unstrung.studio.identity import new_id
from unstrung.studio.log.models import LogEntry
from unstrung.studio.logins.models import Passkey
from unstrung.studio.making import Workshop
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.signals.models import Signal, Step

VERDICT = {"outcome": "upheld", "reasons": "It calls for violence."}
WHY = {"reason": "Their browser was stolen."}
# (method, path, body, status of somebody else with a key that reads, makes and shares, who may). Whoever may
# goes in this order, and gets past any question of whose it is; "applicant" carries the application's token,
# and then somebody else carries the token of another application. None: nobody may at this point.
ROUTES: list[tuple[str, str, Any, int, str | None]] = [
    ("GET", "/people/{person_id}/roles", None, 404, "owner"),
    ("POST", "/people/{person_id}/roles", {"role": "juror"}, 403, "steward"),
    ("POST", "/people/{person_id}/roles/withdraw", {"role": "juror", **WHY}, 403, "steward"),
    ("POST", "/cohorts/{cohort_id}", {"seats": 9}, 403, "steward"),
    ("GET", "/applications/{application_id}", None, 404, "applicant"),
    ("GET", "/applications/{application_id}/receipt", None, 404, "applicant"),
    ("POST", "/applications/{application_id}/admit", {}, 403, "steward"),
    ("POST", "/applications/{application_id}/invitation", None, 404, "applicant"),
    (
        "POST", "/applications/{application_id}/refuse",
        {"clause": "own-work", "facts": "It shows none.", "change": "Show some of it."},
        403, "steward",
    ),
    ("POST", "/applications/{application_id}/withdraw", None, 404, "applicant"),
    ("PUT", "/applications/{application_id}/phrase", {"phrase": "words of my own choice"}, 404, "applicant"),
    ("GET", "/applications/{application_id}/phrase", None, 404, None),
    (
        "POST", "/applications/{application_id}/phrase/open", {"phrase": "words of my own choice"}, 404,
        None,
    ),
    ("POST", "/invitations/{invitation_id}/revoke", None, 403, "steward"),
    ("POST", "/lotteries/{lottery_id}/close", None, 403, "steward"),
    ("POST", "/lotteries/{lottery_id}/draw", None, 403, "steward"),
    ("POST", "/stages/gates/{gate_id}/open", {"evidence_url": "https://a.org"}, 403, "steward"),
    ("POST", "/stages/gates/{gate_id}/reopen", {"reason": "It was not done."}, 403, "steward"),
    ("GET", "/receipts/{receipt_id}", None, 404, "owner"),
    ("GET", "/statements/{statement_id}", None, 404, "owner"),
    ("GET", "/appeals/{appeal_id}", None, 404, "owner"),
    ("POST", "/hearings/{appeal_id}/take", None, 403, "steward"),
    ("GET", "/hearings/{appeal_id}", None, 403, "steward"),
    ("POST", "/hearings/{appeal_id}/vote", VERDICT, 403, None),
    ("POST", "/hearings/{appeal_id}/decision", VERDICT, 403, "steward"),
    ("POST", "/reviews/{waiting_id}/claim", None, 403, "reviewer"),
    ("GET", "/reviews/{waiting_id}", None, 403, "reviewer"),
    ("POST", "/reviews/{waiting_id}/second", {"agrees": True}, 403, "reviewer"),
    ("DELETE", "/reviews/{waiting_id}/claim", None, 403, "reviewer"),
    ("POST", "/reviews/{waiting_id}/refuse", REFUSAL, 403, "reviewer"),
    ("POST", "/reviews/{waiting_id}/approve", None, 403, "reviewer"),
    ("GET", "/shared/{waiting_id}", None, 404, None),
    ("GET", "/shared/{linked_id}", None, 404, None),
    ("GET", "/shares/{waiting_id}", None, 404, "owner"),
    ("POST", "/shares/{waiting_id}/withdraw", None, 404, "owner"),
    ("POST", "/pauses/{pause_id}/second", None, 403, "steward"),
    ("POST", "/pauses/{pause_id}/end", {"reason": "It is over."}, 403, "steward"),
    ("POST", "/signals/{signal_id}/settle", {"outcome": "It was the owner."}, 403, "steward"),
    ("DELETE", "/session/sessions/{session_id}", None, 404, "owner"),
    ("POST", "/people/{person_id}/sessions/end", WHY, 403, "steward"),
    ("POST", "/keys/{key_id}/rotate", None, 403, None),
    ("DELETE", "/keys/{key_id}", None, 404, "owner"),
]  # fmt: skip
# What names no thing of anybody's, or what another test shows.
ELSEWHERE = {
    "PUT /consents/{use}": "one of four words",
    "GET /log/tile/{path}": "public",
    "GET /lotteries/{lottery_id}": "public",
    "GET /pauses/{pause_id}": "test_pauses::"
    "test_whom_a_pause_stopped_is_told_to_them_and_to_stewards_only",
    "GET /shared/{share_id}/files/{variant}": "test_shares::"
    "test_a_signed_link_opens_its_own_file_only",
    "GET /hearings/{appeal_id}/files/{variant}": "test_sharing_machine::"
    "test_no_path_shows_a_clip_to_anybody_it_is_not_shared_with",
    "GET /reviews/{share_id}/{which}/{variant}": "test_sharing_machine::"
    "test_no_path_shows_a_clip_to_anybody_it_is_not_shared_with",
    "GET /applications/{application_id}/appeals": "test_applicants_appeals::"
    "test_only_the_token_appeals_and_only_against_a_refusal",
    "POST /applications/{application_id}/appeals": "test_applicants_appeals::"
    "test_only_the_token_appeals_and_only_against_a_refusal",
    "GET /confidences/{confidence_id}": "test_confidences::"
    "test_an_item_binds_only_those_who_accept_it_and_is_shown_only_to_them",
    "POST /confidences/{confidence_id}/accept": "test_confidences::"
    "test_an_item_binds_only_those_who_accept_it_and_is_shown_only_to_them",
    "POST /confidences/{confidence_id}/decline": "test_confidences::"
    "test_an_item_binds_only_those_who_accept_it_and_is_shown_only_to_them",
    "POST /confidences/{confidence_id}/end": "test_confidences::"
    "test_a_steward_ends_an_item_early_with_a_reason",
    "GET /feedback/{note_id}": "test_feedback::"
    "test_somebody_else_speaks_of_a_clip_only_once_it_is_shared",
    "PUT /feedback/{note_id}/status": "test_feedback::"
    "test_stewards_read_no_names_but_of_those_who_want_it_and_decline_with_a_reason",
    "DELETE /feedback/{note_id}": "test_feedback::"
    "test_a_note_is_taken_back_for_good_and_outlives_its_clip",
    "POST /shelf/folders/{folder_id}": "test_shelves::test_nobody_marks_or_keeps_anything_of_somebody_else",
    "DELETE /shelf/folders/{folder_id}": "test_shelves::test_nobody_marks_or_keeps_anything_of_somebody_else",
    "POST /session/oidc/{issuer}/start": "a name that the operator gave",
    "POST /session/oidc/{issuer}/add": "a name that the operator gave",
    "GET /session/oidc/{issuer}/callback": "test_oidc::"
    "test_one_issuers_return_is_not_taken_for_another",
    "DELETE /session/passkeys/{passkey_id}": "test_ids::"
    "test_a_passkey_of_somebody_else_looks_like_none",
}
# Of a thing that changes by itself while nobody does anything.
RESTLESS = ("key_sightings", "procrastinate_jobs")
RESTLESS_COLUMNS = ("position", "last_used_at", "last_seen_at")


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    with opened(workshop) as found:
        for name in ("reviewer", "refuser"):
            found.add(name, ProgrammeRole.REVIEWER)
        for name in ("steward", "second"):
            found.add(name, ProgrammeRole.STEWARD)
        found.add("third")
        yield found


@pytest.fixture
def things(stage: Stage) -> dict[str, str]:
    """One of each, and the tokens of two applications."""
    later = (now() + timedelta(hours=2)).isoformat()
    refused = stage.share("owner", "faces of hate")["id"]
    stage.refused("refuser", refused)
    appeal = stage.appealed("owner", refused)
    cohort = stage.post("steward", "/cohorts", {"name": "Film", "seats": 8, "purpose": "Films."})
    stage.post("steward", "/criteria", {"cohort_id": cohort["id"], **CRITERIA})
    applied = [
        stage.post("nobody", "/applications", application_to(cohort["id"], name))
        for name in ("Ada", "Bo")
    ]
    invited = {"cohort_id": cohort["id"], "role": "artist", "expires_at": later}
    drawn = {"cohort_id": cohort["id"], "seats": 1, "closes_at": later}
    order = {
        "level": "person", "target_id": stage.ids["third"], "ground": "security-incident",
        "reason": "Sessions were copied.", "resume_plan": "They sign in again.",
        "expires_at": later,
    }  # fmt: skip
    gate = {"stage": "artists", "text": "The scope of testing is published."}
    return {
        "person_id": stage.ids["owner"],
        "cohort_id": cohort["id"],
        "application_id": applied[0]["id"],
        "token": applied[0]["token"],
        "other_token": applied[1]["token"],
        "invitation_id": stage.post("steward", "/invitations", invited)["id"],
        "lottery_id": stage.post("steward", "/lotteries", drawn)["id"],
        "gate_id": stage.post("steward", "/stages/gates", gate)["id"],
        "statement_id": stage.get("owner", f"/shares/{refused}")["statement_id"],
        "appeal_id": appeal,
        "waiting_id": stage.share("owner", "faces of hate")["id"],
        "linked_id": stage.share("owner", audience="link")["id"],
        "pause_id": stage.post("steward", "/pauses", order)["id"],
        **_rows(stage),
    }


def _rows(stage: Stage) -> dict[str, str]:
    """What the owner has by other ways than a call with a key."""
    owner = stage.ids["owner"]
    with stage.database.transaction() as session:
        signed_in = sessions.open_session(session, owner, Way.EMAIL, "firefox").session
        person = session.get_one(Person, owner)
        second_key = access.create_key(session, person, "spare")[0]
        mine = select(LogEntry.id).where(LogEntry.person_id == owner).limit(1)
        receipt_id = session.scalars(mine).one()
        signal = Signal(
            id=new_id("signal"), key_id=second_key.id, person_id=owner, step=Step.ASK_STEWARD,
            score=9, facts="Nine networks.", noted_at=now(),
        )  # fmt: skip
        passkey = Passkey(
            id=new_id("passkey"), person_id=owner, credential_id=b"1", public_key=b"2",
            sign_count=0, transports=[], name="mine", created_at=now(),
        )  # fmt: skip
        session.add_all([signal, passkey])
    return {
        "session_id": signed_in.id,
        "key_id": second_key.id,
        "receipt_id": receipt_id,
        "signal_id": signal.id,
        "passkey_id": passkey.id,
    }


def call(stage: Stage, who: str, route: tuple[Any, ...], things: dict[str, str]) -> Any:
    method, path, body = route[:3]
    address = f"/programme/v1{path.format(**things)}"
    key = things["token"] if who == "applicant" else stage.keys.get(who, things["other_token"])
    return stage.client.request(
        method, address, json=body, headers={"authorization": f"Bearer {key}"}
    )


def everything(stage: Stage) -> dict[str, str]:
    """A digest of every table, without what changes by itself."""
    found = {}
    shown = "to_jsonb(t)" + "".join(f" - '{name}'" for name in RESTLESS_COLUMNS)
    with stage.database.transaction() as session:
        for name in tables.metadata.tables:
            if name not in RESTLESS:
                query = f"SELECT md5(string_agg(({shown})::text, ',' ORDER BY ({shown})::text)) FROM {name} t"
                found[name] = session.scalar(text(query))
    return found


def test_somebody_elses_thing_looks_like_none_and_stays_as_it_was(
    stage: Stage, things: dict[str, str]
) -> None:
    before = everything(stage)
    for route in ROUTES:
        who = "another applicant" if route[4] == "applicant" else "other"
        answer = call(stage, who, route, things)
        assert answer.status_code == route[3], f"{route}: {answer.text}"
        for each in things.values():
            # A refusal may repeat the id that it was asked for, and tells no other.
            assert each in route[1].format(**things) or each not in answer.text, route
    assert everything(stage) == before
    for route in ROUTES:
        if route[4] is not None:
            answer = call(stage, route[4], route, things)
            assert answer.status_code not in (401, 403, 404, 500), f"{route}: {answer.text}"


def test_a_passkey_of_somebody_else_looks_like_none(stage: Stage, things: dict[str, str]) -> None:
    with stage.database.transaction() as session:
        opened = sessions.open_session(session, stage.ids["other"], Way.PASSKEY, "firefox")
    browser = TestClient(
        stage.client.app, base_url=ORIGIN, headers={"user-agent": FIREFOX, "origin": ORIGIN}
    )
    plant(browser, {"unstrung_session": opened.token, "unstrung_holder": opened.holder})
    answer = browser.delete(f"/programme/v1/session/passkeys/{things['passkey_id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "passkey_not_found")
    assert stage.count("passkeys") == 1


def test_ids_open_no_door(stage: Stage) -> None:
    """Ids tell nothing by themselves: one that was guessed opens no door without a key."""
    with stage.database.transaction() as session:
        ids = [*stage.ids.values(), *session.scalars(select(Key.id))]
    for each in ids:
        answer = stage.client.get("/v1/videos", headers={"authorization": f"Bearer {each}"})
        assert answer.status_code == 401


def test_every_route_with_an_id_is_in_a_table_above(stage: Stage) -> None:
    paths = stage.client.get("/openapi.json").json()["paths"]
    found = {
        f"{method.upper()} {path.removeprefix('/programme/v1')}"
        for path, operations in paths.items()
        for method in operations
        if path.startswith("/programme/v1") and "{" in path
    }
    same = {"waiting_id": "share_id", "linked_id": "share_id"}
    told = set()
    for method, path, *_ in ROUTES:
        for ours, theirs in same.items():
            path = path.replace(ours, theirs)
        told.add(f"{method} {path}")
    assert found - told - set(ELSEWHERE) == set(), "add it to ROUTES, or say in ELSEWHERE why not"
    assert told - found == set()
    assert set(ELSEWHERE) - found == set()


def test_what_is_shown_elsewhere_is_there() -> None:
    for told in ELSEWHERE.values():
        module, found, name = told.partition("::")
        if found:
            path = Path(__file__).with_name(f"{module}.py")
            assert f"def {name}(" in path.read_text("utf-8"), told
