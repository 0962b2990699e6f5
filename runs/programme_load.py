"""How quick the programme stays with 1,000 people, 10,000 clips and 100,000 entries in the log.

Usage: python runs/programme_load.py [--people N] [--clips N] [--entries N] [--workers N]

Prints, on a database and a folder of its own: how long a pause takes from the command to the last worker that
dropped its video; the review queue; and proofs from the log. Nothing is timed in tests.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Database, migrate, now
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, Pause, PauseGround
from unstrung.studio.pauses.service import Order
from unstrung.studio.publishing import LogFolder
from unstrung.studio.queue import service as queue
from unstrung.studio.queue.service import LostVideo
from unstrung.studio.reviews import service as reviews
from unstrung.studio.shares.models import Audience, Share, ShareStatus
from unstrung.studio.videos.models import Kind, Status, Video
from unstrung.transparency.notes import Checkpoint, parse_note
from unstrung.transparency.tiles import TileView

STEP_S = 0.05  # of a denoising step; workers ask at every step


def main() -> None:
    """Fill, pause, list, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        url = postgres.start()
        try:
            migrate(url)
            database = Database(url, asked.workers + 4)
            people, stewards = _fill(database, asked.people, asked.clips)
            _pause(database, people, stewards, asked.workers)
            _review(database, stewards[0])
            _prove(database, LogFolder(Path(folder) / "log", "load.test/log"), asked.entries)
            database.close()
        finally:
            postgres.stop()


def _fill(database: Database, num_people: int, num_clips: int) -> tuple[list[str], list[Caller]]:
    with database.transaction() as session:
        people = [new_id("person") for _ in range(num_people)]
        session.execute(
            insert(Person),
            [
                {"id": person, "name": f"person {n}", "role": Role.MEMBER, "created_at": now(),
                 "weight": 1.0, "num_videos": 0}
                for n, person in enumerate(people)
            ],
        )  # fmt: skip
        rows = [_row(people[n % num_people], Status.COMPLETED) for n in range(num_clips)]
        session.execute(insert(Video), rows)
        stewards = []
        for name in ("first", "second"):
            person = accounts.create_person(session, name, Role.ADMIN)
            admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
            key, _ = access.create_key(session, person, "desk", list(Scope))
            stewards.append(Caller(person.id, key.id, True, frozenset(map(str, Scope))))
    print(f"{num_people:,} people, {num_clips:,} clips")
    return people, stewards


def _review(database: Database, reviewer: Caller, num_waiting: int = 5_000) -> None:
    """Let half of the clips wait for a reviewer, and see how quickly one finds and claims work."""
    with database.transaction() as session:
        rows = session.execute(select(Video.id, Video.person_id).limit(num_waiting)).all()
        begin = now()
        waiting = [
            {"id": new_id("share"), "video_id": video, "person_id": owner, "audience": Audience.PUBLIC,
             "status": ShareStatus.WAITING, "token": f"token-{n}", "held": [], "labels": [],
             "is_hard_illegal": False, "shows_prompt": False, "created_at": begin,
             "due_at": begin + timedelta(hours=1, seconds=n)}
            for n, (video, owner) in enumerate(rows)
        ]  # fmt: skip
        session.execute(insert(Share), waiting)
    listed, claimed = [], []
    for n in range(100):
        with database.transaction() as session:
            started = time.perf_counter()
            reviews.list_waiting(session, reviewer, waiting[40 * n]["id"] if n else None, 20)
            listed.append(time.perf_counter() - started)
        with database.transaction() as session:
            started = time.perf_counter()
            reviews.claim(session, reviewer, str(waiting[n]["id"]))
            claimed.append(time.perf_counter() - started)
    told = [
        f"{1000 * statistics.median(each):.1f} ms (worst {1000 * max(each):.1f})"
        for each in (listed, claimed)
    ]
    print(f"{num_waiting:,} clips wait: a page of the review queue {told[0]}, a claim {told[1]}")


def _row(person_id: str, status: Status) -> dict[str, object]:
    return {
        "id": new_id("video"), "person_id": person_id, "kind": Kind.CREATE, "model": "mini",
        "resolved_model": "mini", "prompt": "a fox", "size": "128x128", "seconds": "4",
        "verbatim": False, "characters": [], "status": status, "phase": "done", "progress": 0,
        "step": 0, "total_steps": 12, "attempt": 0, "handed_back": 0, "revision": 1,
        "queue_start": 0, "queue_cost": 1, "created_at": now(), "fingerprint": b"\0" * 32,
    }  # fmt: skip


