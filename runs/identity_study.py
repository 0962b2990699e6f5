"""The identity study: which choices teach a small transformer who is who, at equal time.

Every arm trains on the same cached stills of a few characters for the same minutes on the same cores, then
draws held-out combinations, and the oracle (which knows the whole lead cast) says whom it sees. Few
characters and a small network show differences within minutes; with all 141 nothing could be told apart.

`python runs/identity_study.py --help` lists the arguments; the table goes to standard output and to
`study.json` in the output folder.
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

from unstrung.engine import flow
from unstrung.engine.checkpoints import load_autoencoder, load_tensors, load_text_encoder
from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.denoising import Denoiser
from unstrung.engine.flow import Target
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.precision import choose_precision
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.fetch import art_folder
from unstrung.engine.theatre.oracle import Oracle, OracleConfig
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import Script
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.objectives import ObjectiveConfig
from unstrung.engine.training.oracle import accuracy
from unstrung.engine.training.portraits import portrait_book, teach_casting, with_portraits
from unstrung.engine.training.text import CAPTION_NAMES, load_reader
from unstrung.engine.training.trainer import Trainer

STILL = LatentShape(1, 8, 8)


@dataclass(frozen=True)
class Arm:
    """One choice that differs from the base."""

    name: str
    objective: ObjectiveConfig = ObjectiveConfig()
    patch_size: int = 1
    hidden_size: int = 384
    depth: int = 6
    channels: int = 128
    batch: int = 96
    lr: float = 4e-3
    muon: bool = True
    pooled: bool = True
    route_share: float = 0.0
    fine_depth: int = 0
    portraits: bool = False


def _weighted(power: float, target: Target = "clean", time_mean: float = 1.0) -> ObjectiveConfig:
    return ObjectiveConfig(target, time_mean=time_mean, uniform_share=0.2, weight_power=power)


BASE = Arm("base: clean target, unweighted, 16 px tokens, width 384, Muon 4e-3", _weighted(0.0))
ARMS = {
    "base": BASE,
    "tokens32": replace(BASE, name="32 px tokens", patch_size=2, batch=192),
    "fine2": replace(
        BASE, name="32 px tokens, then 2 blocks at 16 px", patch_size=2, fine_depth=2, batch=128
    ),
    "portraits": replace(
        BASE,
        name="32 px then 16 px, portraits as tokens",
        patch_size=2,
        fine_depth=2,
        batch=128,
        portraits=True,
    ),
    "fine2_batch48": replace(
        BASE, name="32 px then 16 px, batch 48", patch_size=2, fine_depth=2, batch=48
    ),
    "clean2": replace(BASE, name="clean target, weight 1 / t^2", objective=_weighted(2.0)),
    "velocity": replace(
        BASE, name="velocity target, weight 1 / t^2", objective=_weighted(2.0, "velocity")
    ),
    "precond0": replace(
        BASE, name="preconditioned, unweighted", objective=_weighted(0.0, "preconditioned")
    ),
    "highnoise": replace(
        BASE, name="times at high noise (mean 1.8)", objective=_weighted(0.0, "clean", 1.8)
    ),
    "lownoise": replace(
        BASE, name="times at middle noise (mean 0.4)", objective=_weighted(0.0, "clean", 0.4)
    ),
    "batch32": replace(BASE, name="batch 32", batch=32),
    "faster": replace(BASE, name="Muon 1.2e-2", lr=1.2e-2),
    "slower": replace(BASE, name="Muon 1.5e-3", lr=1.5e-3),
    "adamw": replace(BASE, name="AdamW everywhere", muon=False),
    "numbers64": replace(BASE, name="64 numbers per cell", channels=64),
    "routed": replace(BASE, name="half of the tokens skip the middle blocks", route_share=0.5),
    "narrow": replace(BASE, name="width 256", hidden_size=256),
    "nopooled": replace(BASE, name="no pooled caption in the modulation", pooled=False),
}


class StudyCache(LatentCache):
    """Stills of the study's few characters alone, with the strongest components at unit power."""

    def __init__(self, folder: Path, cast: tuple[str, ...], channels: int, factor: float) -> None:
        """Keep `channels` components, times `factor`, of stills that show one of `cast` and nobody else."""
        super().__init__(folder)
        self.channels, self.factor = channels, factor
        self.latents, self.scripts = [], []
        for latents, lines in self._shards[STILL]:
            scripts = [Script.from_json(line) for line in lines]
            rows = [i for i, s in enumerate(scripts) if s.shots[0].actors[0].name in cast
                    and len(s.shots[0].actors) == 1]  # fmt: skip
            self.latents.append(latents[rows])
            self.scripts += [scripts[row] for row in rows]
        self.stack = np.concatenate(self.latents)

    def draw(self, shape: LatentShape, size: int, rng: np.random.Generator) -> Batch:  # noqa: ARG002 (parent's)
        """As the parent, from the kept stills, whatever the shape."""
        rows = rng.integers(len(self.scripts), size=size)
        latents = torch.from_numpy(self.stack[rows].astype(np.float32))
        kept = latents[:, : self.channels] * self.factor
        return Batch(kept, tuple(self.scripts[int(row)] for row in rows))


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
    model = TransformerConfig(
        arm.channels, arm.patch_size, arm.hidden_size, arm.depth, arm.hidden_size // 64,
        fine_depth=arm.fine_depth, num_portraits=2 if arm.portraits else 0,
    )  # fmt: skip
    text_encoder = load_text_encoder(args.text / "text_encoder.safetensors").train()
    reader = load_reader(args.text / "reader.safetensors", text_encoder.config.hidden_size)
    if arm.portraits:
        text_encoder = with_portraits(text_encoder, portrait_book(autoencoder, art_folder()))
        teach_casting(text_encoder, *reader.heads_of_actors())
    transformer = Transformer(model)
    config = TrainingConfig(
        Mixture(((STILL, 1.0),), batch_tokens=10**6, max_batch=arm.batch),
        objective=arm.objective,
        muon_lr=arm.lr if arm.muon else 1e-9,
        cooldown_share=0.3,
        ema_decay=0.98,
        warmup_steps=20,
        route_share=arm.route_share,
    )
    cache = StudyCache(args.cache, args.cast, arm.channels, factor)
    trainer = Trainer(config, transformer, text_encoder, cache, choose_precision().dtype)
    trainer.reader.load_state_dict(reader.state_dict())
    if not arm.muon:
        hidden = [p for group in trainer.optimizers[0].param_groups for p in group["params"]]
        adamw = torch.optim.AdamW(hidden, 3e-3, betas=(0.9, 0.98), weight_decay=0.0)
        trainer.optimizers = (adamw, trainer.optimizers[1])
        trainer.config = replace(config, muon_lr=3e-3)
    if not arm.pooled:
        transformer.pooled_embedding.requires_grad_(False)
        torch.nn.init.zeros_(transformer.pooled_embedding.weight)
    trainer.predict = torch.compile(trainer.painter.module)
    for _ in range(5):  # compiles both kinds of step, with and without a learning text encoder
        trainer.train_step(0.01)
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
        **errors(denoiser, trainer),
        **scores,
    }


