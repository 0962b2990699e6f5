"""Speed and memory of the model, beside Diffusers' LTX of equal size, real time and the machine's own limit.

`make bench` runs this and writes docs/benchmarks.md and docs/benchmarks.json. Rivals are built from their
configuration alone, with random weights, which cost the same time as trained ones. Both sides take turns
(A B B A ...), medians count. Run it on an idle machine; `--quick` only checks that every part runs.
"""

import argparse
import copy
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from bench_rival import (
    DTYPES,
    PROMPT,
    SEED,
    Rival,
    build_rival,
    in_turns,
    num_parameters,
    rival_generation,
    rival_settings,
    seconds_of,
    tune_rival,
)
from torch import Tensor

from unstrung import __version__
from unstrung.engine.checkpoints import (
    PLANNER,
    save_autoencoder,
    save_text_encoder,
    save_transformer,
    shipped_weights,
)
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig
from unstrung.engine.models.layout import PLAN_CHANNELS
from unstrung.engine.models.text_encoder import (
    PORTRAIT_CELLS,
    Condition,
    TextEncoder,
    TextEncoderConfig,
)
from unstrung.engine.models.transformer import Transformer, TransformerConfig, place_features
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.precision import describe_processor
from unstrung.engine.presets import MINI
from unstrung.engine.request import GenerationRequest, plan, recipe_of
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.cast import load_cast, members_of
from unstrung.engine.video_io import write_video

