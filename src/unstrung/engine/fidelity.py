"""How near one clip is to another: PSNR and SSIM. Tensors only."""

from typing import Final

import torch
from torch import Tensor

_WINDOW: Final = 11  # [px], as in the paper
_DEVIATION: Final = 1.5  # [px]
_K1, _K2 = 0.01, 0.03


def psnr_db(video: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio of a clip [dB]; 100 where both are equal.

    Args:
        video, truth: equal shapes, in [-1, 1].
    """
    error = float(((video - truth) / 2).square().mean())
    return float(-10 * torch.log10(torch.tensor(max(error, 1e-10))))


def ssim(video: Tensor, truth: Tensor) -> float:
    """Mean structural similarity over frames and colours, at most 1.

    Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural
    similarity": Gaussian window of 11 x 11 pixels with deviation 1.5, only where it fits whole.

    Args:
        video, truth: (B, 3, F, H, W) in [-1, 1], sides of at least 11 pixels.
    """
    # Variances are small differences of large means: single precision would show in flat areas.
    x, y = ((clip.double() + 1) / 2 for clip in (video, truth))
    down, across = (_smoothing(size) for size in video.shape[-2:])

    def mean(values: Tensor) -> Tensor:
        return down @ values @ across.T

    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x.square()
    variance_y = mean(y * y) - mean_y.square()
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = _K1**2, _K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float((luminance * structure).mean())


def _smoothing(size: int) -> Tensor:
    """The window as a matrix (size - 10, size) that smooths one axis."""
    offsets = torch.arange(size) - torch.arange(size - _WINDOW + 1)[:, None] - (_WINDOW - 1) / 2
    weights = torch.exp(-offsets.double().square() / (2 * _DEVIATION**2))
    weights = weights * (offsets.abs() <= (_WINDOW - 1) / 2)
    return weights / weights.sum(dim=1, keepdim=True)
