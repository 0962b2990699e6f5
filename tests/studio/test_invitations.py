"""Invitations: how they are used, when they lapse, what is kept of those who do not come."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from studio.conftest import People
from studio.stewarding import BASE, caller_with, code_of, cohort_of, steward_key
from unstrung.studio.access import service as access
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Database, now
from unstrung.studio.errors import Conflict, Forbidden
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.models import Invitation, InvitationDecline
from unstrung.studio.pauses.models import Level, Pause, PauseGround
from unstrung.studio.roles.models import RoleWithdrawal
from unstrung.studio.statements.models import Statement

REDEEM = f"{BASE}/invitations/redeem"
DECLINE = f"{BASE}/invitations/decline"


@pytest.fixture
def steward(app: FastAPI, client: TestClient, database: Database) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client is not None
    opened = caller_with(app, steward_key(database))
    yield opened
    opened.close()


@pytest.fixture
def anyone(app: FastAPI, client: TestClient) -> Iterator[TestClient]:
    """Somebody without a key."""
    assert client is not None
    opened = caller_with(app, None)
    yield opened
    opened.close()


def invited(steward: TestClient, cohort_id: str, days: float = 7, **other: Any) -> Any:
    body = {
        "cohort_id": cohort_id, "role": "artist",
        "expires_at": (datetime.now(UTC) + timedelta(days=days)).isoformat(), **other,
    }  # fmt: skip
    answer = steward.post(f"{BASE}/invitations", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_invitation_makes_a_person_with_seat_role_and_key_which_is_shown_once(
    anyone: TestClient, steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward)
    made = invited(steward, cohort_id, role="red-teamer", note="The group from Lyon")
    taken = anyone.post(REDEEM, json={"code": made["code"], "name": "Ada"})
    assert taken.status_code == 200, taken.text
    told = taken.json()
    with database.transaction() as session:
        person_id = access.recognise(session, told["key"]).person_id
        seat = admission.seat_of(session, person_id)
        assert seat is not None
        assert seat.cohort_id == cohort_id
        assert admission.roles_of(session, person_id) == {ProgrammeRole.RED_TEAMER}
        kept = session.get_one(Invitation, made["id"])
        assert not any(made["code"] in str(value) for value in vars(kept).values())
    (listed,) = steward.get(f"{BASE}/invitations").json()["data"]
    assert (listed["state"], listed["num_uses"], listed["note"]) == (
        "used-up", 1, "The group from Lyon",
    )  # fmt: skip
    assert "code" not in listed


def test_what_cannot_be_used_says_why(
    anyone: TestClient, steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward, 1)
    revoked, late = invited(steward, cohort_id), invited(steward, cohort_id)
    used, other = invited(steward, cohort_id), invited(steward, cohort_id)
    steward.post(f"{BASE}/invitations/{revoked['id']}/revoke")
    with database.transaction() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.id == late["id"])
            .values(created_at=now() - timedelta(days=9), expires_at=now() - timedelta(days=1))
        )
    assert anyone.post(REDEEM, json={"code": used["code"], "name": "Ada"}).status_code == 200
    for made, code in (
        (revoked, "invitation_revoked"), (late, "invitation_expired"),
        (used, "invitation_used_up"), (other, "cohort_full"),
    ):  # fmt: skip
        refused = anyone.post(REDEEM, json={"code": made["code"], "name": "Bo"})
        assert code_of(refused) == (409, code)
    refused = anyone.post(REDEEM, json={"code": used["code"][:-1] + "!", "name": "Bo"})
    assert code_of(refused) == (404, "invitation_not_found")
    with database.transaction() as session:
        assert admission.num_taken(session, cohort_id) == 1
    # Whoever was told that the cohort is full has lost nothing by trying.
    steward.post(f"{BASE}/cohorts/{cohort_id}", json={"seats": 2})
    assert anyone.post(REDEEM, json={"code": other["code"], "name": "Bo"}).status_code == 200


def test_a_code_has_no_more_uses_than_it_has_however_many_ask_at_once(
    steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward, 50)
    code = invited(steward, cohort_id, max_uses=3)["code"]
    barrier, refused = threading.Barrier(4), []

    def come() -> None:
        barrier.wait()
        for _ in range(2):
            try:
                with database.transaction() as session:
                    invitations.redeem(session, code, "Somebody", None)
            except Conflict as error:
                refused.append(error.code)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["invitation_used_up"] * 5
    with database.transaction() as session:
        assert admission.num_taken(session, cohort_id) == 3


def test_whoever_left_comes_back_as_the_same_person(
    anyone: TestClient, client: TestClient, steward: TestClient, people: People, database: Database
) -> None:
    cohort_id = cohort_of(steward, 2)
    first, second = invited(steward, cohort_id), invited(steward, cohort_id)
    came = client.post(REDEEM, json={"code": first["code"]}).json()
    assert (came["key"], came["scopes"]) == (None, [])
    assert code_of(client.post(REDEEM, json={"code": second["code"]})) == (409, "already_seated")
    client.post(f"{BASE}/leave")
    back = client.post(REDEEM, json={"code": second["code"]}).json()
    with database.transaction() as session:
        owner = access.recognise(session, people.owner).person_id
    assert came["person_id"] == back["person_id"] == owner
    third = invited(steward, cohort_id)
    refused = anyone.post(REDEEM, json={"code": third["code"]})
    assert refused.json()["error"]["param"] == "name"


def test_why_somebody_does_not_come_is_kept_without_saying_who(
    anyone: TestClient, steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward)
    made = [invited(steward, cohort_id, note=f"For {name}") for name in ("Ada", "Bo", "Cy", "Di")]
    assert anyone.post(DECLINE, json={"code": made[0]["code"]}).status_code == 200
    for each, why in zip(made[1:3], ("No time.", "No pay."), strict=True):
        anyone.post(DECLINE, json={"code": each["code"], "why": why})
    # One answer beside one declined invitation would say whose it is.
    assert steward.get(f"{BASE}/invitations/declines").json()["data"] == []
    anyone.post(DECLINE, json={"code": made[3]["code"], "why": "I would rather not say who I am."})
    told = steward.get(f"{BASE}/invitations/declines").json()["data"]
    assert {each["why"] for each in told} == {
        "No time.", "No pay.", "I would rather not say who I am."
    }  # fmt: skip
    with database.transaction() as session:
        kept = session.scalars(select(InvitationDecline)).all()
    columns = set(InvitationDecline.__table__.columns.keys())
    assert columns == {"id", "cohort_id", "why", "declined_on"}
    assert len(kept) == 4
    assert {each.declined_on for each in kept} <= {now().date(), now().date() - timedelta(days=1)}
    refused = anyone.post(REDEEM, json={"code": made[0]["code"], "name": "Ada"})
    assert code_of(refused) == (409, "invitation_revoked")


def test_a_role_with_rights_needs_somebody_who_may_grant_it(
    steward: TestClient, client: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    assert invited(steward, cohort_id, role="steward")["role"] == "steward"
    body = {"cohort_id": cohort_id, "role": "artist", "expires_at": "2999-01-01T00:00:00Z"}
    assert steward.post(f"{BASE}/invitations", json=body).json()["error"]["param"] == "expires_at"
    body["expires_at"] = "tomorrow"
    refused = steward.post(f"{BASE}/invitations", json=body).json()["error"]
    assert "2027-01-31T18:00:00Z" in refused["message"]
    assert client.get(f"{BASE}/invitations").status_code == 403


def pause(begun: datetime, ended: datetime | None, expires: datetime, by: str) -> Pause:
    return Pause(
        id=f"pause_{begun.timestamp():.0f}", level=Level.EVERYBODY, target_id=None,
        ground=PauseGround.SECURITY_INCIDENT, reason="Sessions were copied.", resume_plan="New keys.",
        proposed_at=begun, proposed_by=by, begun_at=begun, expires_at=expires, ended_at=ended,
        notice={}, num_affected=0, num_unaffected=0, num_stopped=0,
    )  # fmt: skip


def test_time_that_a_pause_of_everybody_took_is_given_back(
    anyone: TestClient, steward: TestClient, database: Database, people: People
) -> None:
    cohort_id = cohort_of(steward)
    made = invited(steward, cohort_id)
    day, moment = timedelta(days=1), now()
    with database.transaction() as session:
        by = access.recognise(session, people.admin).person_id
        row = session.get_one(Invitation, made["id"])
        row.created_at, row.expires_at = moment - 6 * day, moment - 2 * day
        # One before it was made, one across that moment, one within, one after it had lapsed already.
        session.add(pause(moment - 20 * day, moment - 19 * day, moment - 18 * day, by))
        session.add(pause(moment - 7 * day, moment - 5.5 * day, moment - 4 * day, by))
        session.add(pause(moment - 4 * day, moment - 2.75 * day, moment - 2 * day, by))
    with database.transaction() as session:
        row = session.get_one(Invitation, made["id"])
        lapsed = moment - 2 * day + 0.5 * day + 1.25 * day
        assert abs(invitations.expires_at(session, row) - lapsed) < timedelta(seconds=1)
    refused = anyone.post(REDEEM, json={"code": made["code"], "name": "Ada"})
    assert code_of(refused) == (409, "invitation_expired")
    with database.transaction() as session:
        # A pause in force that began in time: the term waits for its end.
        session.add(pause(moment - 0.5 * day, None, moment + 2 * day, by))
    assert anyone.post(REDEEM, json={"code": made["code"], "name": "Ada"}).status_code == 200


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = st.integers(0, 200)


@given(HOURS, HOURS, st.lists(st.tuples(HOURS, HOURS), max_size=6))
def test_a_term_has_as_many_unpaused_hours_as_it_was_given(
    start: int, length: int, gaps: list[tuple[int, int]]
) -> None:
    def at(hour: int) -> datetime:
        return MOMENT + timedelta(hours=hour)

    lost, end = [], 0
    for gap, duration in gaps:
        lost.append((at(end + gap), at(end + gap + duration)))
        end += gap + duration
    until = admission.with_lost_time(at(start), at(start + length), lost)
    paused = sum(
        (max(timedelta(), min(until, ended) - max(at(start), begun)) for begun, ended in lost),
        timedelta(),
    )
    assert until - at(start) - paused == timedelta(hours=length)


def test_a_role_is_withdrawn_with_reasons_and_handed_back_without(
    client: TestClient, steward: TestClient, database: Database, people: People
) -> None:
    with database.transaction() as session:
        owner = access.recognise(session, people.owner).person_id
    path = f"{BASE}/people/{owner}/roles"
    for role in ("juror", "artist"):
        steward.post(path, json={"role": role})
    assert client.get(path).json()["roles"] == ["artist", "juror"]
    assert client.post(f"{BASE}/roles/hand_back", json={"role": "artist"}).json()["roles"] == [
        "juror"
    ]
    body = {"role": "juror", "reason": "The jury of this round has ended."}
    assert steward.post(f"{path}/withdraw", json=body).json()["withdrawn_at"] is not None
    (told,) = client.get(f"{BASE}/statements").json()["data"]
    assert told["decision_facts"] == body["reason"]
    with database.transaction() as session:
        assert session.scalars(select(Statement.person_id)).all() == [owner]
    assert client.get(path).json()["roles"] == []


def test_within_30_days_of_a_complaint_two_stewards_withdraw_a_role(
    app: FastAPI, steward: TestClient, database: Database, people: People
) -> None:
    from unstrung.studio.pauses import service as pauses

    second_key = steward_key(database, "second steward")
    with database.transaction() as session:
        owner = access.recognise(session, people.owner).person_id
        admission.grant_role(session, owner, ProgrammeRole.JUROR, None)
        pauses.protect(session, owner, "letter")
    path, body = (
        f"{BASE}/people/{owner}/roles/withdraw",
        {"role": "juror", "reason": "It is over now."},
    )
    assert steward.post(path, json=body).json()["withdrawn_at"] is None
    assert code_of(steward.post(path, json=body)) == (403, "second_steward")
    second = caller_with(app, second_key)
    assert second.post(path, json=body).json()["withdrawn_at"] is not None
    second.close()
    with database.transaction() as session:
        assert admission.roles_of(session, owner) == set()
        assert session.scalars(select(RoleWithdrawal.seconded_by)).one() is not None


def test_the_last_steward_stays(steward: TestClient) -> None:
    refused = steward.post(f"{BASE}/roles/hand_back", json={"role": "steward"})
    assert code_of(refused) == (409, "conflict")
    assert "last steward" in refused.json()["error"]["message"]


def test_an_inviter_without_the_right_is_refused(database: Database, people: People) -> None:
    with database.transaction() as session:
        caller = access.recognise(session, people.admin)
        cohort = admission.create_cohort(session, "Film", 1, "Films.")
        terms = invitations.Terms(cohort.id, ProgrammeRole.ARTIST, now() + timedelta(days=1))
        with pytest.raises(Forbidden, match="'admit'"):
            invitations.invite(session, caller, terms)
