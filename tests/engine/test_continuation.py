"""Operations on a person's own pictures and clips, with a model that paints what it is told."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes import understood
from unstrung.engine import continuation, redrawing
from unstrung.engine.conditioning import GivenClip, TextSpans
from unstrung.engine.drawing import stretches_of
from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.prompt import MappedPrompt
from unstrung.engine.request import (
    Generation,
    GenerationRequest,
    NativeShapes,
    Step,
    plan,
    recipe_of,
)
from unstrung.engine.sources import Source, read_source
from unstrung.engine.storyboard import Storyboard
from unstrung.engine.video_io import write_video

NATIVE = NativeShapes({"1:1": (64, 64), "16:9": (112, 64)}, max_seconds=4.0, max_area=64 * 112)


class Painter:
    """Keeps given frames and paints the others in the grey that counts its calls: 200, 201, ..."""

    native = NATIVE

    def __init__(self) -> None:
        self.given: list[GivenClip] = []
        self.requests: list[GenerationRequest] = []
        self.spans: list[TextSpans | None] = []

    def understand(self, prompts: Sequence[str], verbatim: bool = False) -> MappedPrompt:  # noqa: ARG002
        return understood(prompts)

    def generate(
        self,
        request: GenerationRequest,
        on_step: Callable[[Step], None] | None = None,
        given: GivenClip | None = None,
        spans: TextSpans | None = None,
    ) -> Generation:
        shape = plan(request, NATIVE).shape
        if given is None:
            frames = np.zeros((shape.frames, shape.height, shape.width, 3), np.uint8)
            given = GivenClip(frames, (1.0,) * shape.latent.frames)
        self.spans.append(spans)
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


def test_a_long_clip_is_drawn_in_pieces_from_words_or_from_a_picture() -> None:
    painter = Painter()
    made = continuation.text_to_video(painter, asked(10.0))
    assert greys(made) == [200] * 49 + [201] * 36 + [202] * 36
    assert made.operation == "generate"
    assert painter.given[1].start_times[:5] == (0.0, 0.0, 0.0, 0.0, 1.0)
    begun = continuation.image_to_video(Painter(), asked(8.0), source(1))
    assert greys(begun) == [1, *[200] * 48, *[201] * 36, *[202] * 12]
    assert len(continuation.image_to_video(Painter(), asked(60.0), source(1)).clips[0]) == 721
    with pytest.raises(InvalidRequest, match="at most 60"):
        continuation.text_to_video(painter, asked(61.0))
    with pytest.raises(InvalidRequest, match="count"):
        continuation.text_to_video(painter, asked(8.0, count=2))


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
    made = redrawing.edit(painter, asked(), source(60), "mild")
    assert len(made.clips[0]) == 49
    assert set(painter.given[0].start_times) == {0.92}
    assert any("first 4.08 s" in note for note in made.notes)


@pytest.mark.parametrize("num_frames", [1, 2, 4])
def test_short_clips_are_enough(num_frames: int) -> None:
    for operation in (continuation.extend, continuation.loop, redrawing.edit):
        assert len(operation(Painter(), asked(1.0), source(num_frames)).clips[0]) >= 1
    assert (
        len(
            continuation.extend(Painter(), asked(1.0), source(num_frames), is_backward=True).clips[
                0
            ]
        )
        > 12
    )


def test_the_best_stretch_stays_and_what_is_around_it_is_drawn_anew() -> None:
    painter = Painter()
    made = continuation.recut(painter, asked(), source(48), (1.0, 2.0))
    assert greys(made)[12:24] == list(range(13, 25))
    assert greys(made)[:12] == [201] * 12
    assert greys(made)[24:] == [200] * 24
    assert len(painter.given) == 2
    at_the_end = continuation.recut(Painter(), asked(), source(48), (0.0, 3.0))
    assert greys(at_the_end) == [*range(1, 37), *[200] * 12]
    for keep in ((2.0, 1.0), (0.0, 4.0), (-1.0, 2.0), (1.0, 9.0)):
        with pytest.raises(InvalidRequest, match="keep"):
            continuation.recut(painter, asked(), source(48), keep)


def test_a_clip_turns_into_another_one() -> None:
    painter = Painter()
    made = continuation.blend(painter, asked(), source(20), source(33, 100))
    assert len(greys(made)) == 17
    times = painter.given[0].start_times
    assert (times[0], times[-1]) == (0.0, 0.0)
    assert max(times) == times[2] == 1.0
    assert (greys(made)[0], greys(made)[-1]) == (1, 132)


def test_a_storyboard_is_one_clip_whose_frames_read_their_own_captions() -> None:
    painter = Painter()
    board = Storyboard(("a fox stands", "the fox jumps", "a bear comes"), (0.0, 2.0, 4.0), 6.0)
    made = continuation.storyboard(painter, asked(), board)
    assert made.captions == board.prompts
    assert made.operation == "storyboard"
    assert len(made.clips[0]) == 73
    told = [spans.of_frames for spans in painter.spans if spans is not None]
    assert told[0] == (0,) * 7 + (1,) * 6
    assert told[1] == (1,) * 4 + (2,) * 6
    assert len(told) == 2


def test_pieces_see_the_end_of_the_one_before_and_read_two_captions_at_most() -> None:
    long = stretches_of([0, 0, 0, 0], [0] * 20, 13, 4)
    assert [len(each.new) for each in long] == [9, 9, 2]
    assert all(len(each.known) == 4 for each in long)
    quick = stretches_of([], [0, 1, 2, 3], 13, 4)
    assert [(each.known, each.new) for each in quick] == [
        ((), (0, 1)), ((1,), (2,)), ((2,), (3,)),
    ]  # fmt: skip
    drawn = [owner for each in quick for owner in each.new]
    assert drawn == [0, 1, 2, 3]


def test_pictures_stand_at_their_moments() -> None:
    painter = Painter()
    pictures = {0.0: source(1, 10), 2.0: source(1, 90)}
    made = redrawing.keyframes(painter, asked(4.0), pictures)
    assert [index for index, start in enumerate(painter.given[0].start_times) if start == 0] == [
        0,
        6,
    ]
    assert greys(made)[0] == 10
    assert greys(made)[24] == 90
    with pytest.raises(InvalidRequest, match="at must"):
        redrawing.keyframes(painter, asked(4.0), {5.0: source(1)})
    with pytest.raises(InvalidRequest, match="at must"):
        redrawing.keyframes(painter, asked(4.0), {})


def test_a_draft_is_drawn_again_at_the_size_it_was_read_at() -> None:
    painter = Painter()
    made = redrawing.refine(painter, asked(), source(25), "subtle")
    assert set(painter.given[0].start_times) == {0.8}
    assert made.operation == "refine"
    assert len(made.clips[0]) == 25


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


def test_an_animated_picture_is_a_clip_and_what_is_transparent_is_white(tmp_path: Path) -> None:
    pages = [Image.new("RGBA", (64, 64), (9 * n, 0, 0, 255)) for n in range(1, 7)]
    pages[0].putpixel((5, 5), (0, 0, 0, 0))
    path = tmp_path / "moves.webp"
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=250, lossless=True)
    read = read_source(path, NATIVE)
    assert read.frames.shape == (18, 64, 64, 3)
    assert read.frames[0, 5, 5].tolist() == [255, 255, 255]
    assert [int(frame[0, 0, 0]) for frame in read.frames[::3]] == [9, 18, 27, 36, 45, 54]


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
