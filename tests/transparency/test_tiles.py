"""Tiles: their paths, what a view reads of them, and a folder that survives the end of its writer."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transparency.builders import (
    LOG_KEY,
    ORIGIN,
    act,
    files_of,
    grow,
    publish,
    with_change,
)
from unstrung.transparency import merkle
from unstrung.transparency.audit import audit
from unstrung.transparency.errors import (
    InvalidText,
    LogDamaged,
    LogUnreadable,
    NotWritten,
    TransparencyError,
)
from unstrung.transparency.notes import Checkpoint, sign_note
from unstrung.transparency.tiles import (
    RightEdge,
    TileLog,
    TilePath,
    TileView,
    pack_entries,
    parse_path,
    read_address,
    read_folder,
    unpack_entries,
)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/x001/x234/067", TilePath(0, 1_234_067)),  # the example of C2SP tlog-tiles
        ("tile/0/000", TilePath(0, 0)),
        ("tile/63/x001/067", TilePath(63, 1067)),
        ("tile/entries/x001/000.p/1", TilePath(None, 1000, 1)),
        ("tile/2/999.p/255", TilePath(2, 999, 255)),
    ],
)
def test_paths_are_those_of_the_specification(path: str, tile: TilePath) -> None:
    assert str(tile) == path
    assert parse_path(path) == tile


@given(st.none() | st.integers(0, 63), st.integers(0, 1 << 55), st.integers(1, 256))
def test_every_tile_has_one_path(level: int | None, index: int, width: int) -> None:
    tile = TilePath(level, index, width)
    assert parse_path(str(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000",
        "tile/00/000",
        "tile/0/00",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000.p/01",
        "tile/data/000",
        "../tile/0/000",
        "tile/0/000\n",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(InvalidText, match="path must be like tile/0/x001/067"):
        parse_path(path)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    edge, full = RightEdge(), {0: 0, 1: 0, 2: 0}
    for number in range(70_000):
        for tile, _ in edge.add(merkle.leaf_hash(number.to_bytes(4, "big"))):
            assert tile.level is not None
            full[tile.level] += 1
    assert full == {0: 273, 1: 1, 2: 0}
    assert [(tile.level, tile.width) for tile, _ in edge.unfinished()] == [
        (0, 112),
        (1, 17),
        (2, 1),
    ]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_give_back_their_entries_and_cut_ones_are_refused(entries: list[bytes]) -> None:
    bundle = pack_entries(entries)
    assert unpack_entries(bundle, "x") == entries
    if bundle:
        with pytest.raises(LogUnreadable, match="end at the end of an entry"):
            unpack_entries(bundle + b"\x00", "x")


@settings(max_examples=12)  # each waits for the disk some twenty times
@given(st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_batches_of_any_size_make_the_same_log(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int]
) -> None:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with TileLog(one) as log:
        for batch in batches:
            log.append([act(log.size + place) for place in range(batch)])
            publish(log)
    grow(other, 0, sum(batches))
    view, size = TileView(read_folder(one), sum(batches)), sum(batches)
    assert view.root() == TileView(read_folder(other), size).root()
    assert list(view.entries()) == [act(number) for number in range(size)]
    assert audit(read_folder(one), LOG_KEY.verifier).checkpoint.size == size


def test_every_entry_of_a_log_of_many_tiles_is_proved(tmp_path: Path) -> None:
    size = 66_000  # tiles of three levels
    with TileLog(tmp_path) as log:
        log.append([number.to_bytes(3, "big") for number in range(size)])
        publish(log)
        view, root = log.view(), log.root
    for index in (0, 1, 255, 256, 257, 65_535, 65_536, 65_999):
        assert view.entry(index) == index.to_bytes(3, "big")
        proof = view.inclusion_proof(index)
        merkle.verify_inclusion(proof, index, size, view.leaf(index), root)
    for old in (1, 255, 256, 257, 512, 65_535, 65_536, 65_537):
        merkle.verify_consistency(view.consistency_proof(old), old, size, view.root(old), root)


def test_a_proof_reads_a_handful_of_tiles(tmp_path: Path) -> None:
    with TileLog(tmp_path) as log:
        log.append([number.to_bytes(3, "big") for number in range(66_000)])
    read: list[str] = []

    def counting(path: str) -> bytes:
        read.append(path)
        return read_folder(tmp_path)(path)

    view = TileView(counting, 66_000)
    view.inclusion_proof(12_345)
    assert len(read) <= 6
    view.consistency_proof(12_345)
    assert len(read) <= 12
    assert not any("entries" in path for path in read)


def test_an_old_size_is_read_from_the_tiles_that_replaced_its_own(tmp_path: Path) -> None:
    grow(tmp_path, 0, 100)
    old_root = TileView(read_folder(tmp_path), 100).root()
    grow(tmp_path, 100, 300)
    assert not (tmp_path / "tile/0/000.p").exists()
    view = TileView(read_folder(tmp_path), 100)
    assert view.root() == old_root
    assert view.entry(99) == act(99)
    assert len(list(view.entries(40))) == 60


def test_full_tiles_are_never_written_again(tmp_path: Path) -> None:
    grow(tmp_path, 0, 600)
    full = [
        path for path in (tmp_path / "tile").rglob("*") if path.is_file() and ".p/" not in f"{path}"
    ]
    before = {path: path.stat().st_ino for path in full}
    assert len(before) == 4  # two of hashes, two of entries
    grow(tmp_path, 600, 1400)
    assert {path: path.stat().st_ino for path in full} == before


def test_what_was_not_published_did_not_happen(tmp_path: Path) -> None:
    grow(tmp_path, 0, 200)
    with TileLog(tmp_path) as log:
        log.append([b"lost"] * 400)
        assert (log.size, log.published_size) == (600, 200)
    with TileLog(tmp_path) as log:
        assert (log.size, log.published_size) == (200, 200)
    assert not (tmp_path / "tile/0/000").exists()
    grow(tmp_path, 200, 700)
    assert audit(read_folder(tmp_path)).checkpoint.size == 700


@pytest.mark.parametrize("lost", range(1, 9))
def test_a_crash_between_any_two_files_costs_nothing(tmp_path: Path, lost: int) -> None:
    """Some files of a batch arrived, others and the checkpoint did not, and half a file lies about."""
    grow(tmp_path / "log", 0, 200)
    whole = tmp_path / "whole"
    grow(whole, 0, 200)
    before = set(files_of(whole))
    grow(whole, 200, 1000)
    new = sorted(set(files_of(whole)) - before)
    assert len(new) > lost
    for path in new[:lost]:
        target = tmp_path / "log" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((whole / path).read_bytes())
    (tmp_path / "log/tile/0/.000.12345678.tmp").write_bytes(b"half")
    with TileLog(tmp_path / "log") as log:
        assert log.size == 200
        assert not list((tmp_path / "log").rglob("*.tmp"))
        log.append([act(-number) for number in range(500)])  # another batch than the lost one
        publish(log)
    assert audit(read_folder(tmp_path / "log"), LOG_KEY.verifier).checkpoint.size == 700


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    grow(tmp_path, 0, 10)
    with TileLog(tmp_path) as log:
        blocked = tmp_path / "tile/0/000.p/12"
        blocked.mkdir()  # a folder where a file should go: the rename fails
        with pytest.raises(NotWritten, match="must be writable"):
            log.append([act(10), act(11)])
        assert log.size == 10
        blocked.rmdir()
        assert log.append([act(10), act(11)]) == 10
        publish(log)
    assert audit(read_folder(tmp_path)).checkpoint.size == 12


def test_a_copy_without_partial_tiles_gets_them_back(tmp_path: Path) -> None:
    grow(tmp_path, 0, 300)
    part = tmp_path / "tile/0/001.p/44"
    content = part.read_bytes()
    part.rename(tmp_path / "tile/0/001")
    with TileLog(tmp_path) as log:
        assert log.size == 300
    assert part.read_bytes() == content


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with TileLog(tmp_path), pytest.raises(NotWritten, match="one process at a time"):
        TileLog(tmp_path)
    TileLog(tmp_path).close()


def test_a_foreign_checkpoint_and_too_long_an_entry_are_refused(tmp_path: Path) -> None:
    with TileLog(tmp_path) as log:
        with pytest.raises(InvalidText, match="entry 1 of the batch must have at most 65,535"):
            log.append([b"", b"x" * 65_536])
        assert log.append([b"x" * 65_535]) == 0
        wrong = str(sign_note(str(Checkpoint(ORIGIN, 1, merkle.EMPTY_ROOT)), LOG_KEY))
        with pytest.raises(InvalidText, match="checkpoint must be of size 1"):
            log.publish(wrong)
        assert not (tmp_path / "checkpoint").exists()


@settings(max_examples=20)
@given(st.integers(0), st.integers(0))
def test_a_writer_refuses_a_log_whose_end_was_changed(
    tmp_path_factory: pytest.TempPathFactory, which: int, place: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    grow(folder, 0, 300)
    path = ("tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44")[which % 3]
    content = bytearray((folder / path).read_bytes())
    content[place % len(content)] ^= 1
    (folder / path).write_bytes(content)
    with pytest.raises((LogDamaged, LogUnreadable)):
        TileLog(folder)


@given(st.integers(0), st.integers(0))
def test_an_audit_finds_any_flipped_bit(
    tmp_path_factory: pytest.TempPathFactory, which: int, place: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "audited"
    if not folder.exists():
        grow(folder, 0, 300)
    files = files_of(folder)
    path = sorted(files)[which % len(files)]
    changed = with_change(read_folder(folder), path, place % len(files[path]))
    with pytest.raises(TransparencyError):
        audit(changed, LOG_KEY.verifier)


def test_missing_and_cut_files_are_named(tmp_path: Path) -> None:
    grow(tmp_path, 0, 300)
    view = TileView(read_folder(tmp_path), 300)
    os.truncate(tmp_path / "tile/0/000", 8000)
    with pytest.raises(LogUnreadable, match=r"tile/0/000 must have 8,192 bytes, got 8,000 bytes"):
        view.leaf(3)
    (tmp_path / "tile/entries/001.p/44").unlink()
    with pytest.raises(LogUnreadable, match=r"001\.p/44 must be a file of the log"):
        view.entry(299)
    with pytest.raises(InvalidText, match="index must be at least 0 and below the size 300"):
        view.entry(300)


def test_an_address_is_read_with_what_was_passed_in() -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return b"x"

    for prefix in ("https://log.example.org/acts", "https://log.example.org/acts/"):
        assert read_address(prefix, fetch)("checkpoint") == b"x"
    assert asked == ["https://log.example.org/acts/checkpoint"] * 2
    with pytest.raises(InvalidText, match="begin with https://"):
        read_address("http://log.example.org", fetch)
