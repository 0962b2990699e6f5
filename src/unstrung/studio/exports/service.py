"""Rules of export and erasure: what is somebody's is found in the tables themselves, so nothing is forgotten.

A table is somebody's if it has a column `person_id`. Its rows go into the export, unless it is excepted here
with a reason, and are deleted with the person, unless it is kept here with a reason. Clips are streamed one
chunk at a time into the archive; no transaction is open meanwhile, however slow the reader is.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Table, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission.models import Cohort, Seat
from unstrung.studio.applications.models import Application
from unstrung.studio.charters.models import CharterAcceptance, CharterText
from unstrung.studio.confidences import service as confidences
from unstrung.studio.database import Database, now
from unstrung.studio.errors import InvalidField
from unstrung.studio.jobs import JobQueue
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.pauses.models import Level, Pause
from unstrung.studio.queue import service as queue
from unstrung.studio.storage import Storage, StorageError
from unstrung.studio.tables import metadata
from unstrung.studio.videos.models import OPEN, Character, Video
from unstrung.studio.zips import Sink

OWNER: Final = "person_id"
# Tables with somebody's rows that an export leaves out, each with its reason; empty is the goal.
NOT_EXPORTED: Final[Mapping[str, str]] = {}
# Columns that an export leaves out. Others named for secrets, or naming other people, are left out too.
HIDDEN_COLUMNS: Final[Mapping[str, str]] = {
    "keys.digest": "a key is recognised by it",
}
# Tables whose rows outlive their person; the reason is told to whoever has everything erased.
KEPT: Final[Mapping[str, str]] = {
    "log_entries": "The log must stay verifiable. Each is a code without content, salt or person.",
    "statements": "Decisions stay countable in the public export. It names nobody, but may quote what was "
    "refused.",
    "appeals": "How many decisions were overturned stays countable. Your words are gone from them.",
    "shares": "How long reviews took stays countable. Clip, note and quoted words are gone from them.",
}
# What is overwritten in rows that are kept.
REDACTED: Final[Mapping[str, Mapping[str, Any]]] = {
    "appeals": {"text": "(erased)"},
    "shares": {"note": None, "held": []},
}
# Columns that hold storage keys of somebody's files; a test asks for new ones.
FILE_COLUMNS: Final = frozenset(
    {
        "videos.files", "videos.reference_file", "videos.source_file", "videos.second_file",
        "characters.file",
    }
)  # fmt: skip
_SECRET_WORDS: Final = ("secret", "password", "token", "_digest")
_OTHERS: Final = "_by"
_BATCH: Final = 100
_NAMELESS: Final = "erased"
_PAUSE_KINDS: Final = (EntryKind.PAUSE_PROPOSED, EntryKind.PAUSED, EntryKind.RESUMED)
_SUFFIXES: Final = ((b"\x89PNG", 0, "png"), (b"\xff\xd8", 0, "jpg"), (b"WEBP", 8, "webp"))
_README: Final = """\
This archive holds everything that the studio has of yours, as of {moment}.

videos/ID.mp4            your finished clips, as they were delivered
videos/ID.recipe.json    how each was made: prompt, seed, model, consents at that moment
videos/ID.reference.*    pictures or clips that you sent to begin from
videos/ID.source.mp4     clips that you sent to be edited or extended
characters/ID.mp4        clips that your characters were cut from
charter/                 the versions of the charter that you accepted, word for word
person.json              you: id, name, role
pauses.json              pauses that stopped you, alone or with others
cohorts.json             cohorts that you sat or sit in
confidences.json         items that you were asked to keep confidential and answered
*.json                   all other records, one file for each kind: {tables}

Every .json file is a list of records, in UTF-8; times are ISO 8601 with their zone, bytes are hexadecimal.
log_entries.json holds the content and the salt of your acts: with them anybody can check the public log.
Thumbnails and sheets of frames are left out, as they can be made again from the clips. So are keys and
secrets, of which the studio keeps only what recognises them, and the names of those who decided something.
{missing}"""
_MISSING: Final = (
    "\nFiles that could not be read while this archive was made are listed in missing.json.\n"
)


@dataclass(frozen=True)
class Left:
    """Rows that stay after erasure.

    Attributes:
        what: table, or table and column.
        count: rows.
        why: in a sentence for the person.
    """

    what: str
    count: int
    why: str


@dataclass
class Erasure:
    """What an erasure did.

    Attributes:
        person_id: whose.
        deleted: table to rows.
        remains: what stays.
        files: storage prefixes that are to be removed, once more, when the transaction is through.
    """

    person_id: str
    deleted: dict[str, int] = field(default_factory=dict)
    remains: list[Left] = field(default_factory=list)
    files: tuple[str, ...] = ()


def personal_tables() -> list[Table]:
    """Tables whose rows are somebody's, those that others refer to first."""
    return [table for table in metadata.sorted_tables if OWNER in table.columns]


