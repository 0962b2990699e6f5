"""Requests check themselves, and plans say what they changed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import (
    MAX_SEED,
    RATIOS,
    GenerationRequest,
    NativeShapes,
    plan,
)

NATIVE = NativeShapes(
    sizes={"16:9": (224, 128), "9:16": (128, 224), "1:1": (160, 160)},
    max_seconds=8.0,
    max_area=320 * 192,
)


def test_the_default_request_takes_the_native_size_and_says_its_length() -> None:
    made = plan(GenerationRequest("a fox"), NATIVE)
    assert (made.shape.frames, made.shape.width, made.shape.height) == (49, 224, 128)
    assert made.notes == (
        "seconds 4 is delivered as 4.08 s (49 frames), the nearest legal length.",
    )


def test_a_length_between_two_legal_ones_takes_the_nearest() -> None:
    made = plan(GenerationRequest("a fox", seconds=3.9), NATIVE)
    assert made.shape.frames == 45
    assert made.notes == (
        "seconds 3.9 is delivered as 3.75 s (45 frames), the nearest legal length.",
    )


def test_a_legal_length_and_size_need_no_note() -> None:
    made = plan(GenerationRequest("a fox", seconds=3.75, size="160x96"), NATIVE)
    assert made.notes == ()
    assert (made.shape.width, made.shape.height, made.seconds) == (160, 96, 3.75)


def test_a_moment_is_a_still_image() -> None:
    made = plan(GenerationRequest("a fox", seconds=0.01), NATIVE)
    assert made.shape.frames == 1
    assert "still image" in made.notes[0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("native", (224, 128)),
        ("16:9", (224, 128)),
        ("9:16", (128, 224)),
        ("1:1", (160, 160)),
        ("4:3", (192, 144)),
        ("225x127", (224, 128)),
        ("200X100", (192, 96)),
    ],
)
def test_sizes_become_legal_ones(size: str, expected: tuple[int, int]) -> None:
    shape = plan(GenerationRequest("a fox", size=size), NATIVE).shape
    assert (shape.width, shape.height) == expected


def test_a_changed_size_states_multiple_and_area() -> None:
    notes = plan(GenerationRequest("a fox", seconds=3.75, size="225x127"), NATIVE).notes
    assert notes == (
        "size 225x127 is delivered as 224x128, the nearest legal size: sides are multiples of 16 "
        "pixels and a frame has at most 61,440.",
    )


def test_a_coarser_patch_asks_for_coarser_sides() -> None:
    coarse = NativeShapes(sizes={"16:9": (224, 128)}, multiple=32)
    shape = plan(GenerationRequest("a fox", size="176x150"), coarse).shape
    assert (shape.width, shape.height) == (192, 160)


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([16, 32]))
def test_every_size_is_legal_or_refused_with_a_fix_that_is_legal(
    width: int, height: int, multiple: int
) -> None:
    native = NativeShapes(sizes={"1:1": (160, 160)}, multiple=multiple, max_area=320 * 192)
    size = f"{width}x{height}"
    try:
        shape = plan(GenerationRequest("a fox", size=size), native).shape
    except InvalidRequest as error:
        if width >= 64 and height >= 64:
            shape = plan(GenerationRequest("a fox", size=error.fix), native).shape
        else:
            return
    assert shape.width % multiple == 0
    assert shape.height % multiple == 0
    assert shape.width * shape.height <= native.max_area
    assert min(shape.width, shape.height) >= 64


@given(st.floats(0.001, 8.0))
def test_every_allowed_length_is_met_within_half_a_latent_frame(seconds: float) -> None:
    made = plan(GenerationRequest("a fox", seconds=seconds), NATIVE)
    assert abs(made.seconds - seconds) <= 2 / 12 + 1e-9


@pytest.mark.parametrize("ratio", RATIOS)
def test_every_ratio_is_met_closely(ratio: str) -> None:
    shape = plan(GenerationRequest("a fox", size=ratio), NATIVE).shape
    assert abs(math.log(shape.width / shape.height / RATIOS[ratio])) < 0.08


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("prompt", ["", "  \n", "\u200b", "x" * 32_001, "a\udcff"]),
        ("seconds", [0, -1.0, math.nan, math.inf]),
        ("size", ["", "huge", "224", "0x128", "-5x9", "16:10", "1e3x9", "9" * 17 + "x9"]),
        ("seed", [-1, MAX_SEED + 1]),
        ("num_steps", [0, 1001]),
        ("guidance_scale", [0.9, 20.5, math.nan]),
        ("count", [0, 5, 1.5, True]),
    ],
)
def test_values_outside_their_rule_are_refused_by_name(field: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(InvalidRequest) as caught:
            GenerationRequest(**{"prompt": "a fox", field: value})  # type: ignore[arg-type]
        assert caught.value.field == field
        assert str(caught.value).startswith(f"{field} must ")
        assert len(str(caught.value)) < 250


def test_the_limits_themselves_are_allowed() -> None:
    GenerationRequest("x" * 32_000, 0.1, "1:1", MAX_SEED, 1000, 20.0, 4)
    GenerationRequest("x", 0.1, "1:1", 0, 1, 1.0, 1)


def test_more_seconds_than_the_model_knows_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="seconds must be at most 8, got 10000; try 8"):
        plan(GenerationRequest("a fox", seconds=10_000), NATIVE)


def test_an_area_above_the_limit_names_the_largest_of_its_shape() -> None:
    with pytest.raises(InvalidRequest, match="61,440 pixels a frame, got 4000x3000; try 272x208"):
        plan(GenerationRequest("a fox", size="4000x3000"), NATIVE)
