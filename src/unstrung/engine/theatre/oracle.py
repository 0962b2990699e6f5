"""The oracle: reads a script back from frames, so that generated clips can be judged without taste.

A small convolutional network looks at nine moments of a clip; heads name who is on stage, where, what
happens, how the camera moves, how many and in which relation. It has seen renders of real scripts only,
never anything a generator drew, and its own accuracy on real renders is the ceiling printed beside every
score. Axes: `B` batch, `F` frames, `H W` pixels, `D` features.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unstrung.engine.checkpoints import fill, load_tensors, save_tensors
from unstrung.engine.errors import CheckpointError, InvalidRequest
from unstrung.engine.theatre.script import FIELDS, Shot

NUM_MOMENTS = 9
INPUT_SIZE = 128


@dataclass(frozen=True)
class OracleConfig:
    """Sizes of the oracle and the cast that it knows.

    Attributes:
        cast: names, in the order of the actor scores.
        widths: channels at 1/4, 1/8, 1/16 of the picture.
        feature_size: D.
    """

    cast: tuple[str, ...]
    widths: tuple[int, int, int] = (64, 96, 160)
    feature_size: int = 256


# What the heads name besides actors, in their order; the size of an actor is told by nobody to nobody's use.
QUESTIONS = tuple(field for name, field in FIELDS.items() if name != "size")


def field_answers(shot: Shot) -> list[int]:
    """The true answer to each of `QUESTIONS`."""
    return [field.answer(shot) for field in QUESTIONS]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.GroupNorm(8, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """One residual step on (B, D, H, W)."""
        update: Tensor = self.second(functional.silu(self.first(self.norm(x))))
        return x + update


@dataclass(frozen=True)
class Reading:
    """Scores that the oracle gives to a batch of clips.

    Attributes:
        actors: (B, cast), a logit of presence for each member.
        fields: for each of `QUESTIONS`, (B, answers) logits.
    """

    actors: Tensor
    fields: tuple[Tensor, ...]


class Oracle(nn.Module):
    """Frames in, scores for every part of the script out."""

    def __init__(self, config: OracleConfig) -> None:
        """Build an untrained oracle."""
        super().__init__()
        self.config = config
        first, second, third = config.widths
        size = config.feature_size
        self.stem = nn.Conv2d(3, first, 4, stride=4)
        self.trunk = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            _Residual(second),
            nn.Conv2d(second, third, 3, stride=2, padding=1),
            _Residual(third),
            _Residual(third),
            nn.GroupNorm(8, third),
            nn.SiLU(),
        )
        self.layout = nn.Conv2d(third, 12, 1)
        self.to_features = nn.Linear(2 * third + 12 * 64, size)
        self.moments = nn.Sequential(
            nn.Conv1d(2 * size, size, 3, padding=1), nn.SiLU(),
            nn.Conv1d(size, size, 3, padding=1), nn.SiLU(),
        )  # fmt: skip
        self.actor_head = nn.Linear(2 * third, len(config.cast))
        self.heads = nn.ModuleList(nn.Linear(3 * size, len(field.options)) for field in QUESTIONS)

    def forward(self, frames: Tensor) -> Reading:
        """Read clips (B, F, 3, 128, 128) in [-1, 1]; F is 1 or `NUM_MOMENTS`."""
        batch, count = frames.shape[:2]
        x = self.trunk(
            self.stem(frames.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        )
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)  # (B F, 2 third)
        places = self.layout(x).flatten(1)
        features = self.to_features(torch.cat([pooled, places], dim=1)).unflatten(0, (batch, count))
        actors = self.actor_head(pooled).unflatten(0, (batch, count)).mean(dim=1)
        changes = torch.diff(features, dim=1, prepend=features[:, :1])
        series = torch.cat([features, changes], dim=2).transpose(1, 2)  # (B, 2 D, F)
        moved = self.moments(series)
        whole = torch.cat([moved.mean(dim=2), moved.amax(dim=2), features.mean(dim=1)], dim=1)
        return Reading(actors, tuple(head(whole) for head in self.heads))


def moments_of(clip: np.ndarray, start: int = 0, end: int | None = None) -> Tensor:
    """What the oracle looks at of a clip: nine moments (or one, of a still), squared to 128 x 128.

    Args:
        clip: (F, H, W, 3) uint8.
        start, end: the frames of the shot to read; the whole clip by default.

    Returns:
        (1, F, 3, 128, 128) in [-1, 1].

    Raises:
        InvalidRequest: if the stretch holds no frame.
    """
    part = clip[start:end]
    if not len(part):
        raise InvalidRequest("clip", f"frames {start} to {end}", "hold at least one frame")
    wanted = 1 if len(part) == 1 else NUM_MOMENTS
    chosen = part[np.linspace(0, len(part) - 1, wanted).round().astype(int)]
    height, width = chosen.shape[1:3]
    frames = torch.from_numpy(chosen).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    if (height, width) != (INPUT_SIZE, INPUT_SIZE):
        # Tall clips get sides; wide ones are squeezed, so that nobody at their edges is lost.
        scale = INPUT_SIZE / height
        size = (INPUT_SIZE, max(1, round(width * scale)))
        frames = functional.interpolate(frames, size=size, mode="bilinear", antialias=True)
        excess = frames.shape[-1] - INPUT_SIZE
        if excess > 0:
            square = (INPUT_SIZE, INPUT_SIZE)
            frames = functional.interpolate(frames, size=square, mode="bilinear", antialias=True)
        elif excess < 0:
            frames = functional.pad(
                frames, (-excess // 2, -excess - (-excess // 2), 0, 0), mode="replicate"
            )
    return frames[None]


def save_oracle(path: Path, oracle: Oracle, dtype: torch.dtype = torch.float32) -> None:
    """Write an oracle with the cast that it knows."""
    tensors = {key: value.to(dtype) for key, value in oracle.state_dict().items()}
    save_tensors(path, tensors, {"config": asdict(oracle.config)})


def load_oracle(path: Path) -> Oracle:
    """Read an oracle, ready to judge.

    Raises:
        CheckpointError: if the file is missing, damaged or of another model.
    """
    tensors, metadata = load_tensors(path)
    raw = metadata.get("config", {})
    if "cast" not in raw:
        raise CheckpointError(
            f"The weight file {path} holds no oracle: its metadata names no cast."
        )
    plain = OracleConfig(tuple(raw["cast"]))
    sizes = tuple(raw.get("widths", plain.widths)), raw.get("feature_size", plain.feature_size)
    oracle = Oracle(OracleConfig(plain.cast, *sizes))
    fill(oracle, tensors, path)
    return oracle.eval()
