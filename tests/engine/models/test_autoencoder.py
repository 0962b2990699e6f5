"""The linear code and the decoder around it."""

import itertools

import pytest
import torch
from torch import Tensor

from engine.factories import (
    LATENT_CHANNELS,
    gaussian,
    prop_script,
    render_clip,
    tiny_autoencoder,
    wake,
)
from unstrung.engine.models.autoencoder import (
    CELL_SIZE,
    Autoencoder,
    AutoencoderConfig,
    from_cells,
    to_cells,
)
from unstrung.engine.shapes import VideoShape

FITTED_CHANNELS = 48


def clip(frames: int = 9, height: int = 32, width: int = 48, seed: int = 0) -> Tensor:
    return gaussian(1, 3, frames, height, width, seed=seed).clamp(-1, 1)


def coloured_cells(seed: int, count: int = 200) -> Tensor:
    """Cells (N, 3072) whose power falls off from direction to direction, as that of pictures does."""
    directions = gaussian(100, CELL_SIZE, seed=99) / CELL_SIZE**0.5
    powers = torch.arange(1, 101) ** -0.7
    return 0.3 + (gaussian(count, 100, seed=seed) * powers) @ directions


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    """A fitted code; the fit costs seconds, so once per file."""
    autoencoder = Autoencoder(AutoencoderConfig(FITTED_CHANNELS))
    autoencoder.fit(coloured_cells(seed=1))
    return autoencoder


def linear_error(autoencoder: Autoencoder, channels: int, cells: Tensor) -> float:
    """Mean squared error of the first `channels` components."""
    centred = cells - autoencoder.mean
    basis = autoencoder.basis[:channels]
    return float((centred - centred @ basis.T @ basis).square().mean())


@pytest.mark.parametrize(
    ("frames", "height", "width"),
    [(1, 16, 16), (1, 32, 64), (5, 16, 32), (9, 48, 16), (49, 32, 32)],
)
def test_cells_join_to_the_clip_that_they_were_cut_from(
    frames: int, height: int, width: int
) -> None:
    video = clip(frames, height, width)
    cells = to_cells(video)
    latent = VideoShape(frames, height, width).latent
    assert cells.shape == (1, latent.frames, latent.height, latent.width, CELL_SIZE)
    torch.testing.assert_close(from_cells(cells), video)


@pytest.mark.parametrize("frame", range(13))
def test_a_change_of_one_frame_never_reaches_the_latents_before_it(frame: int) -> None:
    autoencoder, video = tiny_autoencoder(), clip(13)
    changed = video.clone()
    changed[:, :, frame] += 0.5
    first = 0 if frame == 0 else 1 + (frame - 1) // 4
    difference = (
        (autoencoder.encode(changed) - autoencoder.encode(video)).abs().amax(dim=(0, 1, 3, 4))
    )
    assert (difference[:first] == 0).all()
    assert difference[first] > 0
    assert (difference[first + 1 :] == 0).all()


@pytest.mark.parametrize("decoder_channels", [0, 16])
def test_a_change_of_one_latent_frame_never_reaches_the_frames_before_it(
    decoder_channels: int,
) -> None:
    autoencoder = tiny_autoencoder(decoder_channels)
    wake(autoencoder)
    latents = gaussian(1, LATENT_CHANNELS, 4, 2, 2) * 0.1
    changed = latents.clone()
    changed[:, :, 2] += 0.1
    with torch.no_grad():
        difference = (autoencoder.decode(changed) - autoencoder.decode(latents)).abs()
    moved = difference.amax(dim=(0, 1, 3, 4)) > 1e-6
    # The learned decoder looks back by one cell.
    assert moved.tolist() == [False] * 5 + [True] * 4 + [decoder_channels > 0] * 4


