"""The identity study: which choices teach a small transformer who is who, at equal time.

Every arm trains on the same cached stills for the same minutes on the same cores, then draws held-out
combinations, and the oracle says whom it sees. `python runs/identity_study.py --help` lists the arguments;
the table goes to standard output and to `study.json` in the output folder.
"""

import argparse
import copy
import json
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unstrung.engine.checkpoints import load_autoencoder, load_tensors, load_text_encoder
from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.denoising import Denoiser
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.oracle import Oracle, OracleConfig
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.objectives import ObjectiveConfig
from unstrung.engine.training.oracle import accuracy
from unstrung.engine.training.text import CAPTION_NAMES
from unstrung.engine.training.trainer import Trainer

STILL = LatentShape(1, 8, 8)


@dataclass(frozen=True)
class Arm:
    """One choice that differs from the base."""

    name: str
    objective: ObjectiveConfig = ObjectiveConfig()
    patch_size: int = 2
    hidden_size: int = 384
    depth: int = 8
    channels: int = 128
    batch: int = 128
    muon: bool = True
    pooled: bool = True
    portraits: bool = False


BASE = Arm("base: clean target, 32 px tokens, 128 numbers, width 384, Muon")
ARMS = {
    "base": BASE,
    "velocity": replace(BASE, name="velocity target", objective=ObjectiveConfig(target="velocity")),
    "tokens16": replace(BASE, name="16 px tokens", patch_size=1, batch=64),
    "unweighted": replace(BASE, name="loss on clean latents, unweighted", objective=ObjectiveConfig(weight_power=0.0)),
    "weight1": replace(BASE, name="loss weighted 1 / t", objective=ObjectiveConfig(weight_power=1.0)),
    "highnoise": replace(BASE, name="times shifted to high noise (mean 1.2)", objective=ObjectiveConfig(time_mean=1.2)),
    "narrow": replace(BASE, name="width 256, depth 8", hidden_size=256),
    "adamw": replace(BASE, name="AdamW everywhere", muon=False),
    "numbers64": replace(BASE, name="64 numbers per cell", channels=64),
    "portraits": replace(BASE, name="actor slots taught to tell looks", portraits=True),
    "nopooled": replace(BASE, name="no pooled caption in the modulation", pooled=False),
}


class SlicedCache(LatentCache):
    """The same cache with the strongest `channels` components only, brought back to unit power."""

    def __init__(self, folder: Path, channels: int, factor: float) -> None:
        """Keep `channels` components and multiply by `factor`."""
        super().__init__(folder)
        self.channels, self.factor = channels, factor

    def draw(self, shape: LatentShape, size: int, rng: np.random.Generator) -> Batch:
        """As the parent, sliced."""
        batch = super().draw(shape, size, rng)
        return Batch(batch.latents[:, : self.channels] * self.factor, batch.scripts)


def sliced(autoencoder: Autoencoder, channels: int) -> tuple[Autoencoder, float]:
    """An autoencoder of the strongest components, and the factor that keeps unit power."""
    small = Autoencoder(AutoencoderConfig(channels))
    small.mean.copy_(autoencoder.mean)
    small.basis.copy_(autoencoder.basis[:channels])
    power = autoencoder.scale[:channels].square()  # deviation i over scale i is sqrt(deviation)
    factor = float((power.mean() / autoencoder.scale.square().mean()) ** -0.5)
    small.scale.copy_(autoencoder.scale[:channels] / factor)
    return small, factor