def parts_of_personal_tables() -> list[tuple[Table, Column[Any], Table]]:
    """Tables that belong to rows of personal ones and go with them: table, column, whose part it is."""
    personal = {table.name for table in personal_tables()}
    return [
        (table, key.parent, key.column.table)
        for table in metadata.sorted_tables
        if table.name not in personal
        for key in sorted(table.foreign_keys, key=lambda each: each.parent.name)
        if key.column.table.name in personal and key.ondelete == "CASCADE"
    ]


def exported_columns(table: Table) -> list[Column[Any]]:
    """Columns that an export holds: none with secrets, none that names other people."""
    return [
        column
        for column in table.columns
        if f"{table.name}.{column.name}" not in HIDDEN_COLUMNS
        and not any(word in column.name for word in _SECRET_WORDS)
        and not _names_others(column)
    ]


def deleted_tables() -> list[Table]:
    """Tables whose rows go with their person, those that refer to others first."""
    found = [table for table in personal_tables() if table.name not in KEPT]
    return [table for table in reversed(found) if _owner_rule(table) == "CASCADE"]


def archive(database: Database, storage: Storage, caller: Caller) -> Iterator[bytes]:
    """Everything of the caller's as a ZIP archive, chunk by chunk; a pause does not stop it.

    Args:
        database: asked in short transactions.
        storage: where clips are.
        caller: whose things are wanted.

    Raises:
        Forbidden: if the key may not read.
    """
    caller.must_have(Scope.READ)
    return _archive(database, storage, caller.person_id)


def files_to_erase(session: Session, caller: Caller, confirm: str) -> tuple[str, ...]:
    """Storage prefixes of everything of the caller's, which are removed before the rows.

    In this order an erasure that is interrupted can be asked for again, and no file is ever left behind
    without a row that says whose it is.

    Raises:
        Forbidden: if the key may only read.
        InvalidField: if the confirmation is not the caller's id.
    """
    _must_be_meant(caller, confirm)
    return _files(session, caller.person_id)


def erase(session: Session, jobs: JobQueue, caller: Caller, confirm: str) -> Erasure:
    """Delete everything of the caller's; what others rely on stays without a name and is listed.

    The person's row stays as a number without a name, since statements refer to it: without anybody to
    refer to they would concern everybody.

    Args:
        session: of the transaction.
        jobs: where videos wait that are to be cancelled.
        caller: who asks, for themselves.
        confirm: the caller's own id.

    Raises:
        Forbidden: if the key may only read.
        InvalidField: if the confirmation is not the caller's id.
    """
    _must_be_meant(caller, confirm)
    # Whoever begins a video locks the same row, so nothing is added meanwhile.
    person = session.get_one(Person, caller.person_id, with_for_update=True)
    done = Erasure(person.id, files=_files(session, person.id))
    _cancel_open(session, jobs, person.id)
    num_pauses = _forget_pauses(session, person.id)
    # First, while it can be told by their applications what people wrote before they had an account.
    for name, values in REDACTED.items():
        kept = metadata.tables[name]
        session.execute(update(kept).where(_own(kept, person.id)).values(values))
    for table in deleted_tables():
        found = session.execute(delete(table).where(table.c[OWNER] == person.id))
        done.deleted[table.name] = found.rowcount  # type: ignore[attr-defined]
    for table in personal_tables():
        if table.name not in done.deleted:
            why = KEPT.get(table.name, "Others rely on it; it refers to a number without a name.")
            done.remains.append(Left(table.name, _count(session, table, OWNER, person.id), why))
    done.remains.append(Left("pauses", num_pauses, "The public record of pauses; it names nobody."))
    done.remains += _acts_of_office(session, person.id)
    num_entries = next(each.count for each in done.remains if each.what == "log_entries")
    log.erase(session, person.id)
    log.record(session, EntryKind.ERASED, {"num_entries": num_entries})
    person.name, person.role, person.weight, person.num_videos = _NAMELESS, Role.MEMBER, 1.0, 0
    why = "A number without a name, so that what remains does not seem to concern everybody."
    done.remains.append(Left("persons", 1, why))
    done.remains = [each for each in done.remains if each.count]
    return done


# How an archive is written.


