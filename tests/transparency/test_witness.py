"""A witness: signs a log that grows, refuses one that forks or shrinks, and keeps the evidence."""

import shutil
from pathlib import Path

import pytest

from transparency.builders import LOG_KEY, WITNESS_KEY, act, files_of, grow, with_change
from unstrung.transparency.errors import (
    BadSignature,
    HistoryRewritten,
    InvalidText,
    LogDamaged,
    LogUnreadable,
    NotWritten,
)
from unstrung.transparency.files import only_writer
from unstrung.transparency.notes import SignerKey, parse_note, verify_note
from unstrung.transparency.tiles import Reader, read_folder
from unstrung.transparency.witness import Witnessed, witness, witness_key

NOW_S = 1_785_000_000


def look(log: Path | Reader, state: Path, time_s: int = NOW_S) -> Witnessed:
    read = read_folder(log) if isinstance(log, Path) else log
    return witness(read, state, LOG_KEY.verifier, WITNESS_KEY, time_s)


def otherwise(number: int) -> bytes:
    return act(number + 1_000_000)


def evidence(state: Path) -> list[Path]:
    return list(state.glob("*.fork"))


def test_a_witness_follows_a_log_that_grows(tmp_path: Path) -> None:
    log, state, seen = tmp_path / "log", tmp_path / "state", None
    for start, end in ((0, 0), (0, 3), (3, 3), (3, 256), (256, 300), (300, 1000)):
        grow(log, start, end)
        found = look(log, state)
        assert (found.old_size, found.checkpoint.size) == (seen, end)
        keys = [LOG_KEY.verifier, WITNESS_KEY.verifier]
        assert [each.time_s for each in verify_note(found.note, keys)] == [None, NOW_S]
        seen = end


@pytest.mark.parametrize("new_size", [300, 301, 512, 900])
@pytest.mark.parametrize("old_size", [1, 255, 256, 300])
def test_a_fork_is_refused_and_both_heads_are_kept(
    tmp_path: Path, old_size: int, new_size: int
) -> None:
    grow(tmp_path / "log", 0, old_size)
    before = look(tmp_path / "log", tmp_path / "state")
    grow(tmp_path / "fork", 0, new_size, otherwise)
    with pytest.raises(HistoryRewritten, match=r"log log\.example\.org/acts must"):
        look(tmp_path / "fork", tmp_path / "state")
    (kept,) = evidence(tmp_path / "state")
    assert verify_note(parse_note(kept.read_text("utf-8")), [LOG_KEY.verifier])
    # The witness stands by what it has seen.
    again = look(tmp_path / "log", tmp_path / "state")
    assert again.checkpoint == before.checkpoint


def test_a_log_that_shrinks_is_refused(tmp_path: Path) -> None:
    grow(tmp_path / "log", 0, 100)
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    grow(tmp_path / "log", 100, 200)
    look(tmp_path / "log", tmp_path / "state")
    with pytest.raises(HistoryRewritten, match=r"size of log.* must be at least 200, got 100"):
        look(tmp_path / "old", tmp_path / "state")


def test_a_bad_copy_is_not_called_a_fork(tmp_path: Path) -> None:
    log, state = tmp_path / "log", tmp_path / "state"
    grow(log, 0, 200)
    look(log, state)
    grow(log, 200, 300)
    with pytest.raises(LogDamaged, match="try another copy"):
        look(with_change(read_folder(log), "tile/0/000", 5), state)
    shutil.move(log / "tile/0/000", tmp_path / "away")
    with pytest.raises(LogUnreadable):
        look(log, state)
    assert evidence(state) == []
    shutil.move(tmp_path / "away", log / "tile/0/000")
    assert look(log, state).old_size == 200


def test_strangers_and_other_logs_are_not_signed(tmp_path: Path) -> None:
    grow(tmp_path / "log", 0, 10)
    read = read_folder(tmp_path / "log")
    stranger = SignerKey(LOG_KEY.name, LOG_KEY.type, bytes(32)).verifier
    with pytest.raises(BadSignature):
        witness(read, tmp_path / "state", stranger, WITNESS_KEY, NOW_S)
    with pytest.raises(BadSignature):
        look(with_change(read, "checkpoint", 22), tmp_path / "state")
    with pytest.raises(InvalidText, match="checkpoint must be UTF-8"):
        look(lambda _: b"\xff", tmp_path / "state")
    assert set(files_of(tmp_path / "state")) == set()


def test_one_witness_runs_in_a_folder_and_remembers_before_it_signs(tmp_path: Path) -> None:
    grow(tmp_path / "log", 0, 10)
    with only_writer(tmp_path / "state"), pytest.raises(NotWritten, match="one process"):
        look(tmp_path / "log", tmp_path / "state")
    found = look(tmp_path / "log", tmp_path / "state")
    (kept,) = (tmp_path / "state").glob("*.checkpoint")
    assert kept.read_text("utf-8") == str(found.note)


def test_the_key_of_a_witness_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    with pytest.raises(InvalidText, match="name of the witness must be given the first time"):
        witness_key(tmp_path, None)
    key = witness_key(tmp_path, "example.org/w1")
    assert witness_key(tmp_path, None) == witness_key(tmp_path, "example.org/w1") == key
    assert (tmp_path / "witness.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidText, match=r"name of the witness must be example\.org/w1"):
        witness_key(tmp_path, "example.org/w2")
