"""Feedback: on what one may see, by nobody's name but who wants it, and taken back for good."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.conftest import People
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Database

FEEDBACK = "/programme/v1/feedback"
BUG = {"kind": "bug", "text": "The tail flickers.", "starts_s": 0.25, "ends_s": 0.5}


@pytest.fixture
def clip(client: TestClient, make: Callable[[str], None]) -> str:
    video_id = client.post("/v1/videos", json={"prompt": "a fox", "seed": 3}).json()["id"]
    make(video_id)
    return str(video_id)


@pytest.fixture
def desk(database: Database, people: People) -> dict[str, str]:
    assert people
    with database.transaction() as session:
        person = accounts.create_person(session, "steward")
        admission.add_role(session, person.id, ProgrammeRole.STEWARD, None)
        return {
            "authorization": f"Bearer {access.create_key(session, person, 'x', [Scope.READ])[1]}"
        }


def give(client: TestClient, clip: str, **changed: Any) -> Any:
    return client.post(FEEDBACK, json={**BUG, "video_id": clip, **changed})


def test_a_note_takes_seed_and_model_from_its_clip(client: TestClient, clip: str) -> None:
    note = give(client, clip).json()
    assert (note["seed"], note["model"], note["status"], note["by"]) == (3, "mini", "new", None)
    assert (note["starts_s"], note["ends_s"]) == (0.25, 0.5)
    whole = client.post(FEEDBACK, json={"kind": "praise", "text": "!", "video_id": clip}).json()
    assert (whole["starts_s"], whole["ends_s"]) == (0.0, 0.75)
    assert [each["id"] for each in client.get(FEEDBACK).json()["data"]] == [whole["id"], note["id"]]


@pytest.mark.parametrize(
    "changed",
    [{"ends_s": 9}, {"starts_s": 0.6}, {"share_id": "share_1"}, {"text": " "}, {"kind": "duty"}],
)
def test_what_makes_no_sense_is_refused(client: TestClient, clip: str, changed: Any) -> None:
    assert give(client, clip, **changed).status_code == 400


def test_somebody_else_speaks_of_a_clip_only_once_it_is_shared(
    client: TestClient, people: People, clip: str, database: Database
) -> None:
    other = people.headers("other")
    body = {**BUG, "video_id": clip}
    assert client.post(FEEDBACK, json=body, headers=other).status_code == 404
    assert client.post(FEEDBACK, json=body, headers=people.headers("admin")).status_code == 404
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        sharer = access.create_key(session, owner, "s", [Scope.READ, Scope.SHARE])[1]
    shared = client.post(
        "/programme/v1/shares", json={"video_id": clip, "audience": "link"},
        headers={"authorization": f"Bearer {sharer}"},
    ).json()  # fmt: skip
    about = {**BUG, "share_id": shared["id"]}
    assert client.post(FEEDBACK, json=about, headers=other).status_code == 404
    about["token"] = shared["url"].partition("token=")[2]
    note = client.post(FEEDBACK, json=about, headers=other).json()
    assert client.get(f"{FEEDBACK}/{note['id']}").status_code == 404
    assert client.get(f"{FEEDBACK}/{note['id']}", headers=other).status_code == 200


def test_stewards_read_no_names_but_of_those_who_want_it_and_decline_with_a_reason(
    client: TestClient, clip: str, desk: dict[str, str]
) -> None:
    silent, named = give(client, clip).json(), give(client, clip, is_credited=True).json()
    assert client.get(f"{FEEDBACK}/all").status_code == 403
    told = client.get(f"{FEEDBACK}/all", headers=desk).json()["data"]
    assert {each["id"]: (each["by"], each["video_id"]) for each in told} == {
        silent["id"]: (None, None), named["id"]: ("owner", None),
    }  # fmt: skip
    path = f"{FEEDBACK}/{silent['id']}/status"
    assert client.put(path, json={"status": "declined"}, headers=desk).status_code == 400
    assert client.put(path, json={"status": "done"}).status_code == 403
    answer = {"status": "declined", "reason": "Next year, perhaps."}
    assert client.put(path, json=answer, headers=desk).json()["status"] == "declined"
    assert client.get(f"{FEEDBACK}/{silent['id']}").json()["reason"] == "Next year, perhaps."
    wanted = {"status": "new", "kind": "bug"}
    left = client.get(f"{FEEDBACK}/all", params=wanted, headers=desk).json()["data"]
    assert [each["id"] for each in left] == [named["id"]]


def test_a_note_is_taken_back_for_good_and_outlives_its_clip(
    client: TestClient, people: People, clip: str
) -> None:
    note, other = give(client, clip).json()["id"], give(client, clip).json()["id"]
    stranger = people.headers("other")
    assert client.delete(f"{FEEDBACK}/{note}", headers=stranger).status_code == 404
    assert client.delete(f"{FEEDBACK}/{note}").json()["withdrawn"] is True
    assert client.get(f"{FEEDBACK}/{note}").status_code == 404
    client.delete(f"/v1/videos/{clip}")
    kept = client.get(f"{FEEDBACK}/{other}").json()
    assert (kept["video_id"], kept["seed"]) == (None, 3)