def test_the_first_frame_is_coded_as_a_still() -> None:
    autoencoder, video = tiny_autoencoder(), clip(9)
    still = autoencoder.encode(video[:, :, :1])
    assert still.shape == (1, LATENT_CHANNELS, 1, 2, 3)
    torch.testing.assert_close(autoencoder.encode(video)[:, :, :1], still)


def test_the_code_of_a_beginning_is_the_beginning_of_the_code() -> None:
    autoencoder, video = tiny_autoencoder(), clip(13)
    torch.testing.assert_close(
        autoencoder.encode(video[:, :, :5]), autoencoder.encode(video)[:, :, :2]
    )


@pytest.mark.parametrize("frames", [1, 9])
def test_what_lies_in_the_span_of_the_basis_comes_back_exactly(frames: int) -> None:
    autoencoder = tiny_autoencoder()
    latents = gaussian(2, LATENT_CHANNELS, VideoShape(frames, 32, 48).latent.frames, 2, 3) * 0.2
    video = autoencoder.decode(latents)
    assert video.shape == (2, 3, frames, 32, 48)
    torch.testing.assert_close(autoencoder.encode(video), latents, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(autoencoder.decode(autoencoder.encode(video)), video)


def test_a_fitted_code_brings_back_cells_of_its_own_span(fitted: Autoencoder) -> None:
    weights = gaussian(1, 2, 3, 4, FITTED_CHANNELS)
    cells = weights * fitted.scale @ fitted.basis + fitted.mean
    back = (cells - fitted.mean) @ fitted.basis.T / fitted.scale
    torch.testing.assert_close(back, weights, atol=1e-4, rtol=1e-4)


def test_the_fitted_basis_is_orthonormal(fitted: Autoencoder) -> None:
    gram = fitted.basis @ fitted.basis.T
    torch.testing.assert_close(gram, torch.eye(FITTED_CHANNELS), atol=1e-4, rtol=0)


def test_more_channels_leave_a_smaller_error_also_on_cells_never_seen(fitted: Autoencoder) -> None:
    for cells in (coloured_cells(seed=1), coloured_cells(seed=2)):
        errors = [linear_error(fitted, channels, cells) for channels in (1, 4, 12, 24, 48)]
        assert all(more < fewer for fewer, more in itertools.pairwise(errors)), errors


def test_fitted_latents_have_unit_power_and_strong_components_stay_stronger(
    fitted: Autoencoder,
) -> None:
    latents = (coloured_cells(seed=1) - fitted.mean) @ fitted.basis.T / fitted.scale
    power = latents.square().mean(dim=0)
    assert float(power.mean()) == pytest.approx(1.0, abs=0.01)
    # Divided by the root of the deviation, so what is left is proportional to the deviation.
    expected = (fitted.scale / fitted.scale[0]).square()
    torch.testing.assert_close(power / power[0], expected, atol=0, rtol=1e-3)
    assert (power.diff() < 0).all()


def test_an_untrained_refiner_changes_nothing() -> None:
    autoencoder = tiny_autoencoder(decoder_channels=16)
    latents = gaussian(1, LATENT_CHANNELS, 3, 2, 2)
    with torch.no_grad():
        assert torch.equal(
            autoencoder.decode(latents), autoencoder.decode_linear(latents).clamp(-1, 1)
        )


def test_decoded_clips_stay_within_the_range_of_pixels() -> None:
    autoencoder = tiny_autoencoder(decoder_channels=16)
    wake(autoencoder)
    with torch.no_grad():
        video = autoencoder.decode(10 * gaussian(1, LATENT_CHANNELS, 2, 2, 2))
    assert video.min() == -1.0
    assert video.max() == 1.0


def test_the_tiny_code_of_the_tests_gives_props_back_coarsely() -> None:
    autoencoder = tiny_autoencoder()
    video = render_clip(prop_script(), VideoShape(9, 64, 64))
    error = (autoencoder.decode(autoencoder.encode(video)) - video).square().mean()
    assert error < 0.5 * video.var()
