"""Operations on a person's own pictures and clips, with a model that paints what it is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unstrung.engine import continuation
from unstrung.engine.conditioning import GivenClip
from unstrung.engine.continuation import Source, read_source
from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.request import (
    Generation,
    GenerationRequest,
    NativeShapes,
    Step,
    plan,
    recipe_of,
)
from unstrung.engine.video_io import write_video

NATIVE = NativeShapes({"1:1": (64, 64), "16:9": (112, 64)}, max_seconds=4.0, max_area=64 * 112)


class Painter:
    """Keeps given frames and paints the others in the grey that counts its calls: 200, 201, ..."""

    native = NATIVE

    def __init__(self) -> None:
        self.given: list[GivenClip] = []
        self.requests: list[GenerationRequest] = []

    def generate(
        self,
        request: GenerationRequest,
        on_step: Callable[[Step], None] | None = None,
        given: GivenClip | None = None,
    ) -> Generation:
        assert given is not None
        shape = plan(request, NATIVE).shape
        assert given.shape == shape
        frames = np.full_like(given.frames, 200 + len(self.given))
        for index, start in enumerate(given.start_times):
            if start == 0:
                cell = slice(max(0, 4 * index - 3), 4 * index + 1)
                frames[cell] = given.frames[cell]
        self.given.append(given)
        self.requests.append(request)
        for step in range(2):
            if on_step is not None:
                on_step(Step(step, 2, lambda: frames[0]))
        return Generation(
            (frames,), request.prompt, "a fox", (), (request.seed or 5,), 12, 2, 1.0, "painter",
            {"load": 1.0, "denoise": 2.0}, plan(request, NATIVE).notes,
        )  # fmt: skip


def source(num_frames: int, first: int = 1) -> Source:
    """A clip whose frames count upwards."""
    frames = np.zeros((num_frames, 64, 64, 3), np.uint8)
    frames += np.arange(first, first + num_frames, dtype=np.uint8)[:, None, None, None]
    return Source(frames, f"digest{first}")


def greys(made: Generation) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in made.clips[0]]


def asked(seconds: float = 3.0, **more: int) -> GenerationRequest:
    return GenerationRequest("a fox", seconds, seed=7, **more)


def test_a_picture_becomes_the_first_frame() -> None:
    made = continuation.image_to_video(Painter(), asked(4), source(1))
    assert greys(made) == [1, *[200] * 48]
    assert (made.operation, made.inputs) == ("image_to_video", ("digest1",))
    recipe = recipe_of(made, 0)
    assert (recipe["operation"], recipe["inputs"]) == ("image_to_video", ["digest1"])


def test_a_clip_goes_on_from_its_end_in_pieces_and_is_kept_whole() -> None:
    painter, steps = Painter(), []
    made = continuation.extend(
        painter, asked(5.0), source(20), lambda step: steps.append((step.index, step.total))
    )
    assert greys(made) == [*range(1, 21), *[200] * 36, *[201] * 24]
    assert greys_of_given(painter.given[0]) == list(range(8, 21))
    assert greys_of_given(painter.given[1]) == [200] * 13
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert [each.seed for each in painter.requests] == [7, 8]
    assert made.seeds == (7,)
    assert made.timings_s == {"load": 1.0, "denoise": 4.0}
    assert not any(note.startswith("seconds") for note in made.notes)


def greys_of_given(given: GivenClip) -> list[int]:
    kept = sum(start == 0 for start in given.start_times)
    return [int(frame[0, 0, 0]) for frame in given.frames[: 4 * kept - 3]]


def test_a_clip_may_be_led_to_its_beginning() -> None:
    made = continuation.extend(Painter(), asked(2.0), source(20), is_backward=True)
    assert greys(made)[-20:] == list(range(1, 21))
    assert set(greys(made)[:-20]) == {200}
    assert 24 <= len(greys(made)) - 20 <= 28


def test_a_loop_is_given_both_of_its_ends() -> None:
    painter = Painter()
    made = continuation.loop(painter, asked(2.0), source(30))
    times = painter.given[0].start_times
    assert times[:3] == (0.0, 0.0, 0.0)
    assert times[-2:] == (0.0, 0.0)
    assert greys(made)[:30] == list(range(1, 31))
    assert set(greys(made)[30:]) == {200}
    ends = painter.given[0].frames
    assert [int(frame[0, 0, 0]) for frame in ends[:9]] == list(range(22, 31))
    assert [int(frame[0, 0, 0]) for frame in ends[-8:]] == list(range(1, 9))


def test_two_clips_are_joined_by_what_leads_from_one_to_the_other() -> None:
    made = continuation.connect(Painter(), asked(1.0), source(13), source(13, 100))
    assert greys(made)[:13] == list(range(1, 14))
    assert greys(made)[-13:] == list(range(100, 113))
    assert set(greys(made)[13:-13]) == {200}
    assert made.inputs == ("digest1", "digest100")


def test_a_clip_is_drawn_again_at_its_own_length_as_far_as_the_model_goes() -> None:
    painter = Painter()
    made = continuation.edit(painter, asked(), source(60), "mild")
    assert len(made.clips[0]) == 49
    assert set(painter.given[0].start_times) == {0.92}
    assert any("first 4.08 s" in note for note in made.notes)


@pytest.mark.parametrize("num_frames", [1, 2, 4])
def test_short_clips_are_enough(num_frames: int) -> None:
    for operation in (continuation.extend, continuation.loop, continuation.edit):
        assert len(operation(Painter(), asked(1.0), source(num_frames)).clips[0]) >= 1
    assert (
        len(
            continuation.extend(Painter(), asked(1.0), source(num_frames), is_backward=True).clips[
                0
            ]
        )
        > 12
    )


def test_what_cannot_be_done_is_refused_before_anything_is_drawn() -> None:
    painter = Painter()
    with pytest.raises(InvalidRequest, match="seconds"):
        continuation.extend(painter, asked(59.0), source(60))
    with pytest.raises(InvalidRequest, match="count"):
        continuation.extend(painter, asked(count=2), source(9))
    wide = Source(np.zeros((9, 64, 112, 3), np.uint8))
    with pytest.raises(InvalidRequest, match="second"):
        continuation.connect(painter, asked(), source(9), wide)
    assert painter.given == []


def test_a_picture_of_any_size_is_fitted_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (400, 300), (9, 9, 9)).save(path)
    read = read_source(path, NATIVE)
    assert read.frames.shape == (1, 64, 112, 3)
    assert read.notes == ("photo.png of 400x300 is used as 112x64, cut in the middle.",)
    assert len(read.digest) == 64


def test_a_clip_of_another_rate_is_resampled_and_keeps_its_captions(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, source(48).frames, 24, {"captions": ["a fox in the snow"]})
    read = read_source(path, NATIVE)
    assert read.frames.shape == (24, 64, 64, 3)
    assert read.captions == ("a fox in the snow",)
    assert read.notes == ("clip.mp4 of 24 fps is used at 12 fps.",)


def test_a_file_that_is_neither_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(DataError, match=r"notes\.txt"):
        read_source(path, NATIVE)
    with pytest.raises(DataError, match=r"gone\.png"):
        read_source(tmp_path / "gone.png", NATIVE)
