"""Clips become latents and back: a fixed linear encoder and a learned decoder.

Axes: `B` batch, `C` latent channels, `F H W` frames, height, width (pixels or latent cells).

The encoder projects cells of 4 x 16 x 16 pixels on their principal components, measured on renders. It is
causal: the first frame is a cell of its own, as if it had stood still for four frames, so a still image is
a clip of one frame in the same code. The transformer's target therefore never moves, and the decoder (the
linear inverse plus a network that learns what the components leave out) can be improved at any time.

Component i is divided by the square root of its deviation, not by the deviation: whitening would let the
weak components, which are mostly noise, outweigh the strong ones. One common factor then brings the whole
latent to unit power.
"""

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional

from unstrung.engine.shapes import COMPRESSION

CELL_SIZE = 3 * COMPRESSION.frames * COMPRESSION.height * COMPRESSION.width


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of the autoencoder.

    Attributes:
        latent_channels: C, principal components kept per cell.
        decoder_channels: width of the learned decoder at one eighth of the pixels; 0 for linear only.
        decoder_depth: residual blocks of the learned decoder.
    """

    latent_channels: int
    decoder_channels: int = 0
    decoder_depth: int = 4


def to_cells(video: Tensor) -> Tensor:
    """Cut a clip (B, 3, 1 + 4k, H, W) into flat cells (B, F, H, W, 3072), the first frame repeated."""
    held = repeat(video[:, :, :1], "B C 1 H W -> B C n H W", n=COMPRESSION.frames - 1)
    return rearrange(
        torch.cat([held, video], dim=2),
        "B C (F f) (H h) (W w) -> B F H W (C f h w)",
        f=COMPRESSION.frames, h=COMPRESSION.height, w=COMPRESSION.width,
    )  # fmt: skip


def from_cells(cells: Tensor) -> Tensor:
    """Join cells (B, F, H, W, 3072) to a clip; the four copies of the first frame are averaged."""
    video = rearrange(
        cells,
        "B F H W (C f h w) -> B C (F f) (H h) (W w)",
        f=COMPRESSION.frames, h=COMPRESSION.height, w=COMPRESSION.width, C=3,
    )  # fmt: skip
    first = video[:, :, : COMPRESSION.frames].mean(dim=2, keepdim=True)
    return torch.cat([first, video[:, :, COMPRESSION.frames :]], dim=2)


class Autoencoder(nn.Module):
    """Encodes pixels in [-1, 1] to latents of about unit power and decodes them again."""

    basis: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        """Empty components; `fit` or a checkpoint fills them."""
        super().__init__()
        self.config = config
        self.register_buffer("basis", torch.zeros(config.latent_channels, CELL_SIZE))
        self.register_buffer("mean", torch.zeros(CELL_SIZE))
        self.register_buffer("scale", torch.ones(config.latent_channels))
        self.refiner = Refiner(config) if config.decoder_channels else None

    def fit(self, cells: Tensor) -> None:
        """Set the linear code from example cells (N, 3072)."""
        self.mean.copy_(cells.mean(dim=0))
        centred = cells - self.mean
        covariance = centred.T @ centred / len(cells)
        values, vectors = torch.linalg.eigh(covariance)
        channels = self.config.latent_channels
        values, vectors = values.flip(0)[:channels], vectors.flip(1)[:, :channels]
        self.basis.copy_(vectors.T)
        deviation = values.clamp_min(1e-8).sqrt()
        common = deviation.mean().sqrt()  # the power of component i is its deviation / common^2
        self.scale.copy_(deviation.sqrt() * common)

    def encode(self, video: Tensor) -> Tensor:
        """Latents (B, C, F, H, W) of a clip (B, 3, 1 + 4k, 16 H, 16 W) in [-1, 1]."""
        latents = (to_cells(video) - self.mean) @ self.basis.T / self.scale
        return rearrange(latents, "B F H W C -> B C F H W")

    def decode_linear(self, latents: Tensor) -> Tensor:
        """The clip that the linear code alone stands for, not clamped."""
        cells = rearrange(latents, "B C F H W -> B F H W C") * self.scale @ self.basis + self.mean
        return from_cells(cells)

    def decode(self, latents: Tensor) -> Tensor:
        """The clip (B, 3, 1 + 4k, 16 H, 16 W) that latents stand for, in [-1, 1]."""
        video = self.decode_linear(latents)
        if self.refiner is not None:
            video = video + self.refiner(video, latents)
        return video.clamp(-1.0, 1.0)


class Refiner(nn.Module):
    """Draws what the linear code leaves out: edges, and the seams between cells.

    Works on single frames of the linear picture, folded to one eighth of its size, with the latents of
    the cell beside them; pointwise and depthwise 5 x 5 layers after Liu et al. 2022 (ConvNeXt,
    2201.03545). The last layer starts at zero: an untrained refiner changes nothing.
    """

    def __init__(self, config: AutoencoderConfig, fold: int = 8) -> None:
        """Build for `decoder_channels` at 1 / `fold` of the pixels."""
        super().__init__()
        self.fold = fold
        width = config.decoder_channels
        self.proj_in = nn.Conv2d(3 * fold * fold, width, 1)
        self.latent_in = nn.Conv2d(config.latent_channels, width, 1, bias=False)
        self.blocks = nn.ModuleList(_RefinerBlock(width) for _ in range(config.decoder_depth))
        self.proj_out = nn.Conv2d(width, 3 * fold * fold, 3, padding=1)
        nn.init.zeros_(self.proj_out.weight)
        if self.proj_out.bias is not None:
            nn.init.zeros_(self.proj_out.bias)

    def forward(self, video: Tensor, latents: Tensor) -> Tensor:
        """The correction (B, 3, F, H, W) to add to the linear picture.

        Args:
            video: (B, 3, 1 + 4k, H, W) from `decode_linear`.
            latents: (B, C, 1 + k, H / 16, W / 16).
        """
        batch, _, frames, _, _ = video.shape
        dtype = (
            self.proj_in.weight.dtype
        )  # may be bf16; the linear picture and the sum stay in fp32
        pictures = rearrange(video, "B C F H W -> (B F) C H W").clamp(-1.2, 1.2).to(dtype)
        x = self.proj_in(functional.pixel_unshuffle(pictures, self.fold))
        steps = torch.arange(frames)
        of_frame = (steps + COMPRESSION.frames - 1) // COMPRESSION.frames
        cells = self.latent_in(rearrange(latents, "B C F H W -> (B F) C H W").to(dtype))
        cells = rearrange(cells, "(B F) D H W -> B F D H W", B=batch)[:, of_frame]
        cells = rearrange(cells, "B F D H W -> (B F) D H W")
        x = x + functional.interpolate(
            cells, scale_factor=COMPRESSION.height // self.fold, mode="nearest"
        )
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        change = functional.pixel_shuffle(self.proj_out(x), self.fold).float()
        return rearrange(change, "(B F) C H W -> B C F H W", B=batch)


class _RefinerBlock(nn.Module):
    """Depthwise 5 x 5, then a pointwise network of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.up = nn.Conv2d(width, 2 * width, 1)
        self.down = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """One residual step on (B, D, H, W)."""
        update: Tensor = self.down(functional.gelu(self.up(self.norm(self.spread(x)))))
        return x + update
