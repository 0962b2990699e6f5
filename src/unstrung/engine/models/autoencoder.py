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
        decoder_channels: width of the learned decoder at one quarter of the pixels; 0 for linear only.
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

    def decode(self, latents: Tensor, sketch: Tensor | None = None) -> Tensor:
        """The clip (B, 3, 1 + 4k, 16 H, 16 W) that latents stand for, in [-1, 1].

        Args:
            latents: (B, C, 1 + k, H, W).
            sketch: (B, 4, 1 + 4k, 16 H, 16 W) from `models.sketch.sketch_pictures`, who was meant to be
                where; None shows the decoder nobody.
        """
        video = self.decode_linear(latents)
        if self.refiner is not None:
            video = video + self.refiner(video, latents, sketch)
        return video.clamp(-1.0, 1.0)


class Refiner(nn.Module):
    """Draws what the linear code leaves out and what the transformer left unclear, seeing who was meant.

    A decoder that takes the last step of denoising, after HaCohen et al. 2024 (LTX-Video, 2501.00103), and
    looks details up on the sketch of the portraits, as the transformer does. Works on single frames of the
    linear picture, folded to one quarter of its size, with the sketch beside it, the latents of the cell and
    of the one before it, and which frame of its cell it is; pointwise and depthwise 7 x 7 layers after Liu et
    al. 2022 (ConvNeXt, 2201.03545). What comes out is a change of colour and how far to go over to the
    sketch's own. Causal, as the encoder is. The last layer starts at zero: an untrained one changes nothing.
    """

    FOLD = 4
    FRAMES_AT_ONCE = 16  # what fits into a cache: 49 at once took 1.6 times as long
    SKETCH_CHANNELS = 4  # colour and cover

    def __init__(self, config: AutoencoderConfig) -> None:
        """Build for `decoder_channels` at one quarter of the pixels."""
        super().__init__()
        width, area = config.decoder_channels, self.FOLD * self.FOLD
        self.proj_in = nn.Conv2d((3 + self.SKETCH_CHANNELS) * area, width, 1)
        self.latent_in = nn.Conv2d(2 * config.latent_channels, width, 1, bias=False)
        self.moment_in = nn.Embedding(COMPRESSION.frames, width)
        self.blocks = nn.ModuleList(_RefinerBlock(width) for _ in range(config.decoder_depth))
        self.proj_out = nn.Conv2d(width, (3 + 1) * area, 3, padding=1)
        nn.init.zeros_(self.moment_in.weight)
        nn.init.zeros_(self.proj_out.weight)
        if self.proj_out.bias is not None:
            nn.init.zeros_(self.proj_out.bias)

    def forward(self, video: Tensor, latents: Tensor, sketch: Tensor | None = None) -> Tensor:
        """The correction (B, 3, F, H, W) to add to the linear picture.

        Args:
            video: (B, 3, 1 + 4k, H, W) from `decode_linear`.
            latents: (B, C, 1 + k, H / 16, W / 16).
            sketch: (B, 4, 1 + 4k, H, W); None for nobody.
        """
        batch, _, frames, _, _ = video.shape
        steps = torch.arange(frames) + COMPRESSION.frames - 1
        of_frame, moments = steps // COMPRESSION.frames, steps % COMPRESSION.frames
        before = torch.cat([latents[:, :, :1], latents[:, :, :-1]], dim=2)
        cells = torch.cat([latents, before], dim=1)[:, :, of_frame]
        if sketch is None:
            sketch = video.new_zeros(batch, self.SKETCH_CHANNELS, *video.shape[2:])
        seen = (
            rearrange(video, "B C F H W -> (B F) C H W"),
            rearrange(cells, "B C F H W -> (B F) C H W"),
            moments.repeat(batch),
            rearrange(sketch, "B C F H W -> (B F) C H W"),
        )
        starts = range(0, len(seen[0]), self.FRAMES_AT_ONCE)
        parts = [[each[i : i + self.FRAMES_AT_ONCE] for each in seen] for i in starts]
        change = torch.cat([self.of_frames(*part) for part in parts])
        return rearrange(change, "(B F) C H W -> B C F H W", B=batch)

    def of_frames(self, pictures: Tensor, cells: Tensor, moments: Tensor, sketch: Tensor) -> Tensor:
        """The same for frames (N, 3, H, W) from anywhere.

        Args:
            pictures: (N, 3, H, W) of the linear code.
            cells: (N, 2 C, h, w) latents of each frame's cell and of the cell before it.
            moments: (N,) place of each frame in its cell, 0 to 3.
            sketch: (N, 4, H, W) colour, 0 where there is nobody, and cover.
        """
        # It may be bf16; the linear picture and the sum stay in fp32.
        dtype = self.proj_in.weight.dtype
        seen = torch.cat([pictures.clamp(-1.2, 1.2), sketch], dim=1).to(dtype)
        x = self.proj_in(functional.pixel_unshuffle(seen, self.FOLD))
        told = self.latent_in(cells.to(dtype)) + self.moment_in(moments)[:, :, None, None]
        factor = COMPRESSION.height // self.FOLD
        x = x + functional.interpolate(told, scale_factor=factor, mode="nearest")
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        drawn = functional.pixel_shuffle(self.proj_out(x), self.FOLD).float()
        change, share = drawn[:, :3], drawn[:, 3:]
        return change + share * (sketch[:, :3] - sketch[:, 3:] * pictures)


class _RefinerBlock(nn.Module):
    """Depthwise 7 x 7, then a pointwise network of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.up = nn.Conv2d(width, 2 * width, 1)
        self.down = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """One residual step on (B, D, H, W)."""
        update: Tensor = self.down(functional.gelu(self.up(self.norm(self.spread(x)))))
        return x + update
