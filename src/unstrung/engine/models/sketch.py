"""Sketches: portraits laid where a layout says, as a clip that the denoiser sees and paints from.

The denoiser has to learn how somebody looks in light, weather, style and motion; geometry need not be
learned: each pixel of a body is looked up on its portrait, after Jaderberg et al. 2015 (spatial transformers,
1506.02025) and, for warped references as a condition, Siarohin et al. 2018 (1801.00055). The sketch goes
through the autoencoder, so it speaks the denoiser's language, motion inside a latent frame included.

Axes: `B` batch, `S` spans, `P` portraits, `F` latent frames, `T` frames of the clip, `N` bodies.
"""

import torch
from torch import Tensor
from torch.nn import functional

from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, NUM_BODIES
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.layout import at_start, split_bodies
from unstrung.engine.shapes import COMPRESSION

GROUND = (1.0, -1.0, 1.0)  # behind the bodies; a colour that nobody wears
_KEY_LOW, _KEY_HIGH = 0.35, 0.9  # distances from it at which a pixel is ground, and body


@torch.no_grad()
def sketch_latents(
    autoencoder: Autoencoder,
    portraits: Tensor,
    layout: Tensor,
    frame_spans: Tensor,
    grid: tuple[int, int],
) -> Tensor:
    """Latents of the sketch less those of its ground, (B, C, F, H, W): 0 where there is nobody.

    Args:
        autoencoder: whose latents portraits are.
        portraits: (B, S, P, C, h, w) on `GROUND`.
        layout: (B, F, `LAYOUT_SIZE`) at the end of every latent frame.
        frame_spans: (B, F) whose portraits each frame shows.
        grid: H and W of the latents.
    """
    frames = sketch_frames(
        read_portraits(autoencoder, portraits),
        layout,
        frame_spans,
        grid[0] * COMPRESSION.height,
        grid[1] * COMPRESSION.width,
    )
    ground = torch.tensor(GROUND).view(1, 3, 1, 1, 1)
    ground = ground.expand(-1, -1, 1, COMPRESSION.height, COMPRESSION.width)
    latents: Tensor = autoencoder.encode(frames) - autoencoder.encode(ground)
    return latents


def read_portraits(autoencoder: Autoencoder, portraits: Tensor) -> Tensor:
    """Pictures (..., 3, 16 h, 16 w) of portraits (..., C, h, w), in [-1, 1]."""
    flat = portraits.flatten(0, -4)[:, :, None].to(autoencoder.mean.dtype)
    pictures = autoencoder.decode_linear(flat)[:, :, -1].clamp(-1, 1)
    return pictures.reshape(*portraits.shape[:-3], *pictures.shape[1:])


@torch.no_grad()
def sketch_pictures(
    autoencoder: Autoencoder,
    portraits: Tensor,
    layout: Tensor,
    frame_spans: Tensor,
    grid: tuple[int, int],
) -> Tensor:
    """The sketch as the decoder looks at it, (B, 4, T, 16 H, 16 W): colour, 0 where nobody is, and cover.

    Args:
        autoencoder, portraits, layout, frame_spans, grid: as in `sketch_latents`.
    """
    height, width = grid[0] * COMPRESSION.height, grid[1] * COMPRESSION.width
    pictures = read_portraits(autoencoder, portraits)
    frames = sketch_frames(pictures, layout, frame_spans, height, width)
    cover = _cover(frames.transpose(1, 2)).transpose(1, 2)
    return torch.cat([frames * cover, cover], dim=1)


