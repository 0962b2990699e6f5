import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.shapes import COMPRESSION, LatentShape, VideoShape, nearest_num_frames

latents = st.builds(
    LatentShape,
    frames=st.integers(1, 64),
    height=st.integers(1, 64),
    width=st.integers(1, 64),
)


@given(latents)
def test_clip_and_latent_grid_stand_for_each_other(latent: LatentShape) -> None:
    assert VideoShape.of_latent(latent).latent == latent


@given(latents)
def test_the_first_frame_is_a_latent_frame_of_its_own(latent: LatentShape) -> None:
    video = VideoShape.of_latent(latent)
    assert video.frames == 1 + COMPRESSION.frames * (latent.frames - 1)
    assert (video.height, video.width) == (
        COMPRESSION.height * latent.height,
        COMPRESSION.width * latent.width,
    )


def test_a_still_image_is_a_clip_of_one_frame() -> None:
    assert VideoShape(1, 128, 224).latent == LatentShape(1, 8, 14)


def test_the_native_clip_has_thirteen_latent_frames() -> None:
    latent = VideoShape(49, 128, 224).latent
    assert latent == LatentShape(13, 8, 14)
    assert latent.num_cells == 13 * 8 * 14


@pytest.mark.parametrize(
    ("frames", "fix"), [(48, "49"), (50, "49"), (2, "1"), (4, "5"), (0, "1"), (-7, "1")]
)
def test_an_illegal_frame_count_is_refused_with_the_nearest_legal_one(
    frames: int, fix: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        VideoShape(frames, 128, 128)
    assert (caught.value.field, caught.value.fix) == ("num_frames", fix)


@pytest.mark.parametrize(
    ("height", "width", "field", "fix"),
    [(120, 128, "height", "128"), (128, 225, "width", "224"), (0, 128, "height", "16")],
)
def test_an_illegal_side_is_refused_with_the_nearest_legal_one(
    height: int, width: int, field: str, fix: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        VideoShape(1, height, width)
    assert (caught.value.field, caught.value.fix) == (field, fix)


@given(st.floats(-1e6, 1e6))
def test_the_nearest_frame_count_is_legal_and_near(wanted: float) -> None:
    frames = nearest_num_frames(wanted)
    assert VideoShape(frames, 16, 16).frames == frames
    if wanted >= 1:
        assert abs(frames - wanted) <= COMPRESSION.frames / 2


@given(st.integers(0, 1000).map(lambda k: 1 + COMPRESSION.frames * k))
def test_a_legal_frame_count_is_its_own_nearest(frames: int) -> None:
    assert nearest_num_frames(frames) == frames


def test_shapes_cannot_be_changed_after_they_are_checked() -> None:
    shape = VideoShape(1, 16, 16)
    with pytest.raises(AttributeError):
        shape.frames = 2  # type: ignore[misc]
