"""Appeals of applicants, who have no account: heard like any other, and a won one puts them back."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from studio.sharing import Stage, opened
from studio.stewarding import BASE, CRITERIA, application_to
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import Appeal
from unstrung.studio.log.models import EntryKind
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.making import Workshop

REFUSAL = {
    "clause": "own-work",
    "facts": "The application shows and describes no work.",
    "change": "Describe one work of your own, finished or not.",
}
WORDS = {"text": "My lighthouse film is linked under the second address."}
UPHOLD = {"outcome": "upheld", "reasons": "No work is behind the link."}
OVERTURN = {"outcome": "overturned", "reasons": "The film is there, I have seen it."}
JURORS = ("juror-1", "juror-2", "juror-3")


@pytest.fixture
def stage(workshop: Workshop) -> Iterator[Stage]:
    """Two stewards, one who hears, and a cohort of one seat that takes applications."""
    with opened(workshop) as found:
        found.add("steward", ProgrammeRole.STEWARD)
        found.add("hearer", ProgrammeRole.REVIEWER)
        cohort = {"name": "Film", "seats": 1, "purpose": "Films of artists."}
        found.ids["cohort"] = found.post("steward", "/cohorts", cohort)["id"]
        found.post("steward", "/criteria", {"cohort_id": found.ids["cohort"], **CRITERIA})
        yield found


def applied(stage: Stage, name: str = "Ada") -> Any:
    body = application_to(stage.ids["cohort"], name, links=["https://example.org/film"])
    return stage.post("nobody", "/applications", body)


def refused(stage: Stage, made: Any, **other: str) -> None:
    stage.post("steward", f"/applications/{made['id']}/refuse", {**REFUSAL, **other})


def by_token(stage: Stage, made: Any, method: str, path: str = "", body: Any = None) -> Any:
    """What an applicant is answered."""
    headers = {"authorization": f"Bearer {made['token']}"}
    address = f"{BASE}/applications/{made['id']}{path}"
    return stage.client.request(method, address, json=body, headers=headers)


def appealed(stage: Stage, made: Any) -> str:
    answer = by_token(stage, made, "POST", "/appeals", WORDS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def heard(stage: Stage, who: str, appeal_id: str, decision: dict[str, str]) -> None:
    stage.post(who, f"/hearings/{appeal_id}/take")
    stage.post(who, f"/hearings/{appeal_id}/decision", decision)


def state_of(stage: Stage, made: Any) -> Any:
    return by_token(stage, made, "GET").json()


def test_a_won_appeal_puts_an_applicant_back_in_the_place_of_before(stage: Stage) -> None:
    made, later = applied(stage), applied(stage, "Bo")
    refused(stage, made)
    assert state_of(stage, later)["position"] == 1
    appeal_id = appealed(stage, made)
    heard(stage, "hearer", appeal_id, OVERTURN)
    told = state_of(stage, made)
    assert (told["state"], told["position"], told["decided_at"]) == ("waiting", 1, None)
    assert told["reasons"]["reversed_at"] is not None
    assert state_of(stage, later)["position"] == 2
    (told,) = by_token(stage, made, "GET", "/appeals").json()["data"]
    assert (told["outcome"], told["reasons"]) == ("overturned", OVERTURN["reasons"])
    assert stage.count("log_entries", f"kind = '{EntryKind.REINSTATED}'") == 1
    # It cannot be refused on the same ground again, and can be admitted.
    path = f"/applications/{made['id']}"
    assert stage.post("steward", f"{path}/refuse", REFUSAL, 409)["code"] == "statement_reversed"
    assert stage.post("steward", f"{path}/admit", {})["state"] == "admitted"


def test_whoever_refused_does_not_hear_it_and_whoever_hears_it_sees_no_name(stage: Stage) -> None:
    made = applied(stage)
    refused(stage, made)
    appeal_id = appealed(stage, made)
    take = f"/hearings/{appeal_id}/take"
    assert stage.post("steward", take, status=403)["code"] == "took_part"
    assert stage.get("steward", "/hearings")["data"] == []
    seen = stage.post("hearer", take)
    assert seen["text"] == WORDS["text"]
    assert seen["application"]["wish"] == "A film about a lighthouse."
    assert seen["application"]["links"] == ["https://example.org/film"]
    assert seen["statement"]["clause"] == REFUSAL["clause"]
    assert "Ada" not in json.dumps(seen)


def test_only_the_token_appeals_and_only_against_a_refusal(stage: Stage) -> None:
    made, other = applied(stage), applied(stage, "Bo")
    answer = by_token(stage, made, "POST", "/appeals", WORDS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_refused")
    refused(stage, made)
    path = f"{BASE}/applications/{made['id']}/appeals"
    headers = {"authorization": f"Bearer {other['token']}"}
    for method in ("GET", "POST"):
        body = WORDS if method == "POST" else None
        foreign = stage.client.request(method, path, json=body, headers=headers)
        assert foreign.json()["error"]["code"] == "application_not_found"
        assert stage.client.request(method, path, json=body).status_code == 401
    appealed(stage, made)
    twice = by_token(stage, made, "POST", "/appeals", WORDS)
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "appeal_open")
    # Somebody with an account is told of none of it.
    assert stage.get("owner", "/appeals")["data"] == []


def test_a_lost_appeal_goes_to_three_testers_and_then_no_further(stage: Stage) -> None:
    for who in JURORS:
        stage.add(who, ProgrammeRole.JUROR)
    made = applied(stage)
    refused(stage, made)
    heard(stage, "hearer", appealed(stage, made), UPHOLD)
    assert state_of(stage, made)["state"] == "refused"
    second = appealed(stage, made)
    for who in JURORS[:2]:
        assert stage.get(who, "/hearings")["data"][0]["your_part"] == "juror"
        stage.post(who, f"/hearings/{second}/vote", UPHOLD)
    third = by_token(stage, made, "POST", "/appeals", WORDS)
    assert third.json()["error"]["code"] == "appeals_exhausted"


def test_silence_is_a_win(stage: Stage) -> None:
    made = applied(stage)
    refused(stage, made)
    stage.run_out("appeals", appealed(stage, made))
    with stage.database.transaction() as session:
        assert len(appeals.lapse(session)) == 1
    assert state_of(stage, made)["state"] == "waiting"


@pytest.mark.parametrize("decision", [OVERTURN, UPHOLD])
def test_a_lottery_during_the_appeal_keeps_the_applicant_s_place(
    stage: Stage, decision: dict[str, str]
) -> None:
    made, other = applied(stage), applied(stage, "Bo")
    refused(stage, made)
    appeal_id = appealed(stage, made)
    closes_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"cohort_id": stage.ids["cohort"], "seats": 1, "closes_at": closes_at}
    lottery_id = stage.post("steward", "/lotteries", body)["id"]
    with stage.database.transaction() as session:
        past = datetime.now(UTC)
        session.execute(update(Lottery).values(closes_at=past))
    tickets = stage.post("steward", f"/lotteries/{lottery_id}/close")["tickets"]
    assert tickets == sorted([made["ticket"], other["ticket"]])
    stage.post("steward", f"/lotteries/{lottery_id}/draw", {})
    # The one seat went to the other, whoever was drawn first; the place in the draw stays.
    assert state_of(stage, other)["state"] == "admitted"
    heard(stage, "hearer", appeal_id, decision)
    told = state_of(stage, made)
    assert told["draw_place"] in (1, 2)
    assert told["position"] == (1 if decision is OVERTURN else None)


def test_withdrawing_erases_the_words_of_an_appeal_too(stage: Stage) -> None:
    made = applied(stage)
    refused(stage, made)
    heard(stage, "hearer", appealed(stage, made), OVERTURN)
    assert by_token(stage, made, "POST", "/withdraw").status_code == 200
    with stage.database.transaction() as session:
        assert session.scalars(select(Appeal.text)).all() == ["(erased)"]


def test_an_applicant_who_came_in_exports_and_erases_their_appeal(stage: Stage) -> None:
    made = applied(stage)
    refused(stage, made)
    heard(stage, "hearer", appealed(stage, made), OVERTURN)
    stage.post("steward", f"/applications/{made['id']}/admit", {})
    code = by_token(stage, made, "POST", "/invitation").json()["code"]
    came = stage.post("nobody", "/invitations/redeem", {"code": code, "name": "Ada"})
    stage.keys["ada"] = came["key"]
    archive = zipfile.ZipFile(io.BytesIO(stage.ask("ada", "GET", "/export").content))
    (told,) = json.loads(archive.read("appeals.json"))
    assert told["text"] == WORDS["text"]
    person_id = stage.get("ada", "/seat")["person_id"]
    assert stage.ask("ada", "DELETE", "/me", {"confirm": person_id}).status_code == 200
    with stage.database.transaction() as session:
        (left,) = session.scalars(select(Appeal)).all()
        assert (left.text, left.application_id) == ("(erased)", None)
