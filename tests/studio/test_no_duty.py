"""The no-duty guarantee: somebody who does nothing for ten years keeps seat, role and access."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import text, update

from unstrung.studio.access.models import Key
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, RoleGrant, Seat
from unstrung.studio.database import Database
from unstrung.studio.jobs import JobQueue
from unstrung.studio.pauses import service as pauses
from unstrung.studio.queue import service as queue

TEN_YEARS = timedelta(days=3_653)


def test_whoever_is_idle_for_ten_years_keeps_seat_role_and_access(
    client: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        cohort = admission.create_cohort(session, "first", 2, "to make clips")
        seat = admission.seat(session, owner.id, cohort.id)
        admission.grant_role(session, owner.id, ProgrammeRole.FILM_MAKER, None)
        for column in (
            Person.created_at, Key.created_at, Key.last_used_at, Seat.taken_at, RoleGrant.granted_at,
        ):  # fmt: skip
            session.execute(update(column.class_).values({column.key: column - TEN_YEARS}))
    # Somebody else wants in, the cohort fills up, and everything that runs by the clock has run.
    with database.transaction() as session:
        admission.seat(session, accounts.find_person(session, "other").id, cohort.id)
        for _ in range(3):
            pauses.lapse(session)
            queue.rescue(session, JobQueue(), 10.0)
    with database.transaction() as session:
        assert session.get_one(Seat, seat.id).left_at is None
        assert admission.num_taken(session, cohort.id) == 2
        assert admission.roles_of(session, owner.id) == {ProgrammeRole.FILM_MAKER}
        assert pauses.stopping(session, owner.id, "key_x") is None
    assert client.get("/v1/videos").json()["data"] == []
    assert client.post("/v1/videos", json={"prompt": "at last"}).status_code == 200


def test_no_trigger_and_no_rule_of_the_database_acts_on_its_own(database: Database) -> None:
    """What no module does, nothing else does either: Procrastinate's triggers are the only ones."""
    with database.transaction() as session:
        found = session.scalars(
            text("SELECT DISTINCT event_object_table FROM information_schema.triggers")
        ).all()
    assert [name for name in found if not name.startswith("procrastinate")] == []