def sketch_frames(
    pictures: Tensor, layout: Tensor, frame_spans: Tensor, height: int, width: int
) -> Tensor:
    """The sketch as a clip (B, 3, T, height, width) in [-1, 1].

    Args:
        pictures: (B, S, P, 3, h, w) in [-1, 1] on `GROUND`.
        layout, frame_spans: as in `sketch_latents`.
        height, width: of the clip [px].
    """
    bodies, spans = _every_frame(layout, frame_spans)  # (B, T, N, fields), (B, T)
    batch, total = spans.shape
    # Farthest first, so that nearer bodies are laid over them.
    order = bodies[..., BODY.index("depth")].argsort(dim=-1, descending=True, stable=True)
    canvas = torch.tensor(GROUND).view(3, 1, 1).expand(batch * total, 3, height, width).clone()
    pages = torch.cat([pictures, _cover(pictures)], dim=3)  # (B, S, P, 4, h, w)
    index = torch.arange(batch)[:, None].expand(-1, total)
    for place in range(NUM_BODIES):
        number = order[..., place]  # (B, T)
        body = torch.gather(bodies, 2, number[..., None, None].expand(-1, -1, 1, len(BODY)))
        body = body.flatten(0, 1)[:, 0]
        rows = torch.nonzero(body[:, 0] > 0).flatten()
        if not len(rows):
            continue
        who = pages[
            index.flatten()[rows], spans.flatten()[rows],
            (number // BODIES_PER_ACTOR).flatten()[rows],
        ]  # fmt: skip
        seen = _look_up(who, body[rows], height, width)
        colour, cover = seen[:, :3], seen[:, 3:]
        canvas[rows] = canvas[rows] * (1 - cover) + colour * cover
    return canvas.reshape(batch, total, 3, height, width).transpose(1, 2)


def _every_frame(layout: Tensor, frame_spans: Tensor) -> tuple[Tensor, Tensor]:
    """Bodies (B, T, N, fields) and spans (B, T) of all frames of the clip, evenly between known moments."""
    before = at_start(layout, frame_spans)
    steps = COMPRESSION.frames
    shares = (torch.arange(steps) + 1).view(1, 1, steps, 1) / steps
    between = before[:, 1:, None] + (layout - before)[:, 1:, None] * shares
    numbers = torch.cat([layout[:, :1], between.flatten(1, 2)], dim=1)
    bodies = split_bodies(numbers).clone()
    # Whoever comes or goes with a cut is there or not there, and nobody fades.
    present = torch.cat([layout[:, :1], layout[:, 1:].repeat_interleave(steps, dim=1)], dim=1)
    whole = split_bodies(present)
    new = (bodies[..., :1] < 1) & (whole[..., :1] > 0)
    bodies = torch.where(new | (whole[..., :1] == 0), whole, bodies)
    spans = torch.cat(
        [frame_spans[:, :1], frame_spans[:, 1:].repeat_interleave(steps, dim=1)], dim=1
    )
    return bodies, spans


def _cover(pictures: Tensor) -> Tensor:
    """How much of each pixel is body and not ground, (..., 1, h, w) in [0, 1]."""
    ground = torch.tensor(GROUND).view(3, 1, 1)
    distance = (pictures - ground).abs().amax(dim=-3, keepdim=True)
    return ((distance - _KEY_LOW) / (_KEY_HIGH - _KEY_LOW)).clamp(0.0, 1.0)


def _look_up(pages: Tensor, bodies: Tensor, height: int, width: int) -> Tensor:
    """What each pixel shows of a body, (R, 4, height, width): colour and cover."""
    _, x, y, size, cos, sin, mirror, _ = bodies[:, :, None, None].unbind(1)  # (R, 1, 1)
    down = ((torch.arange(height) + 0.5) / height - 0.5).view(1, -1, 1) - y
    across = ((torch.arange(width) + 0.5) / height - width / height / 2).view(1, 1, -1) - x
    half = size.clamp_min(1e-3) / 2 * torch.hypot(cos, sin).clamp_min(1e-3)
    u, v = mirror * (cos * across + sin * down) / half, (cos * down - sin * across) / half
    places = torch.stack([u, v], dim=-1)
    return functional.grid_sample(pages, places, align_corners=False)
