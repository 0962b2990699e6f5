"""The log as an outsider follows it: signed, whole, and never rewritten."""

from sqlalchemy import select

from studio.sharing import Stage
from unstrung.studio.log import service as log
from unstrung.studio.log.models import LogEntry
from unstrung.studio.publishing import LogFolder
from unstrung.transparency.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from unstrung.transparency.notes import Checkpoint, parse_note, verify_note
from unstrung.transparency.receipts import commitment_of
from unstrung.transparency.tiles import TileView

__all__ = ["EMPTY_ROOT", "checked_growth"]


def checked_growth(stage: Stage, known: tuple[int, bytes]) -> tuple[int, bytes]:
    """Publish what waits and check all that is new against the head that was known; return the new head.

    Args:
        stage: whose log.
        known: size and root of the head before.
    """
    folder: LogFolder = stage.client.app.state.studio.log  # type: ignore[attr-defined]
    entries = _published(stage, folder, known[0])
    note = parse_note(folder.read("checkpoint").decode())
    assert verify_note(note, [folder.verifier])
    head = Checkpoint.parse(note.text)
    view = TileView(folder.read, head.size)
    proof = view.consistency_proof(known[0])
    verify_consistency(proof, known[0], head.size, known[1], head.root)
    assert [each.position for each in entries] == list(range(known[0], head.size))
    for place, entry in enumerate(entries, known[0]):
        assert entry.content is not None
        assert entry.salt is not None
        assert entry.commitment == commitment_of(log.canonical(entry.content), entry.salt)
        leaf = leaf_hash(log.public_bytes(entry))
        verify_inclusion(view.inclusion_proof(place), place, head.size, leaf, head.root)
    return head.size, head.root


def _published(stage: Stage, folder: LogFolder, first: int) -> list[LogEntry]:
    """All entries from a place on, once nothing waits; the API publishes by itself, too."""
    while True:
        folder.publish(stage.database)
        with stage.database.transaction() as session:
            if not log.waiting(session, 1):
                query = select(LogEntry).where(LogEntry.position >= first)
                return list(session.scalars(query.order_by(LogEntry.position)))
