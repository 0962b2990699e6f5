"""The log published: entries that wait get their places, in a folder of static files that outsiders check.

One process at a time writes the folder (a lock of the database for all machines, one of the file system for
this machine). A crash between the folder and the database is mended at the next turn: the folder leads,
since what has been signed cannot be taken back.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from unstrung.studio.database import Database
from unstrung.studio.errors import ConfigurationError, ServiceFault, StudioError
from unstrung.studio.log import service as log
from unstrung.studio.log.models import LogEntry
from unstrung.transparency import receipts
from unstrung.transparency.errors import LogUnreadable, TransparencyError
from unstrung.transparency.files import write_whole
from unstrung.transparency.notes import Checkpoint, SignerKey, VerifierKey, parse_note, sign_note
from unstrung.transparency.tiles import CHECKPOINT, TileLog, TileView, read_folder

BATCH: Final = 4_096
_KEY_FILE: Final = "log-key"
_log = logging.getLogger(__name__)


class LogFolder:
    """The published log of a studio: a folder of tiles, and the key that signs its head."""

    def __init__(self, folder: Path, origin: str) -> None:
        """Open the folder; nothing is read or made before it is needed.

        Args:
            folder: of the tiles; beside it lies the secret key.
            origin: name of a log that begins now, such as the studio's address without https://; a log
                that exists keeps the name that its key has.
        """
        self.tiles = folder / "tiles"
        self._key_path = folder / _KEY_FILE
        self._origin = origin

    def key(self) -> SignerKey:
        """The signing key; made the first time.

        Raises:
            ConfigurationError: if it cannot be read or written.
        """
        try:
            if not self._key_path.exists():
                fresh = SignerKey.generate(self._origin).secret_text.encode()
                write_whole([(self._key_path, fresh)], mode=0o600)
            key = SignerKey.parse(self._key_path.read_text("utf-8"))
        except (OSError, TransparencyError) as error:
            raise ConfigurationError(f"The key of the log, {self._key_path}: {error}") from error
        return key

    @property
    def verifier(self) -> VerifierKey:
        """The key that outsiders check with."""
        return self.key().verifier

    def read(self, path: str) -> bytes:
        """A file of the log.

        Raises:
            LogUnreadable: if there is none.
        """
        return read_folder(self.tiles)(path)

    def publish(self, database: Database) -> int:
        """Give all entries that wait their places; return how many got one.

        Does nothing while another process is at it.

        Raises:
            ServiceFault: if the folder is not the one that this database's log is in.
        """
        published = 0
        with database.transaction() as session:
            if not log.may_publish(session) or not (
                log.waiting(session, 1) or log.num_published(session) == 0
            ):
                return 0
            with contextlib.ExitStack() as held:
                try:
                    tiles = held.enter_context(TileLog(self.tiles))
                except TransparencyError as error:
                    raise ServiceFault(f"The log cannot be published: {error}") from error
                noted = log.num_published(session)
                if tiles.size < noted:
                    raise ServiceFault(
                        f"The folder {self.tiles} holds {tiles.size} entries of the log and the database "
                        f"knows of {noted}; give it the folder that it was published in."
                    )
                # Entries that a crash left published and not noted.
                missed = [
                    receipts.Entry.parse(each).commitment for each in tiles.view().entries(noted)
                ]
                log.place(session, log.by_commitments(session, missed), noted)
                waiting = log.waiting(session, BATCH)
                if waiting or not tiles.size:
                    self._append(tiles, waiting)
                    log.place(session, waiting, tiles.size - len(waiting))
                published = len(waiting) + len(missed)
        return published

    def receipt(self, entry: LogEntry) -> str:
        """The receipt of an entry that has its place.

        Raises:
            ServiceFault: if the log's files cannot be read.
        """
        assert entry.position is not None, "only published entries have receipts"
        try:
            checkpoint = self.read(CHECKPOINT).decode()
            size = Checkpoint.parse(parse_note(checkpoint).text).size
            view = TileView(self.read, size)
            content = log.canonical(entry.content) if entry.content is not None else None
            return str(receipts.issue(view, entry.position, checkpoint, entry.salt, content))
        except (TransparencyError, LogUnreadable) as error:
            raise ServiceFault(f"The log cannot be read: {error}", retry_after_s=2) from error

    def _append(self, tiles: TileLog, entries: Sequence[LogEntry]) -> None:
        tiles.append([log.public_bytes(entry) for entry in entries])
        key = self.key()
        head = Checkpoint(key.name, tiles.size, tiles.root)
        tiles.publish(str(sign_note(str(head), key)))


async def keep_publishing(folder: LogFolder, database: Database, pause_s: float) -> None:
    """Publish what waits, again and again until cancelled; a fault is logged when it changes."""
    told = ""
    while True:
        turn = asyncio.create_task(asyncio.to_thread(folder.publish, database))
        try:
            await asyncio.shield(turn)
            told = ""
        except (StudioError, TransparencyError) as error:
            if str(error) != told:
                told = str(error)
                _log.warning("The transparency log is not published: %s", told)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and it holds a connection until it is through.
            await asyncio.wait([turn])
            raise
        await asyncio.sleep(pause_s)
