"""ZIP archives that are sent while they are being written."""

import zipfile
from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import Any

from unstrung.studio.storage import Storage, StorageError


class Sink(RawIOBase):
    """Takes what is written until it is fetched; ZipFile sees a pipe, in which it cannot go back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Hold what is written."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._held)
        self._held.clear()
        return taken


def zipped(storage: Storage, files: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """Stored files, as pairs of key and name, chunk by chunk; `missing.txt` lists what cannot be read."""
    sink, missing = Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as target:
        for key, name in files:
            try:
                stored = storage.head(key)
                chunks = storage.stream(key, 0, stored.size, stored.etag)
                with target.open(name, "w", force_zip64=True) as file:
                    for chunk in chunks:
                        file.write(chunk)
                        yield sink.take()
            except StorageError as error:
                missing.append(f"{name}: {error}")
        if missing:
            target.writestr("missing.txt", "\n".join(missing))
    yield sink.take()
