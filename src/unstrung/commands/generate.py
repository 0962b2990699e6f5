"""`unstrung generate`: from a sentence to an mp4."""

import re
import sys
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unstrung.commands.output import print_json, print_line, print_rows
from unstrung.commands.session import AsJson, Debug, Session, Weights, session_of
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import NATIVE, Generation, GenerationRequest, recipe_of

if TYPE_CHECKING:
    from unstrung.commands.clips import Make

_MAX_SLUG_BYTES = 80


def generate(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What should be seen, in any of six languages.")],
    seconds: Annotated[float, typer.Option(help="Length; the nearest legal one is taken.")] = 4.0,
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT, 16:9, 9:16, 1:1, 4:3, 3:4 or native.")
    ] = NATIVE,
    seed: Annotated[int | None, typer.Option(help="Makes a clip again; drawn if left out.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Denoising steps; the model's own if left out.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Pull of the text; the model's own if left out.")
    ] = None,
    count: Annotated[int, typer.Option(help="Clips to make, 1 to 4.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="The mp4 to write, replaced if it exists; named after the prompt else."),
    ] = None,
    as_json: AsJson = False,
    preview: Annotated[
        bool, typer.Option("--preview/--no-preview", help="Draw the clip while it forms.")
    ] = True,
    verbatim: Annotated[
        bool, typer.Option("--verbatim", help="Hand the prompt to the model as it stands.")
    ] = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Make a clip from a sentence."""
    session = session_of(context, debug)
    request = GenerationRequest(
        prompt=prompt,
        seconds=seconds,
        size=size,
        seed=seed,
        num_steps=steps,
        guidance_scale=guidance,
        count=count,
        verbatim=verbatim,
    )
    result = run(session, request, out, weights, preview)
    if as_json:
        print_json(result)
    else:
        print_result(result)


def run(
    session: Session,
    request: GenerationRequest,
    out: Path | None,
    weights: Path | None,
    shows_previews: bool,
    make: "Make | None" = None,
) -> dict[str, Any]:
    """Load the model, make the clips, write them, and return what `--json` prints.

    Args:
        session, request, out, weights, shows_previews: as the person wishes.
        make: another way to make them than from the prompt alone.
    """
    from rich.console import Console

    from unstrung.commands.display import Display

    _check_out(out)
    with Display(session, Console(stderr=True), shows_previews) as display:
        start = time.perf_counter()
        display.stage("Loading the model")
        pipeline = session.load(weights)
        session.has_begun = True
        load_s = time.perf_counter() - start
        display.stage("Reading the prompt")
        if make is None:
            generation = pipeline.generate(request, display.on_step)
        else:
            generation = make(pipeline, request, display.on_step)
        start = time.perf_counter()
        display.stage("Writing")
        targets, notes = _targets(generation, out)
        _write(session, generation, targets)
        write_s = time.perf_counter() - start
    recipe = recipe_of(generation, 0)
    # Loading as a person waits for it: with the imports, which the pipeline cannot see.
    timings_s = {"load": 0.0, **generation.timings_s, "write": write_s} | {"load": load_s}
    return {
        "path": str(targets[0]),
        "paths": [str(target) for target in targets],
        **recipe,
        "seeds": list(generation.seeds),
        "timings_s": {stage: round(spent, 4) for stage, spent in timings_s.items()},
        "peak_memory_mb": peak_memory_mb(),
        "notes": [*recipe["notes"], *notes],
    }


def default_name(prompt: str, seed: int) -> str:
    """A file name that tells prompt and seed, in the prompt's own letters, safe on every disk."""
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", prompt.lower()))
    slug = words.encode("utf-8")[:_MAX_SLUG_BYTES].decode("utf-8", "ignore").strip("-")
    return f"{slug or 'clip'}-{seed}.mp4"


def peak_memory_mb() -> float | None:
    """The most memory this process has held so far [MB], where the system tells."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return round(peak * unit_bytes / 1e6, 1)


def _check_out(out: Path | None) -> None:
    """Refuse a target that cannot work before any time is spent."""
    from unstrung.engine.video_io import check_target

    check_target(out or Path("clip.mp4"))
    if out is not None and out.suffix.lower() != ".mp4":
        raise InvalidRequest("out", out, "end in .mp4", f"{out.stem or 'clip'}.mp4")


def _targets(generation: Generation, out: Path | None) -> tuple[list[Path], list[str]]:
    """One path for each clip, and a sentence for each that could not have its first name."""
    if out is not None and len(generation.seeds) == 1:
        return [out], []
    if out is not None:
        numbers = range(1, len(generation.seeds) + 1)
        return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in numbers], []
    targets: list[Path] = []
    notes: list[str] = []
    for seed in generation.seeds:
        first = target = Path(default_name(generation.prompt, seed))
        number = 1
        while target in targets or target.exists():
            number += 1
            target = first.with_name(f"{first.stem}-{number}{first.suffix}")
        if number > 1:
            notes.append(f"{first} was there already, so this clip is {target}.")
        targets.append(target)
    return targets, notes


def _write(session: Session, generation: Generation, targets: list[Path]) -> None:
    from unstrung.engine.video_io import write_video

    for index, target in enumerate(targets):
        write_video(
            target, generation.clips[index], generation.frame_rate, recipe_of(generation, index)
        )
        written = ", ".join(str(path) for path in targets[: index + 1])
        session.stop_message = f"Stopped; {written} was written."


def print_result(result: dict[str, Any]) -> None:
    """Say what was made, for people."""
    for path in result["paths"]:
        print_line(path)
    timings_s = result["timings_s"]
    stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in timings_s.items())
    print_rows(
        {
            "caption": result["caption"],
            "not placed": ", ".join(result["unplaced"]),
            "clip": f"{result['width']} x {result['height']}, {result['num_frames']} frames, "
            f"{result['seconds']:.2f} s at {result['fps']} fps",
            "seed": ", ".join(str(seed) for seed in result["seeds"]),
            "model": f"{result['model']}, {result['steps']} steps, guidance {result['guidance']:g}",
            "took": f"{sum(timings_s.values()):.1f} s ({stages})",
        }
    )
    for note in result["notes"]:
        print_line(f"  {note}")