RIVAL_STEPS = 50  # LTXPipeline's default, with guidance
_MEASURED_WITH = ("torch", "diffusers", "transformers")
LONGEST_RUN_S = 120.0  # beyond it, steps are timed and multiplied, and the row says so


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: turns of each side.
        calls: denoiser steps in one turn.
        generations: whole generations of each side, and new processes.
        rival_steps: denoising steps of the rival's generation.
        product_sizes: sides of the square matrix products.
        request: what both sides draw.
    """

    rounds: int = 15
    calls: int = 4
    generations: int = 5
    rival_steps: int = RIVAL_STEPS
    product_sizes: tuple[int, ...] = (1024, 2048, 4096)
    request: GenerationRequest = GenerationRequest(PROMPT, seconds=4.0, seed=SEED)


QUICK = Effort(1, 1, 1, 3, (128,), GenerationRequest(PROMPT, 0.8, "64x64", SEED, num_steps=2))


def random_weights(folder: Path) -> None:
    """Untrained weights of the preset `mini`, for machines where nothing is shipped yet."""
    from unstrung.engine.training.text import captioned_shots, train_tokenizer

    torch.manual_seed(0)
    shots = captioned_shots(seed=0)
    tokenizer = train_tokenizer([next(shots)[0] for _ in range(3000)], MINI.vocabulary_size)
    sizes = TextEncoderConfig(
        tokenizer.get_vocab_size(),
        num_members=len(load_cast()) if MINI.num_portraits else 0,
        portrait_channels=MINI.latent_channels if MINI.num_portraits else 0,
    )
    encoder = TextEncoder(sizes, tokenizer)
    transformer = Transformer(
        TransformerConfig(
            MINI.latent_channels, MINI.patch_size, MINI.hidden_size, MINI.depth, MINI.num_heads,
            context_size=encoder.config.hidden_size, fine_depth=MINI.fine_depth,
            num_portraits=MINI.num_portraits, has_layout=MINI.planner_depth > 0,
        )
    )  # fmt: skip
    planner = Transformer(
        TransformerConfig(
            PLAN_CHANNELS, 1, MINI.planner_size, MINI.planner_depth,
            max(1, MINI.planner_size // 64), context_size=encoder.config.hidden_size,
        )
    )  # fmt: skip
    autoencoder = Autoencoder(
        AutoencoderConfig(MINI.latent_channels, MINI.decoder_channels, MINI.decoder_depth)
    )
    autoencoder.basis.normal_(std=0.02)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)
    facts = {"preset": MINI.name, "target": "clean", "cast": members_of("lead")}
    save_transformer(folder / "transformer.safetensors", transformer, facts, torch.bfloat16)
    save_transformer(folder / PLANNER, planner, facts, torch.bfloat16)
    save_text_encoder(folder / "text_encoder.safetensors", encoder, torch.bfloat16)
    save_autoencoder(folder / "autoencoder.safetensors", autoencoder, torch.bfloat16)


def condition_of(ours: TextToVideo, latent: LatentShape) -> Condition:
    """Everything that a step of a real generation is told, its layout and sketch included."""
    spans = torch.zeros(1, latent.frames, dtype=torch.long)
    with torch.inference_mode():
        condition = ours.denoiser.text_encoder.condition([[PROMPT]], spans)
        layout = ours.denoiser.lay_out([[PROMPT]], spans, [SEED], latent.width / latent.height)
        if layout is None:
            return condition
        return ours.denoiser.with_layout(condition, layout, (latent.height, latent.width))


def our_step(ours: TextToVideo, latent: LatentShape) -> Callable[[], Tensor]:
    """One evaluation of our denoiser as the program runs it: no guidance, one clip."""
    condition = condition_of(ours, latent)
    noise = ours.denoiser.noise(latent, [SEED])
    field = ours.denoiser.velocity_field(condition, condition, 1.0)

    def step() -> Tensor:
        with torch.inference_mode():
            return field(noise, 0.5, 0.4)

    return step


def our_forward(ours: TextToVideo, latent: LatentShape, dtype: torch.dtype) -> Callable[[], Tensor]:
    """Our transformer alone in a given number format."""
    transformer = copy.deepcopy(ours.denoiser.transformer).to(dtype)
    told = condition_of(ours, latent).to(dtype)
    noise = ours.denoiser.noise(latent, [SEED]).to(dtype)
    times = torch.full((1, latent.frames), 0.5)

    def step() -> Tensor:
        with torch.inference_mode():
            output: Tensor = transformer(noise, times, told)
            return output

    return step


def our_generation(ours: TextToVideo, request: GenerationRequest, target: Path) -> None:
    """Text to mp4, warm."""
    made = ours.generate(request)
    write_video(target, made.clips[0], made.frame_rate, recipe_of(made, 0))


def step_operations(transformer: Transformer, latent: LatentShape, num_context: int) -> int:
    """Arithmetic of one denoiser step: two operations for each multiplication in a matrix product.

    Only products that the design needs count: what is repeated per token although it belongs to a frame,
    normalisation, rotation and activation do not.
    """
    config = transformer.config
    size, patch = config.hidden_size, config.patch_size
    rows, columns = latent.height // patch, latent.width // patch
    num_video, per_token = latent.frames * rows * columns, config.latent_channels * patch**2
    shown = config.num_portraits * PORTRAIT_CELLS**2  # cells of portraits
    num_tokens, num_times = num_video + num_context + shown // patch**2, latent.frames + 1
    mlp = transformer.blocks[0].mlp_size
    weights = size * (3 * size + 2 * mlp) + (size + mlp) * size
    block = num_tokens * weights + 2 * num_tokens**2 * size
    places = place_features(rows, columns, 1).shape[1]
    ends = (
        num_video * size * (2 * per_token + places) + (num_context + 1) * config.context_size * size
    )
    ends += shown * config.latent_channels * size
    if config.fine_depth:  # every cell a token, frame by frame; portraits are looked at
        cells = latent.height * latent.width
        fine_block = cells * weights + 2 * cells * (cells + shown) * size
        split = cells * size * (size + config.latent_channels + places)
        ends += latent.frames * (config.fine_depth * fine_block + split)
        ends += shown * size * (config.latent_channels + config.fine_depth * 2 * size)
    if config.has_layout:  # the layout's features and the sketch, for every token and every cell
        told = transformer.layout_embedding.projection.weight.shape[1]
        ends += num_video * size * (told + per_token)
        if config.fine_depth:
            cells = latent.frames * latent.height * latent.width
            ends += cells * size * (told + config.latent_channels)
    time_layers = transformer.time_embedding.network
    timing = num_times * sum(layer.weight.numel() for layer in (time_layers[0], time_layers[2]))
    modulation = num_times * 3 * size**2 + latent.frames * 2 * size**2
    return 2 * (config.depth * block + ends + timing + modulation)


def largest_product(sizes: Sequence[int]) -> dict[str, float]:
    """Operations a second of the fastest square matrix product, by number format."""
    found = {}
    for name, dtype in DTYPES.items():
        rates = []
        for size in sizes:
            left, right = torch.rand(size, size).to(dtype), torch.rand(size, size).to(dtype)
            times = [seconds_of(lambda a=left, b=right: torch.mm(a, b)) for _ in range(8)]
            rates.append(2 * size**3 / min(times[1:]))
        found[name] = max(rates)
    return found


CHILD = """
import pathlib, sys
from unstrung.cli import main
code = main(sys.argv[1:])
status = pathlib.Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
print(*(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


def fresh_process(request: GenerationRequest, weights: Path, folder: Path) -> dict[str, float]:
    """One generation by the command line in a new process: wall time, its parts, and peak memory."""
    options = ["--seconds", str(request.seconds), "--size", request.size, "--seed", str(SEED)]
    if request.num_steps:
        options += ["--steps", str(request.num_steps)]
    target = [
        "--out",
        str(folder / "fresh.mp4"),
        "--json",
        "--no-preview",
        "--weights",
        str(weights),
    ]
    command = [sys.executable, "-c", CHILD, "generate", request.prompt, *options, *target]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"the fresh process failed:\n{done.stderr}")
    told = json.loads(done.stdout)
    drawing_s = sum(told["timings_s"][stage] for stage in ("text", "denoise", "decode", "write"))
    kibibytes = done.stderr.split()
    # VmHWM belongs to the new program alone; ru_maxrss would remember the process that started it.
    peak_mb = int(kibibytes[-1]) * 1024 / 1e6 if kibibytes else told["peak_memory_mb"]
    return {"wall_s": wall_s, "start_s": wall_s - drawing_s, "peak_mb": peak_mb}


def measure(effort: Effort, weights: Path, with_compile: bool, scratch: Path) -> dict[str, Any]:
    """Everything, as plain values."""
    ours = TextToVideo.load(weights)
    fitted = plan(effort.request, ours.native)
    shape, latent, rate = fitted.shape, fitted.shape.latent, fitted.frame_rate
    fresh = [fresh_process(effort.request, weights, scratch) for _ in range(effort.generations)]
    print("new processes are timed")
    roof = largest_product(effort.product_sizes)
    rival = build_rival(ours, shape)
    settings = rival_settings(rival, rate, with_compile)
    tried = in_turns(settings, max(1, effort.rounds // 3), effort.calls)
    tried_s = {name: statistics.median(times) for name, times in tried.items()}
    best = min(tried_s, key=tried_s.__getitem__)
    print(f"the rival is fastest in {best}")
    formats = {name: our_forward(ours, latent, dtype) for name, dtype in DTYPES.items()}
    pair = {"ours": our_step(ours, latent), "rival": settings[best]}
    steps = in_turns({**pair, **formats}, effort.rounds, effort.calls)
    settings.clear()
    rival, decodes = tune_rival(rival, best, max(1, effort.rounds // 5))
    print("steps are timed")
    generations, scaled = generations_in_turns(ours, rival, effort, scratch)
    return {
        "width": shape.width, "height": shape.height, "num_frames": shape.frames, "seconds": fitted.seconds,
        "model": ours.name, "num_steps": effort.request.num_steps or ours.model.num_steps,
        "is_guided": ours.model.guidance_scale != 1.0,
        "dtype": str(next(ours.denoiser.transformer.parameters()).dtype).removeprefix("torch."),
        "video_tokens": rival.tokens.num_cells, "text_tokens": rival.num_text,
        "parameters": parameters_of(ours, rival), "rival_setting": best, "rival_steps": effort.rival_steps,
        "rival_settings_s": tried_s, "rival_decode_s": decodes, "rival_is_scaled": scaled,
        "step_s": {name: statistics.median(times) for name, times in steps.items()},
        "step_ratio": statistics.median(r / o for r, o in zip(steps["rival"], steps["ours"], strict=True)),
        "generation_s": {name: statistics.median(times) for name, times in generations.items()},
        "operations": step_operations(ours.denoiser.transformer, latent, rival.num_text),
        "largest_product": roof,
        "fresh": {key: statistics.median(each[key] for each in fresh) for key in fresh[0]},
        "raw": {"steps_s": steps, "generations_s": generations, "fresh": fresh},
    }  # fmt: skip


def parameters_of(ours: TextToVideo, rival: Rival) -> dict[str, list[int]]:
    """[ours, the rival's] for each part."""
    return {
        "transformer": [
            num_parameters(ours.denoiser.transformer),
            num_parameters(rival.pipe.transformer),
        ],
        "text encoder": [
            num_parameters(ours.denoiser.text_encoder),
            num_parameters(rival.pipe.text_encoder),
        ],
        "decoder": [
            num_parameters(ours.autoencoder, with_buffers=True),
            num_parameters(rival.pipe.vae.decoder),
        ],
    }


def generations_in_turns(
    ours: TextToVideo, rival: Rival, effort: Effort, scratch: Path
) -> tuple[dict[str, list[float]], bool]:
    """Seconds of whole generations, and whether the rival's are scaled up from fewer steps."""
    shape, rate = plan(effort.request, ours.native).shape, ours.native.frame_rate

    def theirs(num_steps: int) -> None:
        rival_generation(rival, shape, rate, num_steps, scratch / "rival.mp4")

    theirs(1)
    few, more = seconds_of(lambda: theirs(2)), seconds_of(lambda: theirs(6))
    scaled = few + (more - few) / 4 * (effort.rival_steps - 2) > LONGEST_RUN_S
    works = {"ours": lambda: our_generation(ours, effort.request, scratch / "ours.mp4")}
    if not scaled:
        works["rival"] = lambda: theirs(effort.rival_steps)
        return in_turns(works, effort.generations), False
    works |= {"2 steps": lambda: theirs(2), "6 steps": lambda: theirs(6)}
    found = in_turns(works, effort.generations)
    pairs = zip(found["2 steps"], found["6 steps"], strict=True)
    found["rival"] = [two + (six - two) / 4 * (effort.rival_steps - 2) for two, six in pairs]
    return found, True


def rows_of(found: dict[str, Any]) -> list[list[str]]:
    """The table: what, ours, against what, ratio, and the figure to reach."""
    step_s, generation_s, fresh = found["step_s"], found["generation_s"], found["fresh"]
    roof_format = max(found["largest_product"], key=found["largest_product"].__getitem__)
    roof = found["largest_product"][roof_format]
    rate = found["operations"] / step_s["ours"]
    how = f"LTXPipeline, {found['rival_steps']} steps with guidance"
    guided = " with guidance" if found["is_guided"] else ""
    if found["rival_is_scaled"]:
        how += ", SCALED UP from 2 and 6 timed steps"
    return [
        [
            "denoiser step", f"{1000 * step_s['ours']:.1f} ms",
            f"Diffusers' LTX transformer, {found['rival_setting']}: {1000 * step_s['rival']:.1f} ms",
            f"{found['step_ratio']:.2f} x as fast", "2 x",
        ],
        [
            f"whole generation, text to mp4, warm ({found['num_steps']} steps{guided})",
            f"{generation_s['ours']:.2f} s", f"{how}: {generation_s['rival']:.2f} s",
            f"{generation_s['rival'] / generation_s['ours']:.1f} x as fast", "20 x",
        ],
        [
            "whole generation, text to mp4, warm", f"{generation_s['ours']:.2f} s",
            f"the clip's own {found['seconds']:.2f} s",
            f"{found['seconds'] / generation_s['ours']:.2f} x real time", "8 x",
        ],
        [
            "arithmetic of a denoiser step",
            f"{rate / 1e12:.3f} TFLOP/s ({found['operations'] / 1e9:.2f} GFLOP)",
            f"largest matrix product here, {roof_format}: {roof / 1e12:.3f} TFLOP/s",
            f"{rate / roof:.0%}", "50 %",
        ],
        [
            "start of a new process (imports, weights)", f"{fresh['start_s']:.2f} s", "-",
            f"first clip after {fresh['wall_s']:.2f} s", "under 5 s",
        ],
        ["peak memory of a generation", f"{fresh['peak_mb'] / 1000:.2f} GB", "-", "-", "under 1.5 GB"],
    ]  # fmt: skip


def page(found: dict[str, Any], about: dict[str, Any], numbers: str) -> str:
    """docs/benchmarks.md; `numbers` is the name of the JSON file beside it."""
    table = [["what", "ours", "against", "ratio", "to reach"], ["---"] * 5, *rows_of(found)]
    rows = "\n".join("| " + " | ".join(row) + " |" for row in table)
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    sizes = "; ".join(
        f"{part} {ours / 1e6:.2f} M against {theirs / 1e6:.2f} M"
        for part, (ours, theirs) in found["parameters"].items()
    )
    effort, own = about["effort"], {n: s for n, s in found["step_s"].items() if n in DTYPES}
    sides = ", ".join(str(size) for size in effort["product_sizes"])
    rates = ", ".join(
        f"{n} {rate / 1e12:.3f} TFLOP/s" for n, rate in found["largest_product"].items()
    )

    def milliseconds(times_s: dict[str, float]) -> str:
        return ", ".join(f"{name} {1000 * spent:.1f}" for name, spent in times_s.items())

    warning = "\n**Only a check that every part runs: these figures mean nothing.**\n"
    return f"""# Benchmarks
{warning if about["is_check"] else ""}
Written by `make bench` on {about["date"]}. Machine: {about["processor"]}, {about["cores"]} cores,
{about["threads"]} threads. Load before the run: {about["load"]:.1f} (a busy machine makes every figure worse
and less certain). {versions}.

Model `{found["model"]}`, {about["weights"]} weights; clips of {found["width"]} x {found["height"]} pixels,
{found["num_frames"]} frames.

{rows}

## How

- Both sides see {found["video_tokens"]} video tokens and {found["text_tokens"]} text tokens. Parameters, ours
  against the rival's: {sizes}. The rival has random weights.
- Both sides take turns (A B B A ...): {effort["rounds"]} rounds of {effort["calls"]} steps each, and
  {effort["generations"]} generations; medians count. The ratio of steps is the median of the rounds' ratios.
  A step is one evaluation for one clip without guidance.
- The rival's settings that were tried for a step [ms]: {milliseconds(found["rival_settings_s"])}; for its
  decoder: {milliseconds(found["rival_decode_s"])}. The fastest are used, torch's fused attention in all.
- Our step is timed as the program runs it (weights in {found["dtype"]}); our transformer alone [ms]:
  {milliseconds(own)}.
- The arithmetic of a step is counted from the sizes of its matrix products. The largest product is the
  fastest square one of sides {sides}: {rates}.
- A new process runs `unstrung generate`; its files are in the system's cache already. Peak memory is the
  kernel's high-water mark of that process (VmHWM).

All numbers: [{numbers}]({numbers}).
"""


def main() -> None:
    """Measure, print, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--weights", type=Path, help="folder of weights; the shipped ones if left out"
    )
    parser.add_argument(
        "--out", type=Path, help="the page; a .json of the same name is written beside it"
    )
    parser.add_argument("--rounds", type=int, help="turns of each side")
    parser.add_argument("--without-compile", action="store_true", help="do not try torch.compile")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that every part runs"
    )
    args = parser.parse_args()
    effort = QUICK if args.quick else Effort()
    effort = replace(effort, rounds=args.rounds or effort.rounds)
    out = args.out or Path("outputs/benchmarks-quick.md" if args.quick else "docs/benchmarks.md")
    torch.set_flush_denormal(True)
    processor, load = describe_processor(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        weights = args.weights or shipped_weights()
        is_random = not (weights / "transformer.safetensors").is_file()
        if is_random:
            weights = scratch
            random_weights(scratch)
        found = measure(effort, weights, not (args.quick or args.without_compile), scratch)
    about = {
        "date": datetime.date.today().isoformat(),
        "processor": processor.name,
        "features": processor.features,
        "cores": processor.num_cores,
        "threads": torch.get_num_threads(),
        "load": load,
        "versions": {"unstrung": __version__, **{each: version(each) for each in _MEASURED_WITH}},
        "weights": "random" if is_random else "given" if args.weights else "shipped",
        "is_check": args.quick,
        "effort": asdict(effort),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    text = page(found, about, out.with_suffix(".json").name)
    out.write_text(text, "utf-8")
    out.with_suffix(".json").write_text(json.dumps({**about, **found}, indent=1) + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
