import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from unstrung.studio.errors import ConfigurationError
from unstrung.studio.storage import (
    CHUNK_BYTES,
    FileChanged,
    FileMissing,
    InvalidKey,
    Storage,
    StorageUnavailable,
)

BIG = os.urandom(1_000) * 5_000  # more than two blocks


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A folder, and a store that is none: it keeps types and has no folders."""
    return (
        Storage.open(str(tmp_path / "files"))
        if request.param == "folder"
        else Storage(MemoryStore())
    )


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("data", [b"", b"short", BIG])
def test_what_is_put_is_read_again(storage: Storage, data: bytes) -> None:
    storage.put("videos/a/1.mp4", data, "video/mp4")
    assert storage.read("videos/a/1.mp4") == data
    assert storage.head("videos/a/1.mp4").size == len(data)


def test_a_local_file_goes_in_and_comes_out(storage: Storage, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(BIG)
    storage.put("videos/a", source, "video/mp4")
    storage.fetch("videos/a", target)
    assert target.read_bytes() == BIG
    assert names(tmp_path)[-2:] == ["source", "target"]


def test_a_second_put_replaces_the_file_and_changes_its_tag(storage: Storage) -> None:
    storage.put("preview", b"one", "image/webp")
    first = storage.head("preview")
    storage.put("preview", b"two", "image/webp")
    assert storage.read("preview") == b"two"
    assert storage.head("preview").etag != first.etag


@given(st.data())
def test_a_stream_is_the_range_of_the_file_in_small_chunks(data: st.DataObject) -> None:
    storage = Storage(MemoryStore())
    content = BIG[: data.draw(st.sampled_from([0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, len(BIG)]))]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content) if start == len(content) else len(content) + 9))
    storage.put("a", content, "video/mp4")
    chunks = list(storage.stream("a", start, end))
    assert b"".join(chunks) == content[start:end]
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


def test_a_stream_crosses_blocks(storage: Storage) -> None:
    storage.put("a", BIG, "video/mp4")
    assert b"".join(storage.stream("a", 7, len(BIG) - 7)) == BIG[7:-7]


def test_a_stream_fails_before_its_first_byte(storage: Storage) -> None:
    with pytest.raises(FileMissing, match="nowhere does not exist"):
        storage.stream("nowhere", 0, 1)
    with pytest.raises(FileMissing):
        storage.stream("nowhere", 0, 0)
    with pytest.raises(ValueError, match="start <= end"):
        storage.stream("nowhere", 2, 1)


def test_a_stream_never_mixes_two_versions(storage: Storage) -> None:
    storage.put("a", BIG, "video/mp4")
    old = storage.head("a").etag
    chunks = storage.stream("a", 0, len(BIG))
    begun = next(chunks)
    storage.put("a", BIG[::-1], "video/mp4")
    with pytest.raises(FileChanged, match="replaced"):
        storage.stream("a", 0, 1, old)
    rest: list[bytes] = []
    with pytest.raises(FileChanged):
        rest.extend(chunks)
    assert BIG.startswith(b"".join([begun, *rest]))


def test_missing_files_are_told_by_their_key(storage: Storage, tmp_path: Path) -> None:
    for look in (storage.head, storage.read, lambda key: storage.fetch(key, tmp_path / "x")):
        with pytest.raises(FileMissing, match="videos/none"):
            look("videos/none")
    with pytest.raises(FileMissing, match="absent"):
        storage.put("a", tmp_path / "absent", "video/mp4")


def test_a_failed_fetch_leaves_the_target_alone(storage: Storage, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(FileMissing):
        storage.fetch("none", target)
    storage.put("a", b"new", "video/mp4")
    with pytest.raises(StorageUnavailable, match="cannot be copied"):
        storage.fetch("a", tmp_path / "no folder" / "target")
    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", ".hidden", "a b", "a\\b", "a\nb", "a#1", "%2e",
     "é", "a" * 513, "C:/a"],
)  # fmt: skip
def test_keys_that_could_lead_out_are_refused(storage: Storage, key: str) -> None:
    uses = (
        storage.head,
        storage.read,
        storage.delete_prefix,
        lambda name: storage.put(name, b"", "video/mp4"),
        lambda name: storage.stream(name, 0, 1),
    )
    for use in uses:
        with pytest.raises(InvalidKey, match="key must be"):
            use(key)


def test_a_prefix_goes_with_all_below_it_and_nothing_beside_it(storage: Storage) -> None:
    for key in ("v/1/a", "v/1/b/c", "v/10/a", "w"):
        storage.put(key, b"x", "video/mp4")
    storage.delete_prefix("v/1")
    storage.delete_prefix("v/1")
    assert storage.read("v/10/a") == storage.read("w") == b"x"
    for key in ("v/1/a", "v/1/b/c"):
        with pytest.raises(FileMissing):
            storage.head(key)


def test_a_single_file_goes_by_its_key(storage: Storage) -> None:
    storage.put("uploads/one", b"x", "video/mp4")
    storage.put("uploads/other", b"x", "video/mp4")
    storage.delete_prefix("uploads/one")
    assert storage.read("uploads/other") == b"x"
    with pytest.raises(FileMissing):
        storage.read("uploads/one")


def test_what_a_killed_process_left_goes_with_the_prefix(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    storage.put("v/1/a", b"x", "video/mp4")
    (tmp_path / "v" / "1" / "b#1").write_bytes(b"half")
    (tmp_path / "v" / "1" / "empty").mkdir()
    (tmp_path / "u").mkdir()
    (tmp_path / "u" / "c#1").write_bytes(b"half")
    storage.delete_prefix("v/1")
    storage.delete_prefix("u/c")
    assert names(tmp_path) == ["u", "v"]


def test_readers_see_whole_files_while_others_put(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    versions = [bytes([letter]) * 300_000 for letter in b"ab"]
    storage.put("a", versions[0], "video/mp4")

    def replace() -> None:
        for index in range(20):
            storage.put("a", versions[index % 2], "video/mp4")

    writer = threading.Thread(target=replace)
    writer.start()
    seen = [storage.read("a") for _ in range(40)]
    writer.join()
    assert all(each in versions for each in seen)


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_folder_is_made_by_path_or_address(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "new" / "files with spaces"
    address = form.format(str(folder).replace(" ", "%20") if "file" in form else folder)
    Storage.open(address).put("a", b"x", "video/mp4")
    assert (folder / "a").read_bytes() == b"x"


@pytest.mark.parametrize(
    "url", ["", "ftp://host/x", "https://host/x", "file://host/x", "s3://", "memory:///"]
)
def test_addresses_of_other_kinds_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="storage"):
        Storage.open(url)


def test_a_bucket_opens_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-south-1")
    Storage.open("s3://bucket/path")


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Storage]:
    """A folder that has become a file."""
    storage = Storage.open(str(tmp_path / "files"))
    (tmp_path / "files").rmdir()
    (tmp_path / "files").write_bytes(b"")
    return storage


def test_a_broken_store_is_told_in_one_sentence(broken: Storage) -> None:
    uses = (
        broken.check,
        lambda: broken.put("a", b"", "video/mp4"),
        lambda: broken.head("a"),
        lambda: broken.read("a"),
        lambda: broken.stream("a", 0, 1),
        lambda: broken.delete_prefix("a"),
    )
    for use in uses:
        with pytest.raises(StorageUnavailable, match="cannot be") as caught:
            use()
        assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="cannot be made"):
        Storage.open(str(tmp_path / "file" / "below"))


def test_a_check_leaves_nothing_behind(storage: Storage, tmp_path: Path) -> None:
    storage.check()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