def _archive(database: Database, storage: Storage, person_id: str) -> Iterator[bytes]:
    sink = Sink()
    missing: list[dict[str, str]] = []
    moment = now()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        with database.transaction() as session:
            _write_records(session, target, person_id, moment)
        yield sink.take()
        for when, key, name, recipe in _own_files(database, person_id):
            if recipe is not None:
                _write_json(target, name.replace(".mp4", ".recipe.json"), recipe, when)
            try:
                yield from _copied(storage, key, target, name, when, sink)
            except StorageError as error:
                missing.append({"file": name, "why": str(error)})
        if missing:
            _write_json(target, "missing.json", missing, moment)
        names = sorted(table.name for table in personal_tables() if table.name not in NOT_EXPORTED)
        told = _README.format(
            moment=moment.isoformat(timespec="seconds"), tables=", ".join(names),
            missing=_MISSING if missing else "",
        )  # fmt: skip
        target.writestr(_entry("README.txt", moment), told)
    yield sink.take()


def _write_records(
    session: Session, target: zipfile.ZipFile, person_id: str, moment: datetime
) -> None:
    """Every record of a person's, one file for each kind."""
    persons = Person.__table__
    assert isinstance(persons, Table)
    queries = [("person", select(persons).where(persons.c.id == person_id))]
    for table in personal_tables():
        if table.name not in NOT_EXPORTED:
            own = select(*exported_columns(table)).where(_own(table, person_id))
            queries.append((table.name, own))
    for table, column, parent in parts_of_personal_tables():
        mine = select(parent.primary_key.columns[0]).where(parent.c[OWNER] == person_id)
        queries.append((table.name, select(*exported_columns(table)).where(column.in_(mine))))
    queries.append(("pauses", _pauses(person_id)))
    queries.append(("confidences", confidences.answered_by(person_id)))
    sat_in = select(Seat.cohort_id).where(Seat.person_id == person_id)
    queries.append(("cohorts", select(Cohort.__table__).where(Cohort.id.in_(sat_in))))
    for name, query in queries:
        rows = session.execute(query.execution_options(yield_per=_BATCH)).mappings()
        with target.open(_entry(f"{name}.json", moment), "w", force_zip64=True) as file:
            file.write(b"[")
            for number, row in enumerate(rows):
                file.write(b",\n" if number else b"\n")
                file.write(_json(dict(row)))
            file.write(b"\n]\n")
    accepted = and_(
        CharterAcceptance.version == CharterText.version,
        CharterAcceptance.language == CharterText.language,
    )
    read = select(CharterText).join(CharterAcceptance, accepted)
    for text in session.scalars(read.where(CharterAcceptance.person_id == person_id)):
        name = f"charter/{text.version}.{text.language}.md"
        target.writestr(_entry(name, moment), text.source)


def _pauses(person_id: str) -> Select[Any]:
    """Pauses that stopped a person: alone, by a key, with a cohort while they sat in it, with everybody."""
    keys = select(Key.id).where(Key.person_id == person_id)
    sat_then = select(Seat.id).where(
        Seat.person_id == person_id,
        Seat.cohort_id == Pause.target_id,
        Seat.taken_at < func.coalesce(Pause.ended_at, Pause.expires_at),
        or_(Seat.left_at.is_(None), Seat.left_at > Pause.begun_at),
    )
    concerned = or_(
        Pause.level == Level.EVERYBODY,
        and_(Pause.level == Level.PERSON, Pause.target_id == person_id),
        and_(Pause.level == Level.KEY, Pause.target_id.in_(keys)),
        and_(Pause.level == Level.COHORT, sat_then.exists()),
    )
    pauses = Pause.__table__
    assert isinstance(pauses, Table)
    return select(*exported_columns(pauses)).where(Pause.begun_at.is_not(None), concerned)


def _own_files(
    database: Database, person_id: str
) -> Iterator[tuple[datetime, str, str, dict[str, Any] | None]]:
    """Files of a person's: when, storage key, name in the archive, recipe of a finished clip."""
    for video in _in_batches(database, Video, person_id):
        if video.files:
            yield video.created_at, video.files["video"], f"videos/{video.id}.mp4", video.recipe
        if video.reference_file:
            yield video.created_at, video.reference_file, f"videos/{video.id}.reference", None
        if video.source_file and video.source_video_id is None:
            yield video.created_at, video.source_file, f"videos/{video.id}.source.mp4", None
        if video.second_file and video.second_video_id is None:
            yield video.created_at, video.second_file, f"videos/{video.id}.second.mp4", None
    for each in _in_batches(database, Character, person_id):
        yield each.created_at, each.file, f"characters/{each.id}.mp4", None


def _in_batches(database: Database, kind: Any, person_id: str) -> Iterator[Any]:
    after = ""
    while True:
        query = select(kind).where(kind.person_id == person_id, kind.id > after)
        with database.transaction() as session:
            rows = session.scalars(query.order_by(kind.id).limit(_BATCH)).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _copied(
    storage: Storage, key: str, target: zipfile.ZipFile, name: str, when: datetime, sink: Sink
) -> Iterator[bytes]:
    """Write a stored file into the archive as it is, and hand on what is ready."""
    stored = storage.head(key)
    chunks = storage.stream(key, 0, stored.size, stored.etag)
    first = next(chunks, b"")
    if name.endswith(".reference"):
        found = (end for mark, at, end in _SUFFIXES if first[at : at + len(mark)] == mark)
        name = f"{name}.{next(found, 'mp4')}"
    entry = _entry(name, when)
    # Clips are compressed already.
    entry.compress_type, entry.file_size = zipfile.ZIP_STORED, stored.size
    with target.open(entry, "w") as file:
        file.write(first)
        yield sink.take()
        for chunk in chunks:
            file.write(chunk)
            yield sink.take()


