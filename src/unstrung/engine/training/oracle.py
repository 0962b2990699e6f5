"""Teaching the oracle: renders of real scripts in, the script's fields out."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from unstrung.engine.data.dataset import Batch
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.theatre.oracle import FIELDS, NUM_MOMENTS, Oracle, Reading, field_answers
from unstrung.engine.theatre.script import Script

_STILL_FIELDS = frozenset({"setting", "relation", "count", "time_of_day", "weather", "style"})


def targets(scripts: Sequence[Script], cast: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Presence of every member (B, cast) and field answers (B, fields), of each script's first shot."""
    index = {name: i for i, name in enumerate(cast)}
    present = torch.zeros(len(scripts), len(cast))
    for row, script in enumerate(scripts):
        for actor in script.shots[0].actors:
            present[row, index[actor.name]] = 1.0
    answers = torch.tensor([field_answers(script.shots[0]) for script in scripts])
    return present, answers


def oracle_loss(reading: Reading, present: Tensor, answers: Tensor, is_still: bool) -> Tensor:
    """Who is there, as a distribution over the cast, plus every field that the frames can tell."""
    wanted = present / present.sum(dim=1, keepdim=True)
    loss = functional.cross_entropy(reading.actors, wanted)
    for index, field in enumerate(FIELDS):
        if not is_still or field.name in _STILL_FIELDS:
            loss = loss + 0.5 * functional.cross_entropy(reading.fields[index], answers[:, index])
    return loss


def decoded_moments(autoencoder: Autoencoder, batch: Batch, rng: np.random.Generator) -> Batch:
    """A batch of cached renders as the frames that the oracle looks at.

    The cache holds renders as latents; the linear code gives them back at about 30 dB, so the oracle learns
    to look past the code's small flaws, which are not what it judges.

    Returns:
        A batch whose `latents` are frames (B, 1 or 9, 3, H, W), flipped in brightness only slightly.
    """
    frames = batch.latents.shape[2]
    if frames == 1:
        picked = batch.latents
    else:
        places = np.linspace(0, frames - 1, NUM_MOMENTS).round().astype(int)
        picked = batch.latents[:, :, places]
    num = picked.shape[2]
    flat = picked.transpose(1, 2).flatten(0, 1)[:, :, None]  # every latent frame on its own
    cells = torch.einsum("bcfhw,cn->bfhwn", flat * autoencoder.scale[:, None, None, None], autoencoder.basis)
    cells = cells + autoencoder.mean
    video = _last_frame(cells).unflatten(0, (len(batch.scripts), num))
    gain = 1 + 0.1 * torch.from_numpy(rng.standard_normal((len(batch.scripts), 1, 1, 1, 1))).float()
    return Batch((video * gain).clamp(-1, 1), batch.scripts)


def _last_frame(cells: Tensor) -> Tensor:
    """The newest of the four frames in cells (N, 1, H, W, 3072), as pictures (N, 3, 16 H, 16 W)."""
    n, _, rows, columns, _ = cells.shape
    split = cells.view(n, rows, columns, 3, 4, 16, 16)[:, :, :, :, -1]
    return split.permute(0, 3, 1, 4, 2, 5).reshape(n, 3, rows * 16, columns * 16)


def accuracy(oracle: Oracle, frames: Tensor, scripts: Sequence[Script]) -> dict[str, float]:
    """Share of right answers per field; `actor` counts the set of everybody on stage."""
    with torch.inference_mode():
        reading = oracle(frames)
    present, answers = targets(scripts, oracle.config.cast)
    right = []
    for row in range(len(scripts)):
        count = int(present[row].sum())
        named = set(reading.actors[row].topk(count).indices.tolist())
        right.append(named == set(torch.nonzero(present[row]).flatten().tolist()))
    scores = {"actor": float(np.mean(right))}
    for index, field in enumerate(FIELDS):
        hits = reading.fields[index].argmax(dim=1) == answers[:, index]
        scores[field.name] = float(hits.float().mean())
    return scores
