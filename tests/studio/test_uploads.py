import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unstrung.studio.uploads import Upload, UploadLimits, UploadRefused, inspect_upload

TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}


def picture(picture_format: str, width: int = 40, height: int = 30) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)
    Image.fromarray(noise).save(buffer, picture_format)
    return buffer.getvalue()


def video(
    path: Path, codec: str = "libx264", container: str = "mp4", num_frames: int = 24
) -> bytes:
    noise = np.random.default_rng(0)
    options = {"movflags": "+faststart"} if container in ("mp4", "mov") else {}
    with av.open(str(path), "w", format=container, options=options) as target:
        stream = target.add_stream(codec, rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(num_frames):
            frame = noise.integers(0, 255, (48, 64, 3)).astype(np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode(None))
    return path.read_bytes()


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return video(tmp_path_factory.mktemp("mp4") / "clip")


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


@pytest.mark.parametrize("picture_format", TYPES)
def test_pictures_are_told_by_their_content(picture_format: str, tmp_path: Path) -> None:
    data = picture(picture_format)
    expected = Upload("image", TYPES[picture_format], 40, 30)
    assert inspect_upload(data, "text/plain") == expected
    (tmp_path / "photo.txt").write_bytes(data)
    assert inspect_upload(tmp_path / "photo.txt") == expected


@pytest.mark.parametrize("picture_format", ["GIF", "WEBP"])
def test_of_a_moving_picture_the_first_frame_counts(picture_format: str) -> None:
    frames = [Image.new("RGB", (20, 10), (index * 60, 0, 0)) for index in range(4)]
    buffer = io.BytesIO()
    frames[0].save(buffer, picture_format, save_all=True, append_images=frames[1:])
    assert inspect_upload(buffer.getvalue()).kind == "image"


@pytest.mark.parametrize(
    ("codec", "container", "content_type"),
    [
        ("libx264", "mp4", "video/mp4"),
        ("libx264", "mov", "video/quicktime"),
        ("libvpx", "webm", "video/webm"),
        ("libvpx-vp9", "webm", "video/webm"),
    ],
)
def test_videos_are_told_by_their_content(
    tmp_path: Path, codec: str, container: str, content_type: str
) -> None:
    data = video(tmp_path / "clip.bin", codec, container)
    for given_as in (data, tmp_path / "clip.bin"):
        found = inspect_upload(given_as, "application/octet-stream")
        assert (found.kind, found.content_type, found.width, found.height) == (
            "video",
            content_type,
            64,
            48,
        )
        assert found.seconds == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"This is a text and no film.\n" * 100, "sent as video/mp4; send a PNG"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/secret\n", "none that can be read"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "none that can be read"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
            "none that can be read",
        ),
        (b"%PDF-1.7\n" + b"0" * 200, "none that can be read"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska" + b"0" * 200, "none that can be read"),
        (b"\0\0\0\x18ftypheic" + b"0" * 200, "HEIC"),
        (b"\0\0\0\x18ftypisom" + b"0" * 200, "damaged"),
        (b"\x1a\x45\xdf\xa3\x42\x82\x84webm" + b"0" * 200, "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 200, "damaged"),
        (b"\xff\xd8\xff\xe0" + b"0" * 200, "damaged"),
        (b"RIFF\xff\0\0\0WEBPVP8 " + b"0" * 200, "damaged"),
        (b"GIF89a\x01", "damaged"),
    ],
)
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "film.mp4").write_bytes(data)
    for given_as in (data, tmp_path / "film.mp4"):
        with pytest.raises(UploadRefused, match=reason) as caught:
            inspect_upload(given_as, "video/mp4")
        assert str(caught.value).endswith(".")


@pytest.mark.parametrize("picture_format", TYPES)
def test_a_picture_that_is_cut_off_is_refused(picture_format: str) -> None:
    data = picture(picture_format, 200, 200)
    with pytest.raises(UploadRefused, match="damaged or cut off"):
        inspect_upload(data[: len(data) // 2])


def test_a_video_that_is_cut_off_is_refused(mp4: bytes) -> None:
    for length in (len(mp4) // 2, len(mp4) - 20, 200):
        with pytest.raises(UploadRefused, match="cut off"):
            inspect_upload(mp4[:length])


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a"), "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=48_000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    with pytest.raises(UploadRefused, match="no moving picture"):
        inspect_upload(tmp_path / "a")


def test_a_codec_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(UploadRefused, match="coded as mpeg2video; export it as H"):
        inspect_upload(video(tmp_path / "a", "mpeg2video", "mov"))


@pytest.mark.parametrize(
    ("width", "height"), [(7_000, 7_000), (12_000, 12_000), (60_000, 60_000), (2_000_000, 30)]
)
def test_a_picture_that_claims_too_many_pixels_is_refused_undecoded(
    width: int, height: int
) -> None:
    with pytest.raises(UploadRefused, match="at most 40,000,000 pixels"):
        inspect_upload(png_that_claims(width, height))


def test_every_limit_is_kept(mp4: bytes) -> None:
    small = picture("png")
    exact = UploadLimits(max_bytes=len(mp4), max_pixels=64 * 48, max_seconds=2.0, max_frames=24)
    assert inspect_upload(mp4, limits=exact).kind == "video"
    for data, limits, reason in [
        (small, UploadLimits(max_bytes=len(small) - 1), "bytes, got"),
        (small, UploadLimits(max_pixels=40 * 30 - 1), "1,199 pixels, got 40 x 30"),
        (mp4, UploadLimits(max_pixels=64 * 48 - 1), "pixels, got 64 x 48"),
        (mp4, UploadLimits(max_seconds=1.9), "at most 1.9 s"),
        (mp4, UploadLimits(max_frames=23), "at most 23 frames"),
    ]:
        with pytest.raises(UploadRefused, match=reason):
            inspect_upload(data, limits=limits)


def mutated(data: bytes, draw: Callable[[st.SearchStrategy[int]], int]) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 20))):
        changed[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.integers(1, len(data)))])


@given(st.data(), st.sampled_from(["mp4", *TYPES]))
def test_damage_is_accepted_or_refused_and_never_anything_else(
    mp4: bytes, data: st.DataObject, kind: str
) -> None:
    whole = mp4 if kind == "mp4" else picture(kind)
    try:
        found = inspect_upload(mutated(whole, data.draw))
    except UploadRefused:
        return
    assert found.width * found.height <= UploadLimits().max_pixels


def test_the_module_loads_no_codec_of_its_own() -> None:
    program = (
        "import sys, unstrung.studio.uploads\n"
        "found = {'av', 'cv2', 'numpy', 'PIL', 'torch'} & set(sys.modules)\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