def _write_json(target: zipfile.ZipFile, name: str, content: Any, when: datetime) -> None:
    target.writestr(_entry(name, when), _json(content))


def _entry(name: str, when: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, when.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _json(content: Any) -> bytes:
    return json.dumps(content, default=_plain, ensure_ascii=False).encode()


def _plain(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, date) else str(value)


# How a person is forgotten.


def _must_be_meant(caller: Caller, confirm: str) -> None:
    caller.must_have(Scope.GENERATE)
    if confirm != caller.person_id:
        raise InvalidField(
            f"confirm must be your own id, {caller.person_id}, as nothing brings back what is erased; "
            f"got {confirm!r}",
            "confirm",
        )


def _files(session: Session, person_id: str) -> tuple[str, ...]:
    """Storage prefixes of a person's videos, uploads and characters."""
    query = select(
        Video.id, Video.reference_file, Video.source_file, Video.source_video_id,
        Video.second_file, Video.second_video_id,
    )  # fmt: skip
    found: list[str | None] = []
    for row in session.execute(query.where(Video.person_id == person_id)):
        found += [f"videos/{row.id}", row.reference_file]
        found.append(row.source_file if row.source_video_id is None else None)
        found.append(row.second_file if row.second_video_id is None else None)
    found += session.scalars(select(Character.file).where(Character.person_id == person_id))
    return tuple(key for key in found if key)


def _cancel_open(session: Session, jobs: JobQueue, person_id: str) -> None:
    """Stop what is being made; its worker finds the row gone and drops what it has."""
    query = select(Video.id, Video.job_id).where(Video.person_id == person_id)
    for video_id, job_id in session.execute(query.where(Video.status.in_(OPEN))).all():
        if job_id is not None:
            jobs.cancel(session, job_id)
        queue.tell(session, video_id)


def _forget_pauses(session: Session, person_id: str) -> int:
    """End pauses of a person or a key that will be nobody's, and forget whom they stopped."""
    keys = session.scalars(select(Key.id).where(Key.person_id == person_id)).all()
    targets: Sequence[str] = [person_id, *keys]
    aimed = and_(Pause.level.in_((Level.PERSON, Level.KEY)), Pause.target_id.in_(targets))
    rows = session.scalars(select(Pause).where(aimed).with_for_update()).all()
    for pause in rows:
        if pause.ended_at is None:
            pause.ended_at = now()
            pause.end_reason = "Whom it stopped had everything erased."
            log.record(session, EntryKind.RESUMED, {"id": pause.id, "reason": pause.end_reason})
        pause.target_id = _NAMELESS
    session.execute(
        update(LogEntry)
        .where(LogEntry.kind.in_(_PAUSE_KINDS), LogEntry.content["target_id"].astext.in_(targets))
        .values(content=None, salt=None, person_id=None)
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def _acts_of_office(session: Session, person_id: str) -> list[Left]:
    """What a person did for the programme, which stays with a number without a name."""
    why = "What you did for the programme; it refers to a number without a name."
    return [
        Left(f"{table.name}.{column.name}", _count(session, table, column.name, person_id), why)
        for table in metadata.sorted_tables
        for column in table.columns
        if _names_others(column)
    ]


def _count(session: Session, table: Table, column: str, person_id: str) -> int:
    mine = table.c[column] == person_id
    return session.scalar(select(func.count()).select_from(table).where(mine)) or 0


def _names_others(column: Column[Any]) -> bool:
    """Whether a column says who else acted: a person, by whatever name, but not the owner."""
    persons = any(key.column.table.name == "persons" for key in column.foreign_keys)
    return column.name != OWNER and (persons or column.name.endswith(_OTHERS))


def _own(table: Table, person_id: str) -> ColumnElement[bool]:
    """What is somebody's in a table; acts of an applicant who came in later are the person's."""
    own = table.c[OWNER] == person_id
    if "application_id" not in table.columns:
        return own
    applied = select(Application.id).where(Application.person_id == person_id)
    return or_(own, table.c.application_id.in_(applied))


def _owner_rule(table: Table) -> str | None:
    """What happens to a table's rows when their person is deleted, as the table says."""
    return next((key.ondelete for key in table.c[OWNER].foreign_keys), None)
