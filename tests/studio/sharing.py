"""An assessor that obeys, and a studio full of people who share, review and appeal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import text

from unstrung.engine.video_io import write_video
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.app import create_app
from unstrung.studio.assessments.service import (
    Action,
    CannotLook,
    Finding,
    ListedClass,
    Passage,
)
from unstrung.studio.database import Database, now
from unstrung.studio.identity import new_id
from unstrung.studio.making import Workshop
from unstrung.studio.storage import Storage
from unstrung.studio.videos.models import Kind, Status, Video

REFUSAL = {
    "clause": "sharing",
    "category": "hate",
    "facts": "A man shouts that a village must burn.",
    "suggested_change": "Show who is shouted at, and that it is wrong.",
}
APPEAL = {"text": "The scene tells of hatred, it does not call for it."}


@cache
def file_of(prompt: str) -> bytes:
    """An mp4 whose recipe says a prompt."""
    recipe = {
        "program": "unstrung", "prompt": prompt, "caption": f"Caption: {prompt}.", "seed": 7,
        "shots": [[0.0, prompt]], "notes": [f"'{prompt}' found no place"],
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, np.zeros((3, 16, 16, 3), np.uint8), 12, recipe)
        return path.read_bytes()


@dataclass
class FakeAssessor:
    """Knows four classes by one word each: `crime` is never made, `hate` is reviewed, `nude` is labelled.

    Attributes:
        in_frames: what frames belong to.
        looks: whether there is a classifier.
    """

    in_frames: list[Finding] = field(default_factory=list)
    looks: bool = True

    def listed(self, language: str = "en") -> Sequence[ListedClass]:
        """The list, in no language but ours."""
        del language
        shown = (
            ("crime", Action.REFUSE, True), ("hate", Action.REVIEW, False),
            ("lewd", Action.REVIEW, False), ("nude", Action.LABEL, False),
        )  # fmt: skip
        return [
            ListedClass(
                name, action, hard, "never-shared" if hard else "sharing", "Law 1" if hard else None,
                "STATEMENT_CATEGORY_OTHER_VIOLATION_TC", f"What is {name}.", f"Leave {name} out.",
            )
            for name, action, hard in shown
        ]  # fmt: skip

    def read(self, prompt: str) -> Sequence[Finding]:
        """A class for each of its words."""
        found = []
        for name in ("crime", "hate", "lewd", "nude"):
            start = prompt.find(name)
            if start >= 0:
                passage = Passage(start, start + len(name), name)
                found.append(Finding(name, f"word {name}", (passage,)))
        return found

    def look(self, frames: Any, frame_rate: float) -> Sequence[Finding]:
        """Whatever was set."""
        del frames, frame_rate
        if not self.looks:
            raise CannotLook("There is no classifier here.")
        return self.in_frames


@dataclass
class Stage:
    """People of a programme and an API.

    Attributes:
        database, storage, client: of the studio.
        keys, ids: of people by name.
    """

    database: Database
    storage: Storage
    client: TestClient
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, *roles: ProgrammeRole) -> str:
        """Somebody new with a key, who is called for exactly that."""
        with self.database.transaction() as session:
            is_steward = ProgrammeRole.STEWARD in roles
            role = Role.ADMIN if is_steward else Role.MEMBER
            person = accounts.create_person(session, f"Called {name}", role)
            for each in roles:
                admission.grant_role(session, person.id, each, None)
            scopes = [Scope.READ, Scope.GENERATE, Scope.SHARE]
            scopes += [Scope.ADMIN] if is_steward else []
            self.keys[name] = access.create_key(session, person, "test", scopes)[1]
            self.ids[name] = person.id
        return name

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Call as somebody; nobody has no key."""
        headers = {} if who == "nobody" else {"authorization": f"Bearer {self.keys[who]}"}
        address = path if path.startswith("http") else f"/programme/v1{path}"
        return self.client.request(method, address, json=body, headers=headers)

    def get(self, who: str, path: str) -> Any:
        """What somebody reads."""
        response = self.ask(who, "GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, who: str, path: str, body: Any = None, status: int = 200) -> Any:
        """What somebody does; `error` alone if it is refused."""
        response = self.ask(who, "POST", path, body)
        assert response.status_code == status, response.text
        return response.json() if status == 200 else response.json()["error"]

    def clip(self, who: str, prompt: str = "a fox") -> str:
        """A finished clip of somebody's, with its file."""
        video_id = new_id("video")
        key = f"videos/{video_id}/1/video.mp4"
        self.storage.put(key, file_of(prompt), "video/mp4")
        with self.database.transaction() as session:
            session.add(
                Video(
                    id=video_id, person_id=self.ids[who], kind=Kind.CREATE, model="mini",
                    resolved_model="mini", prompt=prompt, size="64x64", seconds="4", characters=[],
                    verbatim=False, status=Status.COMPLETED, phase="done", progress=100, step=4,
                    total_steps=4, attempt=1, handed_back=0, revision=1, queue_start=0,
                    queue_cost=1, created_at=now(), completed_at=now(), fingerprint=b"x",
                    result={"duration_seconds": 4.0},
                    files={"video": key, "thumbnail": key, "spritesheet": key},
                )
            )  # fmt: skip
        return video_id

    def share(self, who: str, prompt: str = "a fox", audience: str = "public") -> Any:
        """A new clip of somebody's, shared."""
        asked = {"video_id": self.clip(who, prompt), "audience": audience}
        return self.post(who, "/shares", asked)

    def refused(self, reviewer: str, share_id: str, **changed: Any) -> Any:
        """A reviewer claims and refuses."""
        self.post(reviewer, f"/reviews/{share_id}/claim")
        return self.post(reviewer, f"/reviews/{share_id}/refuse", {**REFUSAL, **changed})

    def appealed(self, who: str, share_id: str) -> str:
        """The owner of a refused share appeals."""
        statement_id = self.get(who, f"/shares/{share_id}")["statement_id"]
        return self.post(who, "/appeals", {"statement_id": statement_id, **APPEAL})["id"]

    def run_out(self, table: str, row_id: str, column: str = "due_at") -> None:
        """Let a clock run out."""
        with self.database.transaction() as session:
            session.execute(
                text(f"UPDATE {table} SET {column} = :past WHERE id = :id"),
                {"past": now() - timedelta(seconds=1), "id": row_id},
            )

    def count(self, table: str, condition: str = "true") -> int:
        """Rows of a table."""
        with self.database.transaction() as session:
            found = session.scalar(text(f"SELECT count(*) FROM {table} WHERE {condition}"))
        return int(found or 0)

    def person(self, who: str) -> Person:
        """A row."""
        with self.database.transaction() as session:
            return session.get_one(Person, self.ids[who])


@contextmanager
def opened(workshop: Workshop, assessor: FakeAssessor | None = None) -> Iterator[Stage]:
    """An API with an owner and somebody else."""
    # Somebody who tries every door after every act asks more often than people do.
    settings = workshop.settings.model_copy(update={"requests_per_minute": 100_000})
    app = create_app(settings, assessor or FakeAssessor())
    with TestClient(app, raise_server_exceptions=False) as client:
        stage = Stage(workshop.database, workshop.storage, client)
        stage.add("owner")
        stage.add("other")
        yield stage
