"""Which way of teaching a few-step student is better: students beside their teacher, from the same noise.

Usage: python runs/student_study.py TEACHER_FOLDER STUDENT_RUN [STUDENT_RUN ...]

For held-out scripts the teacher draws with guidance, then every student in 1, 2, 4 and 12 steps without.
Printed are the relative squared error of the latents against the teacher's, and what the oracle reads right.
The teacher itself in as few steps is the line that a student has to beat.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine import evaluation
from unstrung.engine.checkpoints import load_transformer, shipped_weights
from unstrung.engine.denoising import Denoiser
from unstrung.engine.evaluation import EvaluationRequest
from unstrung.engine.judging import Judge
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.oracle import load_oracle
from unstrung.engine.theatre.render import shot_of_latent_frames

CLIP = LatentShape(13, 8, 8)
BATCH = 8
Settings = tuple[str, Denoiser, int, float]


def main() -> None:
    """Draw, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("students", type=Path, nargs="*")
    parser.add_argument("--num", type=int, default=64)
    parser.add_argument("--only-students", action="store_true", help="leave the teacher's rows out")
    asked = parser.parse_args()
    model = TextToVideo.load(asked.teacher)
    teacher = model.denoiser
    steps, scale = model.model.num_steps, model.model.guidance_scale
    arms: list[Settings] = []
    if not asked.only_students:
        arms += [("teacher", teacher, n, scale) for n in (50, 1, 2, 4, 6)]
        arms += [("teacher, unguided", teacher, n, 1.0) for n in (2, 4, 12)]
    for folder in asked.students:
        transformer, _ = load_transformer(folder / "transformer.safetensors")
        student = replace(teacher, transformer=transformer.to(teacher.dtype).eval())
        arms += [(folder.name, student, n, 1.0) for n in (1, 2, 4, 12)]
    names = members_of("lead")
    request = EvaluationRequest(num=asked.num, num_pairs=0, seed=3)
    scenes = evaluation._scenes(request)
    judge = Judge(load_oracle(shipped_weights() / "oracle.safetensors"), names)
    rows: dict[str, list[tuple[float, dict[str, bool]]]] = {}
    for start in range(0, len(scenes), BATCH):
        batch = scenes[start : start + BATCH]
        given = _drawn(model, teacher, batch, steps, scale)
        for label, latents in [(f"teacher, {steps} steps", given)] + [
            (f"{name}, {n} steps", _drawn(model, denoiser, batch, n, guidance))
            for name, denoiser, n, guidance in arms
        ]:
            error = (latents - given).square().sum((1, 2, 3, 4)) / given.square().sum((1, 2, 3, 4))
            for index, scene in enumerate(batch):
                marks = judge.marks(scene.script, model.decode(latents[index : index + 1]))
                rows.setdefault(label, []).append((float(error[index]), dict(marks.right)))
    print("| arm | error against the teacher | actor % | setting % | action % | camera % |")
    print("|---|---|---|---|---|---|")
    for label, found in rows.items():
        shares = [
            100 * np.mean([m[c] for _, m in found])
            for c in ("actor", "setting", "action", "camera")
        ]
        scores = " | ".join(f"{share:.1f}" for share in shares)
        print(f"| {label} | {np.mean([e for e, _ in found]):.4f} | {scores} |")


def _drawn(
    model: TextToVideo,
    denoiser: Denoiser,
    batch: Sequence[evaluation._Scene],
    steps: int,
    scale: float,
) -> Tensor:
    captions = [scene.captions for scene in batch]
    spans = torch.tensor([shot_of_latent_frames(len(each), CLIP.frames) for each in captions])
    seeds = [scene.noise_seed for scene in batch]
    layout = denoiser.lay_out(captions, spans, seeds, 1.0)
    noise = denoiser.noise(CLIP, seeds)
    return denoiser.draw(captions, spans, noise, steps, scale, model.model.shift, layout=layout)


if __name__ == "__main__":
    main()
