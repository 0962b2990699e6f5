from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from unstrung.studio.database import Database
from unstrung.studio.errors import ServiceFault
from unstrung.studio.making import Workshop, make_video
from unstrung.studio.videos.models import Status, Video


class ForgetfulDatabase(Database):
    """Commits the end of a video, and dies before it can say so; the next call finds it back."""

    has_died = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
        with super().transaction() as session:
            ended = session.scalar(select(Video.id).where(Video.status == Status.COMPLETED))
        if ended is not None and not self.has_died:
            self.has_died = True
            raise ServiceFault("The database cannot be reached.")


def test_a_publication_whose_answer_was_lost_keeps_its_files(
    client: TestClient, workshop: Workshop
) -> None:
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    database = ForgetfulDatabase(workshop.database.url)
    make_video(replace(workshop, database=database), video_id)
    database.close()
    assert database.has_died
    assert client.get(f"/v1/videos/{video_id}").json()["status"] == "completed"
    assert client.get(f"/v1/videos/{video_id}/content").status_code == 200


def test_a_worker_that_lost_its_video_leaves_no_files(
    client: TestClient, workshop: Workshop, make: Callable[[str], None]
) -> None:
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    generator = workshop.generator
    draw = generator.generate

    class Overtaken:
        describe = generator.describe

        def generate(self, task, on_step):  # type: ignore[no-untyped-def]
            generation = draw(task, on_step)
            make(video_id)  # another worker begins, and is quicker
            return generation

    make_video(replace(workshop, generator=Overtaken()), video_id)
    assert client.get(f"/v1/videos/{video_id}/content").status_code == 200
    folders = (workshop.settings.studio_data / "files" / "videos" / video_id).iterdir()
    assert [folder.name for folder in folders] == ["2"]
