"""Files that people send: what they are by their content, and whether they keep within the limits.

Runs in the API before anything is stored, so a file is told from its first bytes and only the decoder of
that one kind ever sees it. FFmpeg is never left to guess: it also knows playlists that name other addresses.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from unstrung.studio.errors import StudioError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

ACCEPTED: Final = "a PNG, JPEG, WebP or GIF picture, or an MP4, MOV or WebM video"
_HEAD_BYTES: Final = 64
_PICTURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"GIF87a", "GIF", "image/gif"),
    (b"GIF89a", "GIF", "image/gif"),
)
_PICTURE_BRANDS: Final = (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_QUICKTIME_BOXES: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"
_DECODERS: Final = (
    "h264", "hevc", "libdav1d", "av1", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg4", "prores", "mjpeg",
)  # fmt: skip


class UploadRefused(StudioError):
    """A file is not of a kind that is taken, damaged, or above a limit."""


@dataclass(frozen=True)
class UploadLimits:
    """What is taken at most.

    Attributes:
        max_bytes: of the file.
        max_pixels: of a picture, or of one frame of a video; asked before anything is decoded, as a file of
            a few kilobytes may claim billions.
        max_seconds: length of a video [s].
        max_frames: of a video; the length alone is what its maker writes into it.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 40_000_000
    max_seconds: float = 300.0
    max_frames: int = 18_000


DEFAULT_LIMITS: Final = UploadLimits()


@dataclass(frozen=True)
class Upload:
    """What a file was found to be.

    Attributes:
        kind: picture or video.
        content_type: by its content.
        width, height: as stored, before a rotation that its metadata asks for [px].
        seconds: length of a video, counted from its frames [s]; None for a picture.
    """

    kind: Literal["image", "video"]
    content_type: str
    width: int
    height: int
    seconds: float | None = None


def inspect_upload(
    data: bytes | Path, declared: str | None = None, limits: UploadLimits = DEFAULT_LIMITS
) -> Upload:
    """Find out what a file is and that it can be read.

    A picture is decoded whole (of a GIF or WebP that moves, the first frame); a video is read to its end and
    its first frame decoded.

    Args:
        data: the file.
        declared: the type that its sender named; only ever repeated in a refusal.
        limits: what is taken at most.

    Raises:
        UploadRefused: with one sentence that says what is wrong and what would be right.
    """
    size = data.stat().st_size if isinstance(data, Path) else len(data)
    if not size:
        raise UploadRefused(f"The file is empty; send {ACCEPTED}.")
    if size > limits.max_bytes:
        raise UploadRefused(
            f"The file must have at most {limits.max_bytes:,} bytes, got {size:,}; send a smaller one."
        )
    with data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as file:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        picture = _picture_format(head)
        if picture is not None:
            return _inspect_picture(file, *picture, limits)
        video = _video_format(head)
        if video is not None:
            return _inspect_video(file, *video, limits)
    said = f" although it was sent as {declared[:60]}" if declared else ""
    raise UploadRefused(f"The file is none that can be read here{said}; send {ACCEPTED}.")


def _picture_format(head: bytes) -> tuple[str, str] | None:
    """Pillow's name and the content type of a picture, by its first bytes."""
    for signature, name, content_type in _PICTURES:
        if head.startswith(signature):
            return name, content_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP", "image/webp"
    return None


def _video_format(head: bytes) -> tuple[str, str] | None:
    """FFmpeg's name and the content type of a video, by its first bytes."""
    if head.startswith(_MATROSKA) and b"webm" in head:
        return "matroska", "video/webm"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _PICTURE_BRANDS:
            raise UploadRefused(f"HEIC and AVIF pictures cannot be read here; send {ACCEPTED}.")
        return "mov", "video/quicktime" if brand == b"qt  " else "video/mp4"
    return ("mov", "video/quicktime") if head[4:8] in _QUICKTIME_BOXES else None


def _inspect_picture(file: BinaryIO, name: str, content_type: str, limits: UploadLimits) -> Upload:
    from PIL import Image

    too_large = (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,  # an exception where warnings are errors
    )
    try:
        with Image.open(file, formats=[name]) as picture:
            width, height = picture.size
            _check_pixels("picture", width, height, limits)
            picture.load()
    except too_large as error:
        raise UploadRefused(
            f"The picture must have at most {limits.max_pixels:,} pixels; send a smaller one."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError) as error:
        raise UploadRefused(f"The picture is damaged or cut off; send {ACCEPTED}.") from error
    return Upload("image", content_type, width, height)