def _pause(database: Database, people: list[str], stewards: list[Caller], num_workers: int) -> None:
    """Pause everybody, a cohort and a person while workers draw; seconds to the last stop."""
    with database.transaction() as session:
        cohort = admission.create_cohort(session, "all", len(people), "Everybody, for the figures.")
        for person in people:
            admission.seat(session, person, cohort.id)
    for level, target in (
        (Level.PERSON, people[0]), (Level.COHORT, cohort.id), (Level.EVERYBODY, None)
    ):  # fmt: skip
        owners = [people[0]] * num_workers if level == Level.PERSON else people[:num_workers]
        pause_id, stops = _drawn_until_paused(database, owners, stewards, level, target)
        with database.transaction() as session:
            pause = session.get_one(Pause, pause_id)
            told = pauses.seconds_to_stop(pause)
            affected = pause.num_affected
            pauses.end(session, stewards[0], pause_id, "The figures are taken.")
        assert told is not None
        print(
            f"pause of {level} ({affected:,} people, {num_workers} workers drawing): in force after "
            f"{stops[0]:.3f} s, last worker stopped after {max(stops[1:]):.3f} s (told as {told:.3f} s)"
        )


def _drawn_until_paused(
    database: Database, owners: list[str], stewards: list[Caller], level: Level, target: str | None
) -> tuple[str, list[float]]:
    rows = [_row(owner, Status.QUEUED) for owner in owners]
    with database.transaction() as session:
        session.execute(insert(Video), rows)
    ready = threading.Barrier(len(rows) + 1)
    stopped: list[float] = []

    def work(video_id: str) -> None:
        with database.transaction() as session:
            video = queue.begin(session, video_id)
        assert video is not None
        ready.wait()
        try:
            while True:
                time.sleep(STEP_S)
                with database.transaction() as session:
                    queue.check(session, video_id, video.attempt)
        except LostVideo:
            with database.transaction() as session:
                pauses.note_stop(session, video_id)
            stopped.append(time.perf_counter())

    threads = [threading.Thread(target=work, args=(str(row["id"]),)) for row in rows]
    for thread in threads:
        thread.start()
    ready.wait()
    time.sleep(0.2)
    order = Order(
        level, target, PauseGround.SECURITY_INCIDENT, "Taken for the figures of this run.",
        "It ends with the run.", datetime.now(UTC) + timedelta(hours=1),
    )  # fmt: skip
    commanded = time.perf_counter()
    with database.transaction() as session:
        pause = pauses.propose(session, stewards[0], order)
    if pause.needs_second is not None:
        commanded = time.perf_counter()
        with database.transaction() as session:
            pauses.second(session, stewards[1], pause.id)
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        ids = [str(row["id"]) for row in rows]
        for video in session.scalars(select(Video).where(Video.id.in_(ids))):
            session.delete(video)
    return pause.id, [begun - commanded, *(at - commanded for at in stopped)]


def _prove(database: Database, folder: LogFolder, num_entries: int) -> None:
    started = time.perf_counter()
    for _ in range(0, num_entries, 1_000):
        with database.transaction() as session:
            for number in range(1_000):
                log.record(session, EntryKind.CONSENT_GIVEN, {"number": number})
    recorded = time.perf_counter() - started
    started = time.perf_counter()
    while folder.publish(database):
        pass
    published = time.perf_counter() - started
    print(f"{num_entries:,} acts: recorded in {recorded:.1f} s, published in {published:.1f} s")
    with database.transaction() as session:
        log.record(session, EntryKind.CONSENT_GIVEN, {"number": -1})
    print(f"publishing one more: {_milliseconds(lambda: folder.publish(database), 1):.1f} ms")
    size = Checkpoint.parse(parse_note(folder.read("checkpoint").decode()).text).size
    view = TileView(folder.read, size)
    print(
        f"inclusion proof of {size:,}: {_milliseconds(lambda: view.inclusion_proof(size // 3)):.2f} ms"
    )
    print(f"consistency proof: {_milliseconds(lambda: view.consistency_proof(size // 2)):.2f} ms")


def _milliseconds(act: Callable[[], object], times: int = 50) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        found.append(1_000 * (time.perf_counter() - started))
    return statistics.median(found)


if __name__ == "__main__":
    main()
