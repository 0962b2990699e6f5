"""Time the library of somebody with 100,000 clips; its figures are in docs/load.md."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.shelves import service as shelves
from unstrung.studio.shelves.service import ShelfWish

NUM_CLIPS = 100_000
PAGE = 24
RUNS = 9
# Words of six languages; every 20,000th clip has one that no other has.
FILL = """
    INSERT INTO videos (id, person_id, kind, model, resolved_model, prompt, size, seconds, verbatim,
        characters, status, phase, progress, step, total_steps, attempt, handed_back, revision,
        queue_start, queue_cost, created_at, completed_at, fingerprint, recipe)
    SELECT 'video_' || lpad(to_hex(n), 32, '0'), :person, 'create', 'mini', 'mini', prompt, '256x256', '4',
        false, '[]', 'completed', 'done', 100, 4, 4, 1, 0, 1, 0, 1, now(), now(), '\\x00',
        jsonb_build_object('caption', prompt)
    FROM generate_series(1, :number) AS n, LATERAL (SELECT
        (ARRAY['a fox', 'a bear', 'un renard', 'ثعلب', 'un zorro', 'seekor rubah', 'una volpe'])[1 + n % 7]
        || ' ' || (ARRAY['crosses', 'sleeps in', 'traverse', 'يعبر', 'cruza', 'melintasi'])[1 + n / 7 % 6]
        || ' ' || (ARRAY['a snowy field', 'la mer', 'حقلا', 'un bosque', 'hutan'])[1 + n / 42 % 5]
        || ' take ' || n
        || CASE WHEN n % 20000 = 0 THEN ' lanterne' || n || ' قنديل' ELSE '' END AS prompt) AS words
"""


def main() -> None:
    """Fill a database of its own, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        url = postgres.start()
        migrate(url)
        database = Database(url)
        try:
            for line in _measured(database):
                sys.stdout.write(f"{line}\n")
        finally:
            database.close()
            postgres.stop()


def _measured(database: Database) -> list[str]:
    with database.transaction() as session:
        person_id = accounts.create_person(session, "Somebody busy").id
    caller = Caller(person_id, "key_load", False, frozenset(map(str, Scope)))
    began = time.perf_counter()
    with database.transaction() as session:
        session.execute(text(FILL), {"person": person_id, "number": NUM_CLIPS})
        folder = shelves.create_folder(session, caller, "Half")
        mark = (
            "INSERT INTO shelf_marks (video_id, person_id, is_starred, folder_id) SELECT id, person_id, "
            "ascii(right(id, 1)) % 8 = 0, :folder FROM videos WHERE ascii(right(id, 1)) % 2 = 0"
        )
        session.execute(text(mark), {"folder": folder.id})
    filled = time.perf_counter() - began
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    far = f"video_{NUM_CLIPS - 999 * PAGE + 1:032x}"
    cases: list[tuple[str, ShelfWish, str | None]] = [
        ("first page", ShelfWish(), None),
        ("page 1000", ShelfWish(), far),
        ("oldest first", ShelfWish(newest_first=False), None),
        ("a folder of 50,000", ShelfWish(folder_id=folder.id), None),
        ("page 1000 of all, in the folder", ShelfWish(folder_id=folder.id), far),
        ("with a star", ShelfWish(starred=True), None),
        ("shared (none is)", ShelfWish(shared=True), None),
        ("search `fox` (1 in 7)", ShelfWish(search="fox"), None),
        ("search `fox snow` (1 in 35)", ShelfWish(search="fox snow"), None),
        ("search `قنديل` (5 clips)", ShelfWish(search="قنديل"), None),
        ("search `terne4` (1 clip)", ShelfWish(search="terne4"), None),
        ("search `zzzz` (none)", ShelfWish(search="zzzz"), None),
        ("search `zq` (two letters, none)", ShelfWish(search="zq"), None),
        ("search `fox` in the folder", ShelfWish(search="fox", folder_id=folder.id), None),
        ("search `قنديل`, with a star", ShelfWish(search="قنديل", starred=True), None),
    ]
    lines = [
        f"{NUM_CLIPS:,} clips of one person, written in {filled:.1f} s; pages of {PAGE}.", "",
        "| page | clips | median | slowest |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, wish, after in cases:

        def page(wish: ShelfWish = wish, after: str | None = after) -> int:
            with database.transaction() as session:
                return len(shelves.list_clips(session, caller, wish, after, PAGE)[0])

        lines.append(_line(name, page))
    return lines


def _line(name: str, page: Callable[[], int]) -> str:
    found, times = page(), []
    for _ in range(RUNS):
        began = time.perf_counter()
        page()
        times.append(1_000 * (time.perf_counter() - began))
    return f"| {name} | {found} | {statistics.median(times):.1f} ms | {max(times):.1f} ms |"


if __name__ == "__main__":
    main()
