"""Folders, stars and search over one's own clips."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.conftest import People

BASE = "/programme/v1/shelf"
PROMPTS = (
    "a fox crosses a snowy field", "Un RENARD traverse un champ enneigé", "ثعلب يعبر حقلا ثلجيا",
    "100%_sure the moon dances",
)  # fmt: skip


@pytest.fixture
def clips(client: TestClient, people: People, make: Callable[[str], None]) -> list[str]:
    made = []
    for prompt in PROMPTS:
        body = {"prompt": prompt, "seconds": "4"}
        made.append(
            client.post("/v1/videos", json=body, headers=people.headers("owner")).json()["id"]
        )
    for video_id in made[:3]:
        make(video_id)
    return made


@pytest.fixture
def ask(client: TestClient, people: People) -> Callable[..., Any]:
    def asked(
        method: str, path: str, body: Any = None, who: str = "owner", status: int = 200
    ) -> Any:
        answer = client.request(method, BASE + path, json=body, headers=people.headers(who))
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def ids(page: Any) -> list[str]:
    return [each["video"]["id"] for each in page["data"]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("fox", [0]), ("NOWY", [0]), ("renard", [1]), ("ENNEIGÉ", [1]), ("ثعلب", [2]), ("حقل", [2]),
        ("0%_s", [3]), ("x", [0]), ("fox moon", []), ("field fox", [0]), ("_", [3]), ("  ", [3, 2, 1, 0]),
    ],
)  # fmt: skip
def test_any_part_of_any_language_is_found(
    clips: list[str], ask: Callable[..., Any], search: str, found: list[int]
) -> None:
    assert ids(ask("GET", f"/clips?search={search.replace('%', '%25')}")) == [
        clips[n] for n in found
    ]
    assert ids(ask("GET", f"/clips?search={search.replace('%', '%25')}", who="other")) == []


def test_stars_and_folders_hold_what_was_put_into_them(
    clips: list[str], ask: Callable[..., Any]
) -> None:
    folder = ask("POST", "/folders", {"name": " Snow  films "})
    assert folder["name"] == "Snow films"
    ask("POST", "/folders", {"name": "snow films"}, status=409)
    marked = {"video_ids": clips[:2], "is_starred": True, "folder_id": folder["id"]}
    assert ask("POST", "/clips", marked)["marked"] == 2
    ask("POST", "/clips", {"video_ids": [clips[0]], "is_starred": False})
    assert ids(ask("GET", f"/clips?folder={folder['id']}")) == [clips[1], clips[0]]
    assert ids(ask("GET", f"/clips?folder={folder['id']}&order=asc&limit=1")) == [clips[0]]
    assert ids(ask("GET", f"/clips?folder={folder['id']}&after={clips[1]}")) == [clips[0]]
    assert ids(ask("GET", "/clips?starred=true")) == [clips[1]]
    ask("POST", "/clips", {"video_ids": [clips[1]], "folder_id": "none"})
    assert ids(ask("GET", f"/clips?folder={folder['id']}")) == [clips[0]]
    assert ask("POST", f"/folders/{folder['id']}", {"name": "Ice"})["name"] == "Ice"
    ask("DELETE", f"/folders/{folder['id']}")
    assert len(ids(ask("GET", "/clips"))) == 4, "the clips of a removed folder stay"


def test_nobody_marks_or_keeps_anything_of_somebody_else(
    clips: list[str], ask: Callable[..., Any]
) -> None:
    folder = ask("POST", "/folders", {"name": "Mine"})["id"]
    ask("POST", "/clips", {"video_ids": clips, "is_starred": True}, "other", 404)
    ask("GET", f"/clips?folder={folder}", who="other", status=404)
    ask("DELETE", f"/folders/{folder}", who="admin", status=404)
    ask("POST", f"/folders/{folder}", {"name": "Theirs"}, "other", 404)


def test_clips_are_told_apart_by_status_kind_and_sharing(
    clips: list[str], ask: Callable[..., Any], client: TestClient, people: People
) -> None:
    assert ids(ask("GET", "/clips?status=queued")) == [clips[3]]
    assert ids(ask("GET", "/clips?kind=remix")) == []
    assert ids(ask("GET", "/clips?shared=true")) == []
    assert len(ids(ask("GET", "/clips?shared=false&status=completed"))) == 3
    ask("GET", "/clips?status=lost", status=400)
    del client, people
