from collections.abc import Callable

import pytest
from sqlalchemy import text

from studio.conftest import People
from unstrung.studio.access import service as access
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database
from unstrung.studio.errors import TooMany
from unstrung.studio.jobs import JobQueue
from unstrung.studio.making import Workshop
from unstrung.studio.queue import service as queue
from unstrung.studio.queue.service import Outlook
from unstrung.studio.settings import Settings
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Kind, Status, Video
from unstrung.studio.videos.service import Retry, Wish

Ask = Callable[[str], Video]


@pytest.fixture
def ask(workshop: Workshop, settings: Settings, people: People) -> Ask:
    """Asks for a video as one of the people."""
    number = iter(range(10_000))

    def asked(who: str) -> Video:
        with workshop.database.transaction() as session:
            caller = access.recognise(session, getattr(people, who))
            model = catalogue.resolve(session, "mini", {})
            return videos.create_video(
                session, workshop.jobs, settings, caller, model, Wish(Kind.CREATE, "a fox"),
                Retry(str(next(number)).encode()),
            )  # fmt: skip

    return asked


def _fetch(database: Database) -> str | None:
    """The video whose job a worker would be given now."""
    with database.transaction() as session:
        session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
        row = session.execute(
            text("SELECT args ->> 'video_id', id FROM procrastinate_fetch_job_v2(NULL, 1)")
        ).one()
    return row[0]


def _run(database: Database, video_id: str) -> None:
    """Begin and end a video without making it."""
    with database.transaction() as session:
        video = queue.begin(session, video_id)
        assert video is not None
        queue.fail(session, video_id, video.attempt, "test", "test")
        session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": video.job_id})


def test_a_hundred_videos_of_one_wait_behind_the_first_of_another(
    database: Database, ask: Ask
) -> None:
    many = [ask("owner").id for _ in range(20)]
    few = [ask("other").id for _ in range(2)]
    order = []
    for _ in range(6):
        video_id = _fetch(database)
        assert video_id is not None
        order.append(video_id)
        _run(database, video_id)
    assert order == [many[0], few[0], many[1], few[1], many[2], many[3]]


def test_nobody_waits_for_ever_behind_newcomers(database: Database, ask: Ask) -> None:
    mine = [ask("owner").id for _ in range(3)]
    order = []
    for _ in range(7):
        ask("other")
        video_id = _fetch(database)
        assert video_id is not None
        order.append(video_id)
        _run(database, video_id)
    assert set(mine) <= set(order)


def test_a_person_runs_at_most_so_many_at_once(
    database: Database, ask: Ask, settings: Settings
) -> None:
    for _ in range(5):
        ask("owner")
    fetched = [_fetch(database) for _ in range(4)]
    assert sum(each is not None for each in fetched) == settings.jobs_per_person


def test_a_place_in_the_queue_is_honest(database: Database, ask: Ask) -> None:
    mine = [ask("owner") for _ in range(3)]
    other = ask("other")
    with database.transaction() as session:
        videos = [session.get_one(Video, each.id) for each in [*mine, other]]
        outlooks = queue.outlooks(session, videos)
        places = [outlooks[each.id].place for each in videos]
    # The other's first goes between my first and my second.
    assert places == [0, 2, 3, 1]


def test_a_result_of_a_worker_that_lost_its_video_is_refused(database: Database, ask: Ask) -> None:
    video_id = ask("owner").id
    with database.transaction() as session:
        first = queue.begin(session, video_id)
        assert first is not None
        slow = first.attempt
    with database.transaction() as session:
        second = queue.begin(session, video_id)
        assert second is not None
        assert second.attempt == slow + 1
    for change in (
        lambda session: queue.check(session, video_id, slow),
        lambda session: queue.report(session, video_id, slow, {"progress": 5}),
        lambda session: queue.fail(session, video_id, slow, "x", "x"),
        lambda session: queue.hand_back(session, video_id, slow),
    ):
        with pytest.raises(queue.LostVideo), database.transaction() as session:
            change(session)


def test_a_video_without_a_job_is_enqueued_again(database: Database, ask: Ask) -> None:
    video = ask("owner")
    with database.transaction() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    with database.transaction() as session:
        assert queue.rescue(session, JobQueue(), 10) == [video.id]
    with database.transaction() as session:
        assert queue.rescue(session, JobQueue(), 10) == []
    assert _fetch(database) == video.id


def test_open_videos_of_a_person_are_limited(
    workshop: Workshop, people: People, database: Database
) -> None:
    strict = workshop.settings.model_copy(update={"open_videos_per_person": 2})
    with database.transaction() as session:
        caller = access.recognise(session, people.owner)
        model = catalogue.resolve(session, "mini", {})
        for index in range(2):
            videos.create_video(
                session, workshop.jobs, strict, caller, model, Wish(Kind.CREATE, "a fox"),
                Retry(bytes([index])),
            )  # fmt: skip
        with pytest.raises(TooMany, match="At most 2") as caught:
            videos.create_video(
                session, workshop.jobs, strict, caller, model, Wish(Kind.CREATE, "a fox"),
                Retry(b"x"),
            )  # fmt: skip
    assert caught.value.retry_after_s


def test_a_video_that_ended_has_no_place(database: Database, ask: Ask) -> None:
    video_id = ask("owner").id
    _run(database, video_id)
    with database.transaction() as session:
        video = session.get_one(Video, video_id)
        assert video.status == Status.FAILED
        assert queue.outlooks(session, [video]) == {video_id: Outlook(None, None)}


def _fall_silent(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        )


def test_a_slow_worker_cannot_end_the_job_of_the_next_one(database: Database, ask: Ask) -> None:
    video, _ = ask("owner"), ask("other")
    assert _fetch(database) == video.id
    with database.transaction() as session:
        assert queue.rescue(session, JobQueue(), 10) == []  # its worker is alive
    _fall_silent(database)
    with database.transaction() as session:
        assert queue.rescue(session, JobQueue(), 10) == [video.id]
    with database.transaction() as session:
        jobs = session.execute(text("SELECT id FROM procrastinate_jobs")).scalars().all()
        assert session.get_one(Video, video.id).job_id in jobs
        assert video.job_id not in jobs
    assert _fetch(database) == video.id, "it has waited already"


def test_a_job_whose_worker_died_after_the_end_keeps_no_place(
    database: Database, ask: Ask, settings: Settings
) -> None:
    videos_ = [ask("owner") for _ in range(settings.jobs_per_person + 1)]
    for _ in videos_[1:]:
        _fetch(database)
    with database.transaction() as session:
        begun = queue.begin(session, videos_[0].id)
        assert begun is not None
        queue.fail(session, begun.id, begun.attempt, "test", "test")
    assert _fetch(database) is None
    _fall_silent(database)
    with database.transaction() as session:
        session.execute(
            text("UPDATE procrastinate_jobs SET status = 'todo' WHERE id <> :id"),
            {"id": videos_[0].job_id},
        )
        assert queue.rescue(session, JobQueue(), 10) == []
    assert _fetch(database) == videos_[1].id
    assert _fetch(database) == videos_[2].id
