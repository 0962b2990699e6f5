"""One artist's way through the programme over HTTP, from the application to leaving with everything."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from studio.stewarding import application_to, cohort_of, steward_key
from unstrung.cli import main
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.app import create_app
from unstrung.studio.database import Database
from unstrung.studio.making import Workshop
from unstrung.studio.settings import Settings
from unstrung.transparency.notes import VerifierKey
from unstrung.transparency.receipts import parse_receipt, verify_receipt

BASE = "/programme/v1"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a studio that runs a programme."""
    return Settings(
        database_url=database_url, studio_data=tmp_path, private_webhooks=True, programme=True,
        operator_name="The Test Studio", operator_contact="desk@example.org", log_publish_s=0.1,
        operator_law={"en": "Italian law", "it": "la legge italiana"},
    )  # fmt: skip


class World:
    """Everybody who takes part, and the one clock."""

    def __init__(self, client: TestClient, database: Database) -> None:
        self.client, self.database = client, database
        self.keys: dict[str, str] = {}

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Call as somebody; nobody has no key."""
        headers = {"authorization": f"Bearer {self.keys[who]}"} if who in self.keys else {}
        address = path if path.startswith("/v1/") else f"{BASE}{path}"
        return self.client.request(method, address, json=body, headers=headers)

    def does(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Call as somebody, and it works."""
        answer = self.ask(who, method, path, body)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()

    def in_time(
        self,
        who: str,
        method: str,
        path: str,
        is_right: Callable[[Any], bool] = lambda told: bool(told),
    ) -> Any:
        """Call again until it works, within a few seconds."""
        for _ in range(200):
            answer = self.ask(who, method, path)
            if answer.status_code == 200 and is_right(answer.json()):
                return answer.json()
            time.sleep(0.05)
        raise AssertionError(answer.text)

    def is_refused(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call as somebody, and it is refused."""
        answer = self.ask(who, method, path, body)
        assert answer.status_code >= 400, f"{method} {path}: {answer.text}"
        error: dict[str, Any] = answer.json()["error"]
        return {"status": answer.status_code, **error}

    def joins(self, name: str, *roles: ProgrammeRole) -> None:
        """Somebody of the operator's who hears appeals or reviews."""
        with self.database.transaction() as session:
            person = accounts.create_person(session, name)
            for role in roles:
                admission.grant_role(session, person.id, role, None)
            scopes = [Scope.READ, Scope.GENERATE, Scope.SHARE]
            self.keys[name] = access.create_key(session, person, "test", scopes)[1]

    def later(self, table: str, *columns: str, hours: float) -> None:
        """Let hours pass for the rows of a table."""
        moved = ", ".join(f"{each} = {each} - make_interval(hours => {hours})" for each in columns)
        with self.database.transaction() as session:
            session.execute(text(f"UPDATE {table} SET {moved}"))


@pytest.fixture
def world(workshop: Workshop, settings: Settings) -> Iterator[World]:
    """A studio with two stewards, a reviewer and somebody who hears appeals."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        found = World(client, workshop.database)
        for name in ("steward", "second steward"):
            found.keys[name] = steward_key(workshop.database, name)
        found.joins("reviewer", ProgrammeRole.REVIEWER)
        found.joins("hearer", ProgrammeRole.REVIEWER)
        yield found


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_the_story(world: World, make: Callable[[str], None], tmp_path: Path) -> None:
    ids = enters(world, tmp_path)
    accepts(world)
    clip = generates_and_shares(world, make)
    is_refused_revises_and_wins(world, make)
    loses_a_key_and_gets_it_back(world, ids)
    is_paused_with_the_cohort(world, ids, clip)
    sees_everybody_paused(world, clip)
    leaves_with_everything(world, clip)
    everything_is_in_the_log(world)


def enters(world: World, tmp_path: Path) -> dict[str, str]:
    """Applies, is drawn, is invited, and has a key."""
    steward = TestClient(
        world.client.app, headers={"authorization": f"Bearer {world.keys['steward']}"}
    )
    cohort_id = cohort_of(steward, seats=1)
    applications = []
    for name in ("artist", "neighbour"):
        made = world.does("nobody", "POST", "/applications", application_to(cohort_id, name))
        applications.append(made)
    lottery = world.does(
        "steward", "POST", "/lotteries",
        {"cohort_id": cohort_id, "seats": 1, "closes_at": in_hours(1 / 3600)},
    )  # fmt: skip
    assert lottery["seed"] is None
    path = f"/lotteries/{lottery['id']}"
    closed = world.in_time("steward", "POST", f"{path}/close")
    assert closed["seed"] is None
    assert len(closed["tickets"]) == 2
    drawn = world.does("steward", "POST", f"{path}/draw")
    world.in_time("nobody", "GET", path, lambda told: all(told["receipts"].values()))
    (tmp_path / "lottery.json").write_text(json.dumps(world.does("nobody", "GET", path)))
    assert main(["programme", "lottery-check", str(tmp_path / "lottery.json")]) == 0
    (winner,) = [each for each in applications if each["ticket"] in drawn["drawn"]]
    loser = next(each for each in applications if each is not winner)
    world.keys["applicant"] = winner["token"]
    own = world.does("applicant", "POST", f"/applications/{winner['id']}/invitation")
    entered = world.does(
        "nobody", "POST", "/invitations/redeem", {"code": own["code"], "name": "An artist"}
    )
    world.keys["artist"] = entered["key"]
    world.keys["waiting"] = loser["token"]
    waits = world.does("waiting", "GET", f"/applications/{loser['id']}")
    assert waits["position"] == 1
    return {"cohort": cohort_id, "artist": entered["person_id"], "key": entered["key_id"]}


def accepts(world: World) -> None:
    """Nothing is made before the charter in force was accepted."""
    asked = {"prompt": "a fox in the snow"}
    world.does("steward", "POST", "/charter/versions", {"version": "1.0"})
    refused = world.is_refused("artist", "POST", "/v1/videos", asked)
    assert (refused["status"], refused["code"]) == (403, "charter_not_accepted")
    charter = world.does("nobody", "GET", "/charter?language=it")
    accepted = {"version": "1.0", "language": "it", "digest": charter["digest"]}
    world.does("artist", "POST", "/charter/acceptances", accepted)
    assert world.does("artist", "GET", "/charter/acceptances")["data"]


def made(world: World, make: Callable[[str], None], prompt: str) -> str:
    """A finished clip of the artist's."""
    video_id: str = world.does("artist", "POST", "/v1/videos", {"prompt": prompt})["id"]
    make(video_id)
    assert world.does("artist", "GET", f"/v1/videos/{video_id}")["status"] == "completed"
    return video_id


def generates_and_shares(world: World, make: Callable[[str], None]) -> str:
    """A clip of no listed class is shared at once."""
    clip = made(world, make, "a fox crosses a snowy field")
    share = world.does("artist", "POST", "/shares", {"video_id": clip, "audience": "public"})
    assert share["status"] == "shared"
    assert world.ask("nobody", "GET", f"/shared/{share['id']}").status_code == 200
    return clip


def is_refused_revises_and_wins(world: World, make: Callable[[str], None]) -> None:
    """A clip of a listed class waits, is refused with reasons, revised, and won on appeal."""
    clip = made(world, make, "a deepfake of the president")
    share = world.does("artist", "POST", "/shares", {"video_id": clip, "audience": "public"})
    assert share["status"] == "waiting"
    assert share["held"][0]["risk"] == "real_likeness"
    assert share["due_at"] is not None
    assert world.ask("neighbour", "GET", f"/shared/{share['id']}").status_code in (401, 404)
    review = f"/reviews/{share['id']}"
    seen = world.does("reviewer", "POST", f"{review}/claim")
    assert "artist" not in json.dumps(seen)
    reasons = {
        "clause": "sharing",
        "category": seen["held"][0]["risk"],
        "facts": "A head of state is shown saying what was never said.",
        "suggested_change": "Show somebody who does not exist.",
        "starts_s": 0.0,
        "ends_s": 0.5,
    }
    world.does("reviewer", "POST", f"{review}/refuse", reasons)
    refused = world.does("artist", "GET", f"/shares/{share['id']}")
    statement = world.does("artist", "GET", f"/statements/{refused['statement_id']}")
    assert statement["decision_facts"] == reasons["facts"]
    assert statement["suggested_change"] == reasons["suggested_change"]
    revised = made(world, make, "a president who does not exist gives a speech to penguins")
    again = world.does(
        "artist", "POST", "/shares",
        {"video_id": revised, "audience": "public", "revises": share["id"]},
    )  # fmt: skip
    assert again["status"] in ("shared", "waiting")
    asked = {"statement_id": statement["id"], "text": "It is satire, and says so in its title."}
    appeal = world.does("artist", "POST", "/appeals", asked)
    hearing = f"/hearings/{appeal['id']}"
    won = {"outcome": "overturned", "reasons": "Nobody could take this for a recording."}
    assert world.is_refused("reviewer", "POST", f"{hearing}/take")["status"] in (403, 404)
    world.does("hearer", "POST", f"{hearing}/take")
    assert world.does("hearer", "POST", f"{hearing}/decision", won)["outcome"] == "overturned"
    assert world.does("artist", "GET", f"/shares/{share['id']}")["status"] == "shared"
    assert world.ask("nobody", "GET", f"/shared/{share['id']}").status_code == 200
    assert world.does("nobody", "GET", "/figures/reviews")["overturn_rate"] == 1.0


def loses_a_key_and_gets_it_back(world: World, ids: dict[str, str]) -> None:
    """A key in many hands is suspended alone; an appeal before a person gives it back."""
    signals: list[dict[str, Any]] = []
    for network in range(20):
        headers = {
            "authorization": f"Bearer {world.keys['artist']}",
            "user-agent": f"program{network}/1.0",
        }
        elsewhere = TestClient(
            world.client.app, headers=headers, client=(f"203.{network}.113.7", 4711)
        )
        assert elsewhere.get("/v1/videos").status_code == 200
        signals = world.does("artist", "GET", "/signals")["data"]
    # The artist won an appeal within 30 days, so no program may suspend the key: stewards are asked.
    assert {each["step"] for each in signals} == {"confirm", "ask-steward"}
    order = {
        "level": "key", "target_id": ids["key"], "ground": "shared-access",
        "reason": "The key was used from twenty networks in a minute.",
        "resume_plan": "The artist says that the key is in no other hands.",
        "expires_at": in_hours(24),
    }  # fmt: skip
    proposed = world.does("steward", "POST", "/pauses", order)
    assert proposed["status"] == "proposed"
    world.does("second steward", "POST", f"/pauses/{proposed['id']}/second")
    refused = world.is_refused("artist", "POST", "/v1/videos", {"prompt": "a fox"})
    assert (refused["status"], refused["code"]) == (403, "access_paused")
    assert refused["statement"]["id"] == proposed["id"]
    statements = world.does("artist", "GET", "/statements")["data"]
    about = next(each for each in statements if each["decision_facts"] == order["reason"])
    asked = {
        "statement_id": about["id"],
        "text": "That was me on tour, with a train's many networks.",
    }
    appeal = world.does("artist", "POST", "/appeals", asked)
    world.does("hearer", "POST", f"/hearings/{appeal['id']}/take")
    won = {"outcome": "overturned", "reasons": "The networks are those of one train line."}
    world.does("hearer", "POST", f"/hearings/{appeal['id']}/decision", won)
    assert world.does("artist", "POST", "/v1/videos", {"prompt": "a fox"})["status"] == "queued"


def is_paused_with_the_cohort(world: World, ids: dict[str, str], clip: str) -> None:
    """A cohort is paused with an end; others go on; the pause lapses by the clock."""
    order = {
        "level": "cohort", "target_id": ids["cohort"], "ground": "security-incident",
        "reason": "Sessions of the cohort were copied to a public page.",
        "resume_plan": "Everybody in it signs in again.", "expires_at": in_hours(24),
    }  # fmt: skip
    proposed = world.does("steward", "POST", "/pauses", order)
    assert proposed["status"] == "proposed"  # somebody in it has appealed
    world.does("second steward", "POST", f"/pauses/{proposed['id']}/second")
    assert world.is_refused("artist", "POST", "/v1/videos", {"prompt": "a fox"})["status"] == 403
    with world.database.transaction() as session:
        seat = admission.create_cohort(session, "Another", 5, "Unaffected.")
        person = accounts.create_person(session, "unaffected")
        admission.seat(session, person.id, seat.id)
        world.keys["unaffected"] = access.create_key(session, person, "test")[1]
    charter = world.does("nobody", "GET", "/charter")
    world.does(
        "unaffected", "POST", "/charter/acceptances",
        {"version": "1.0", "language": "en", "digest": charter["digest"]},
    )  # fmt: skip
    world.does("unaffected", "POST", "/v1/videos", {"prompt": "a fox"})
    assert downloaded(world, clip)
    world.later("pauses", "proposed_at", "begun_at", "expires_at", hours=25)
    assert world.does("artist", "POST", "/v1/videos", {"prompt": "a fox"})["status"] == "queued"


def sees_everybody_paused(world: World, clip: str) -> None:
    """Everybody is paused by two, never by one; own works stay, and it lapses."""
    order = {
        "level": "everybody", "ground": "safety-of-model",
        "reason": "The model shows faces of real people.",
        "resume_plan": "The weights of yesterday are put back.", "expires_at": in_hours(72),
    }  # fmt: skip
    proposed = world.does("steward", "POST", "/pauses", order)
    path = f"/pauses/{proposed['id']}/second"
    assert world.is_refused("steward", "POST", path)["code"] == "second_steward"
    assert world.does("unaffected", "POST", "/v1/videos", {"prompt": "a fox"})
    world.does("second steward", "POST", path)
    for who in ("artist", "unaffected"):
        assert world.is_refused(who, "POST", "/v1/videos", {"prompt": "a fox"})["status"] == 503
    assert downloaded(world, clip)
    (listed,) = [
        each
        for each in world.does("nobody", "GET", "/pauses")["data"]
        if each["status"] == "in force"
    ]
    assert listed["seconds_to_stop"] < 1
    world.later("pauses", "proposed_at", "begun_at", "expires_at", hours=73)
    assert world.does("artist", "POST", "/v1/videos", {"prompt": "a fox"})["status"] == "queued"


def downloaded(world: World, clip: str) -> bool:
    answer = world.ask("artist", "GET", f"/v1/videos/{clip}/content")
    return answer.status_code == 200 and answer.content[4:8] == b"ftyp"


def leaves_with_everything(world: World, clip: str) -> None:
    """Leaving is one step, and keeps one's works."""
    world.does("artist", "POST", "/leave")
    assert (
        world.is_refused("artist", "POST", "/v1/videos", {"prompt": "a fox"})["code"] == "no_seat"
    )
    assert downloaded(world, clip)
    archive = world.ask("artist", "GET", "/export")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
    assert any(clip in name and name.endswith(".mp4") for name in names)
    for part in ("README.txt", "statements", "appeals", "acceptances", "log"):
        assert any(part in name for name in names), part


def everything_is_in_the_log(world: World) -> None:
    """Each of the artist's acts has a receipt that anybody can check offline."""
    key = VerifierKey.parse(world.does("nobody", "GET", "/log")["key"])
    listed = world.does("artist", "GET", "/receipts?limit=100")["data"]
    kinds = set()
    for each in listed:
        for _ in range(100):
            answer = world.ask("artist", "GET", f"/receipts/{each['id']}")
            if answer.status_code == 200:
                break
            time.sleep(0.05)
        checked = verify_receipt(parse_receipt(answer.text), key)
        assert checked.is_content_checked
        kinds.add(checked.entry.type)
    assert {
        "admission.granted", "charter.accepted", "statement.issued", "appeal.lodged",
        "appeal.decided", "pause.begun", "pause.ended", "person.left",
    } <= kinds  # fmt: skip
