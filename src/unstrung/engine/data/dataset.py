"""Batches of cached latents: clips of one shape at a time, drawn with a seeded generator."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.errors import DataError
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.script import Script

_NAME = re.compile(r"(\d+)x(\d+)x(\d+)-.*\.npy")


@dataclass(frozen=True)
class Batch:
    """Latents and what they show.

    Attributes:
        latents: (B, C, F, H, W) float32.
        scripts: what they were rendered from.
        begun: clips whose first frame lies in the middle of what happens; empty means none of them.
    """

    latents: Tensor
    scripts: tuple[Script, ...]
    begun: tuple[bool, ...] = ()


class LatentCache:
    """Shards of a folder, grouped by latent shape; reads only what a batch needs."""

    def __init__(self, folder: Path) -> None:
        """List the shards.

        Raises:
            DataError: if the folder holds none.
        """
        self._shards: dict[LatentShape, list[tuple[np.ndarray, list[str]]]] = defaultdict(list)
        for path in sorted(folder.glob("*.npy")):
            match = _NAME.fullmatch(path.name)
            if match is None:
                continue
            shape = LatentShape(*(int(group) for group in match.groups()))
            scripts = path.with_suffix(".jsonl").read_text("utf-8").splitlines()
            self._shards[shape].append((np.load(path, mmap_mode="r"), scripts))
        if not self._shards:
            raise DataError(f"{folder} holds no latents; run `unstrung data prepare` first.")

    @property
    def counts(self) -> Mapping[LatentShape, int]:
        """How many clips of each shape there are."""
        return {s: sum(len(names) for _, names in shards) for s, shards in self._shards.items()}

    def draw(self, shape: LatentShape, size: int, rng: np.random.Generator) -> Batch:
        """A batch of `size` clips of one shape, drawn with replacement from three shards."""
        shards = self._shards[shape]
        parts, scripts = [], []
        picks = rng.integers(len(shards), size=min(3, size))
        sizes = [
            size // len(picks) + (1 if i < size % len(picks) else 0) for i in range(len(picks))
        ]
        for pick, part in zip(picks, sizes, strict=True):
            latents, lines = shards[int(pick)]
            rows = np.sort(rng.integers(len(lines), size=part))
            parts.append(torch.from_numpy(latents[rows].astype(np.float32)))
            scripts += [Script.from_json(lines[int(row)]) for row in rows]
        return Batch(torch.cat(parts), tuple(scripts))