def _inspect_video(file: BinaryIO, name: str, content_type: str, limits: UploadLimits) -> Upload:
    import av

    try:
        with av.open(
            file,
            "r",
            format=name,
            container_options={
                "codec_whitelist": ",".join(_DECODERS),
                "protocol_whitelist": "file",
            },
            metadata_errors="replace",
        ) as container:
            stream = _shown_stream(container, limits)
            seconds = _length_s(container, stream, limits)
            container.seek(0)
            frame = next(container.decode(stream), None)
            if frame is None:
                raise UploadRefused("The video has no frame that can be decoded; export it again.")
            _check_pixels("video", frame.width, frame.height, limits)
    except (av.FFmpegError, OSError, ValueError, EOFError) as error:
        raise UploadRefused(f"The video is damaged or cut off; send {ACCEPTED}.") from error
    return Upload("video", content_type, frame.width, frame.height, seconds)


def _shown_stream(container: "InputContainer", limits: UploadLimits) -> "VideoStream":
    """The stream of moving pictures, ready to be decoded within the limits."""
    from av.stream import Disposition

    covers = Disposition.attached_pic
    found = [each for each in container.streams.video if not each.disposition & covers]
    if not found and container.streams.audio:
        raise UploadRefused("The file has sound but no moving picture; send a video.")
    if not found:
        raise UploadRefused("The video is cut off or empty; send the whole file.")
    stream = found[0]
    codec = stream.codec_context
    if codec is None or codec.name not in _DECODERS:
        shown = "an unknown codec" if codec is None else codec.name
        raise UploadRefused(
            f"The video is coded as {shown}; export it as H.264, HEVC, AV1, VP8 or VP9."
        )
    _check_pixels("video", stream.width, stream.height, limits)
    # The frames may be larger than the header says; the decoder must hear of the limit, too.
    codec.options = {"max_pixels": str(limits.max_pixels)}
    codec.thread_count = 1
    return stream


def _length_s(container: "InputContainer", stream: "VideoStream", limits: UploadLimits) -> float:
    """Read a video to its end without decoding it, and measure what is really there [s]."""
    time_base = float(stream.time_base or 0)
    starts: list[int] = []
    end = num_frames = 0
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if packet.is_corrupt:
            raise UploadRefused("The video is cut off; send the whole file.")
        num_frames += 1
        if num_frames > limits.max_frames:
            raise UploadRefused(
                f"The video must have at most {limits.max_frames:,} frames; cut it shorter."
            )
        # Frames that an edit leaves out are in the file and are not shown.
        if packet.pts is None or packet.is_discard:
            continue
        starts.append(packet.pts)
        end = max(end, packet.pts + (packet.duration or 0))
        if (end - starts[0]) * time_base > limits.max_seconds:
            raise UploadRefused(
                f"The video must have at most {limits.max_seconds:g} s; cut it shorter."
            )
    if not starts:
        raise UploadRefused("The video has no frames; export it again.")
    start = min(starts)
    if end <= max(starts) and len(starts) > 1:
        # Some recorders leave out how long a frame is shown: the last is then shown as long as the others.
        end = max(starts) + (max(starts) - start) // (len(starts) - 1)
    return (end - start) * time_base


def _check_pixels(kind: str, width: int, height: int, limits: UploadLimits) -> None:
    if width * height > limits.max_pixels:
        raise UploadRefused(
            f"The {kind} must have at most {limits.max_pixels:,} pixels, got {width} x {height}; "
            "send a smaller one."
        )


def recipe_of_upload(data: bytes) -> dict[str, Any] | None:
    """How a clip was made, as its file says; None if it does not say. The file must have been inspected."""
    import av

    from unstrung.engine.video_io import RECIPE_KEY, recipe_from_text

    found = _video_format(data[:_HEAD_BYTES])
    if found is None:
        return None
    with av.open(
        io.BytesIO(data), format=found[0], container_options={"protocol_whitelist": "file"}
    ) as container:
        return recipe_from_text(container.metadata.get(RECIPE_KEY))
