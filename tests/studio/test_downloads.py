import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from unstrung.studio.downloads import (
    ByteRange,
    LinkFault,
    LinkRefused,
    LinkSigner,
    RangeNotSatisfiable,
    download,
    requested_range,
)
from unstrung.studio.storage import FileMissing, Storage, StoredFile

CONTENT = bytes(range(256)) * 4
KEY = "videos/video_1/1/video.mp4"
PATH, VIEWER, EXPIRES = "/v1/files/video_1/video", "person_1", 1_900_000_000


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    opened = Storage.open(str(tmp_path))
    opened.put(KEY, CONTENT, "video/mp4")
    return opened


@pytest.fixture
def client(storage: Storage) -> Iterator[TestClient]:
    app = FastAPI()

    @app.api_route("/file", methods=["GET", "HEAD"])
    def file(request: Request) -> Response:
        return download(storage, KEY, "video/mp4", "a.mp4", request.headers, request.method)

    with TestClient(app) as opened:
        yield opened


def test_a_whole_file_says_what_it_is(client: TestClient) -> None:
    answer = client.get("/file")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert answer.headers["content-disposition"] == 'inline; filename="a.mp4"'
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["etag"])


def test_head_gives_the_headers_of_the_whole_file_and_no_body(client: TestClient) -> None:
    answer = client.head("/file", headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert dict(answer.headers) == dict(client.get("/file").headers)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-1023", 0, 1024),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, 1024),
        ("bytes=1000-99999999999999999999", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-5000", 0, 1024),
        ("Bytes=1-1", 1, 2),
    ],
)
def test_one_range_is_answered_with_its_bytes(
    client: TestClient, wanted: str, start: int, end: int
) -> None:
    answer = client.get("/file", headers={"range": wanted})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1024"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == client.get("/file").headers["etag"]


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_the_file_is_416_with_its_size(client: TestClient, wanted: str) -> None:
    answer = client.get("/file", headers={"range": wanted})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */1024"
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize(
    "wanted",
    ["bytes=0-1,5-6", "bytes=0-1,", "bytes=9-3", "bytes=-", "bytes=", "bytes=a-b", "bytes=1", "items=0-1",
     "0-1", "bytes=" + "9" * 50 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_gets_the_whole_file(client: TestClient, wanted: str) -> None:
    answer = client.get("/file", headers={"range": wanted})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "content-range" not in answer.headers


def test_a_client_that_has_the_file_is_told_so(client: TestClient) -> None:
    tag = client.get("/file").headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for ask in (client.get, client.head):
            answer = ask("/file", headers={"if-none-match": known, "range": "bytes=0-1"})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
    assert client.get("/file", headers={"if-none-match": '"other"'}).status_code == 200


def test_a_range_of_another_version_gets_the_whole_file(
    client: TestClient, storage: Storage
) -> None:
    tag = client.get("/file").headers["etag"]
    asked = {"range": "bytes=0-1", "if-range": tag}
    assert client.get("/file", headers=asked).status_code == 206
    storage.put(KEY, CONTENT[::-1], "video/mp4")
    answer = client.get("/file", headers=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT[::-1])
    assert answer.headers["etag"] != tag
    for weak in (f"W/{answer.headers['etag']}", "Wed, 25 Nov 2026 18:00:00 GMT"):
        assert client.get("/file", headers={**asked, "if-range": weak}).status_code == 200


def test_an_empty_file_is_whole_whatever_is_asked(client: TestClient, storage: Storage) -> None:
    storage.put(KEY, b"", "video/mp4")
    for wanted in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        answer = client.get("/file", headers={"range": wanted})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == "0"


def test_a_large_file_arrives_whole(client: TestClient, storage: Storage) -> None:
    content = CONTENT * 5_000
    storage.put(KEY, content, "video/mp4")
    assert client.get("/file").content == content
    asked = {"range": "bytes=1000000-4000000"}
    assert client.get("/file", headers=asked).content == content[1_000_000:4_000_001]


def test_a_missing_file_is_known_before_the_answer_begins(storage: Storage) -> None:
    with pytest.raises(FileMissing):
        download(storage, "videos/none", "video/mp4", "a.mp4", {}, "GET")


class Flickering(Storage):
    """Replaces a file each time after it was looked at, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(MemoryStore())
        self.times = times

    def head(self, key: str) -> StoredFile:
        found = super().head(key)
        if self.times:
            self.times -= 1
            self.put(key, b"n" * self.times, "image/webp")
        return found


def test_a_file_replaced_at_the_wrong_moment_is_looked_at_again() -> None:
    storage = Flickering(2)
    storage.put("preview", b"first", "image/webp")
    answer = download(storage, "preview", "image/webp", "p.webp", {}, "GET", max_age_s=0)
    assert answer.headers["content-length"] == "0"
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            'a";\r\nx: y.mp4',
            "inline; filename=\"a____x_ y.mp4\"; filename*=UTF-8''a%22%3B%0D%0Ax%3A%20y.mp4",
        ),
        ("fée.mp4", "inline; filename=\"f_e.mp4\"; filename*=UTF-8''f%C3%A9e.mp4"),
    ],
)
def test_names_of_files_cannot_add_headers(storage: Storage, name: str, told: str) -> None:
    answer = download(storage, KEY, "video/mp4", name, {}, "HEAD")
    assert answer.headers["content-disposition"] == told


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_ranges_select_what_slices_select(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    forms = {
        f"bytes={first}-{last}": content[first : last + 1] if first <= last else content,
        f"bytes={first}-": content[first:],
        f"bytes=-{last}": content[max(0, size - last) :],
    }
    for header, expected in forms.items():
        try:
            found = requested_range(header, size)
        except RangeNotSatisfiable:
            assert size
            assert not expected
            continue
        assert found is None or 0 <= found.start < found.end <= size
        assert (content if found is None else content[found.start : found.end]) == expected


@given(st.text("0123456789-,= bytes\t٣", max_size=30), st.integers(0, 20))
def test_no_header_breaks_the_range_reader(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            found = requested_range(header, size)
        except RangeNotSatisfiable:
            continue
        assert found is None or isinstance(found, ByteRange)


def query(signer: LinkSigner, path: str = PATH, viewer: str = VIEWER) -> dict[str, str]:
    found = parse_qs(urlsplit(f"?{signer.sign(path, viewer, EXPIRES)}").query, strict_parsing=True)
    return {name: values[0] for name, values in found.items()}


@given(st.text("aé٣ &=?#%+/", min_size=1))
def test_a_link_passes_until_its_last_second_and_names_its_viewer(viewer: str) -> None:
    signer = LinkSigner(b"secret")
    link = query(signer, viewer=viewer)
    assert link["viewer"] == viewer
    signer.check(PATH, **link, now=EXPIRES)
    with pytest.raises(LinkRefused, match="expired") as caught:
        signer.check(PATH, **link, now=EXPIRES + 1)
    assert caught.value.fault == LinkFault.EXPIRED


@given(
    st.sampled_from(["path", "viewer", "expires", "signature"]),
    st.integers(0, 42),
    st.integers(1, 25),
)
def test_one_changed_character_refuses_a_link(field: str, place: int, step: int) -> None:
    signer = LinkSigner(b"secret")
    link = {"path": PATH, **query(signer)}
    text = link[field]
    place %= len(text)
    letters = "0123456789" if field == "expires" else "abcdefghijklmnopqrstuvwxyz"
    letter = letters[(letters.find(text[place]) + step % len(letters)) % len(letters)]
    link[field] = text[:place] + letter + text[place + 1 :]
    if link[field] == text:
        return
    with pytest.raises(LinkRefused) as caught:
        signer.check(**link, now=0)
    leads_with_zero = field == "expires" and link[field].startswith("0")
    assert caught.value.fault == (LinkFault.MALFORMED if leads_with_zero else LinkFault.ALTERED)


def test_another_secret_signs_other_links() -> None:
    link = query(LinkSigner(b"secret"))
    with pytest.raises(LinkRefused, match="altered"):
        LinkSigner(b"Secret").check(PATH, **link, now=0)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "x"},
        {"signature": "é" * 43},
        {"signature": "=" * 43},
        {"expires": ""},
        {"expires": " 1900000000"},
        {"expires": "+1900000000"},
        {"expires": "1900000000.0"},
        {"expires": "-1"},
        {"expires": "٣"},
        {"expires": "9" * 5_000},
        {"viewer": ""},
        {"viewer": f"{VIEWER}\n{EXPIRES}"},
    ],
)
def test_links_of_another_form_are_malformed(change: dict[str, str]) -> None:
    signer = LinkSigner(b"secret")
    with pytest.raises(LinkRefused, match="incomplete") as caught:
        signer.check(PATH, **{**query(signer), **change}, now=0)
    assert caught.value.fault == LinkFault.MALFORMED


def test_what_could_not_be_checked_again_is_not_signed() -> None:
    signer = LinkSigner(b"secret")
    for path, viewer, expires in (("a\nb", "c", 1), ("a", "b\nc", 1), ("a", "b", -1), ("", "b", 1)):
        with pytest.raises(ValueError, match="one line"):
            signer.sign(path, viewer, expires)
    with pytest.raises(ValueError, match="secret"):
        LinkSigner(b"")