@torch.inference_mode()
def errors(denoiser: Denoiser, trainer: Trainer) -> dict[str, float]:
    """Relative squared error of the clean estimate at three times, on 192 stills with their captions."""
    batch = trainer.cache.draw(STILL, 192, np.random.default_rng(77))
    words = random.Random(77)
    captions = [write_caption(s, "en", CAPTION_NAMES, words, 0.5) for s in batch.scripts]
    condition = denoiser.text_encoder.condition(captions, torch.zeros(192, 1, dtype=torch.long))
    noise = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(77))
    found = {}
    for t in (0.5, 0.8, 1.0):
        times = torch.full((192, 1), t)
        noisy = flow.add_noise(batch.latents, noise, times)
        output = denoiser.transformer(noisy, times, condition)
        clean = flow.clean_estimate(denoiser.target, noisy, output, times)
        share = (clean - batch.latents).square().mean() / batch.latents.square().mean()
        found[f"error_at_{t}"] = round(float(share), 4)
    return found


def judge(
    denoiser: Denoiser, autoencoder: Autoencoder, oracle: Oracle, args: argparse.Namespace, arm: Arm
) -> dict[str, float]:
    """Oracle scores on held-out stills, and a contact sheet of them."""
    rng, words = np.random.default_rng(1), random.Random(1)
    scripts = [draw_script(Repertoire(args.cast), rng, "heldout") for _ in range(args.num)]
    captions = [write_caption(s, "en", CAPTION_NAMES, words, 0.5) for s in scripts]
    noise = denoiser.noise(STILL, range(args.num))
    spans = torch.zeros(args.num, 1, dtype=torch.long)
    latents = denoiser.draw(captions, spans, noise, num_steps=20, guidance_scale=2.5, shift=5.0)
    pictures = autoencoder.decode(latents)[:, :, 0]
    found = accuracy(oracle, pictures[:, None], scripts)
    columns = 12
    tiles = ((pictures[: columns * 6].permute(0, 2, 3, 1) + 1) * 127.5).byte().numpy()
    rows = [
        np.concatenate(list(tiles[i : i + columns]), axis=1) for i in range(0, len(tiles), columns)
    ]
    sheet = np.concatenate([row for row in rows if row.shape[1] == columns * 128])
    Image.fromarray(sheet).save(
        args.out / f"{arm.name.split(':')[0].replace(' ', '_').replace('/', '')}.jpg"
    )
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
    parser.add_argument("--oracle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--num-cast", type=int, default=24, help="characters, taken evenly from the lead cast"
    )
    args = parser.parse_args()
    lead = members_of("lead")
    args.cast = lead[:: max(1, len(lead) // args.num_cast)][: args.num_cast]
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