def run_arm(arm: Arm, args: argparse.Namespace, oracle: Oracle) -> dict[str, object]:
    """Train one arm for the given minutes and judge it."""
    torch.manual_seed(0)
    autoencoder, factor = sliced(load_autoencoder(args.autoencoder), arm.channels)
    model = TransformerConfig(arm.channels, arm.patch_size, arm.hidden_size, arm.depth, arm.hidden_size // 64)
    folder = args.text_portraits if arm.portraits else args.text
    text_encoder = load_text_encoder(folder / "text_encoder.safetensors").train()
    transformer = Transformer(model)
    config = TrainingConfig(
        Mixture(((STILL, 1.0),), batch_tokens=10**6, max_batch=arm.batch),
        objective=arm.objective,
        muon_lr=1.5e-3 if arm.muon else 1e-9,
        cooldown_share=0.3,
        ema_decay=0.99,
    )
    trainer = Trainer(config, transformer, text_encoder, SlicedCache(args.cache, arm.channels, factor))
    trainer.reader.load_state_dict(torch.load(folder / "reader.pt"))
    if not arm.muon:
        trainer.optimizers = (torch.optim.AdamW(trainer.parameters, 1e-3, betas=(0.9, 0.98), weight_decay=0.0),)
        trainer.config = replace(config, muon_lr=1e-3)
    if not arm.pooled:
        transformer.pooled_embedding.requires_grad_(False)
        torch.nn.init.zeros_(transformer.pooled_embedding.weight)
    started, losses = time.perf_counter(), []
    while (spent := time.perf_counter() - started) < args.minutes * 60:
        losses.append(trainer.train_step(1 - spent / (args.minutes * 60)).loss)
    trainer.ema.copy_to(transformer)
    trainer.text_ema.copy_to(text_encoder)
    denoiser = Denoiser(transformer.eval(), text_encoder.eval(), arm.objective.target)
    scores = judge(denoiser, autoencoder, oracle, args, arm)
    return {
        "arm": arm.name,
        "parameters_m": round(sum(p.numel() for p in transformer.parameters()) / 1e6, 1),
        "steps": trainer.step,
        "samples": trainer.num_samples,
        "ms_per_sample": round(1000 * trainer.seconds / trainer.num_samples, 1),
        "last_loss": round(float(np.mean(losses[-30:])), 4),
        **scores,
    }


def judge(
    denoiser: Denoiser, autoencoder: Autoencoder, oracle: Oracle, args: argparse.Namespace, arm: Arm
) -> dict[str, float]:
    """Oracle scores on held-out stills, and a contact sheet of them."""
    rng, words = np.random.default_rng(1), random.Random(1)
    scripts = [draw_script(Repertoire(members_of("lead")), rng, "heldout") for _ in range(args.num)]
    captions = [write_caption(s, "en", CAPTION_NAMES, words, 0.5) for s in scripts]
    noise = denoiser.noise(STILL, range(args.num))
    spans = torch.zeros(args.num, 1, dtype=torch.long)
    latents = denoiser.draw(captions, spans, noise, num_steps=20, guidance_scale=2.5)
    pictures = autoencoder.decode(latents)[:, :, 0]
    found = accuracy(oracle, pictures[:, None], scripts)
    columns = 12
    tiles = ((pictures[: columns * 6].permute(0, 2, 3, 1) + 1) * 127.5).byte().numpy()
    rows = [np.concatenate(list(tiles[i : i + columns]), axis=1) for i in range(0, len(tiles), columns)]
    sheet = np.concatenate([row for row in rows if row.shape[1] == columns * 128])
    Image.fromarray(sheet).save(args.out / f"{arm.name.split(':')[0].replace(' ', '_').replace('/', '')}.jpg")
    return {"actor": round(found["actor"], 3), "setting": round(found["setting"], 3)}


def main() -> None:
    """Run the arms named on the command line, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--minutes", type=float, default=3.0, help="training time of each arm")
    parser.add_argument("--num", type=int, default=96, help="held-out stills to judge")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="folder of a text run")
    parser.add_argument("--text-portraits", type=Path, required=True, help="the same, with portraits")
    parser.add_argument("--oracle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    tensors, metadata = load_tensors(args.oracle)
    oracle = Oracle(OracleConfig(tuple(metadata["config"]["cast"])))
    oracle.load_state_dict(tensors)
    oracle.eval()
    results = []
    for name in args.arms:
        result = run_arm(copy.deepcopy(ARMS[name]), args, oracle)
        print(json.dumps(result), flush=True)
        results.append(result)
        (args.out / "study.json").write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
