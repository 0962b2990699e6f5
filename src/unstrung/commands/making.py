"""Making clips on the command line: load, draw, write, and say what was made."""

import re
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unstrung.commands.output import print_line, print_rows
from unstrung.commands.session import Session
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import Generation, GenerationRequest, recipe_of

if TYPE_CHECKING:
    from unstrung.commands.wishes import Make

_MAX_SLUG_BYTES = 80


def run(
    session: Session,
    request: GenerationRequest,
    out: Path | None,
    weights: Path | None,
    shows_previews: bool,
    make: "Make | None" = None,
    characters: Sequence[str] = (),
    suffix: str = ".mp4",
) -> dict[str, Any]:
    """Load the model, make the clips, write them, and return what `--json` prints.

    Args:
        session, request, out, weights, shows_previews: as the person wishes.
        make: another way to make them than from the prompt alone.
        characters: NAME=FILE of each.
        suffix: what the file's name ends with: .mp4 for clips, .png for stills.
    """
    from rich.console import Console

    from unstrung.commands.display import Display

    _check_out(out, suffix)
    bound = [named_file(each) for each in characters]
    with Display(session, Console(stderr=True), shows_previews) as display:
        start = time.perf_counter()
        display.stage("Loading the model")
        pipeline = session.load(weights)
        session.has_begun = True
        load_s = time.perf_counter() - start
        if bound:
            display.stage("Cutting out the characters")
            pipeline = pipeline.with_characters(bound)
        display.stage("Reading the prompt")
        if make is None:
            generation = pipeline.generate(request, display.on_step)
        else:
            generation = make(pipeline, request, display.on_step)
        start = time.perf_counter()
        display.stage("Writing")
        targets, notes = _targets(generation, out, suffix)
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


def named_file(told: str) -> tuple[str, Path]:
    """A name and a file, as NAME=FILE.

    Raises:
        InvalidRequest: for anything else.
    """
    name, equals, file = told.partition("=")
    if not name.strip() or not equals or not file:
        raise InvalidRequest("character", told, "be NAME=FILE", "Mila=mila.mp4")
    return name.strip(), Path(file)


def default_name(prompt: str, seed: int, suffix: str = ".mp4") -> str:
    """A file name that tells prompt and seed, in the prompt's own letters, safe on every disk."""
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", prompt.lower()))
    slug = words.encode("utf-8")[:_MAX_SLUG_BYTES].decode("utf-8", "ignore").strip("-")
    return f"{slug or 'clip'}-{seed}{suffix}"


def peak_memory_mb() -> float | None:
    """The most memory this process has held so far [MB], where the system tells."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return round(peak * unit_bytes / 1e6, 1)


def _check_out(out: Path | None, suffix: str) -> None:
    """Refuse a target that cannot work before any time is spent."""
    from unstrung.engine.video_io import check_target

    check_target(out or Path(f"clip{suffix}"))
    if out is not None and out.suffix.lower() != suffix:
        raise InvalidRequest("out", out, f"end in {suffix}", f"{out.stem or 'clip'}{suffix}")


def _targets(generation: Generation, out: Path | None, suffix: str) -> tuple[list[Path], list[str]]:
    """One path for each clip, and a sentence for each that could not have its first name."""
    if out is not None and len(generation.seeds) == 1:
        return [out], []
    if out is not None:
        numbers = range(1, len(generation.seeds) + 1)
        return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in numbers], []
    targets: list[Path] = []
    notes: list[str] = []
    for seed in generation.seeds:
        first = target = Path(default_name(generation.prompt, seed, suffix))
        number = 1
        while target in targets or target.exists():
            number += 1
            target = first.with_name(f"{first.stem}-{number}{first.suffix}")
        if number > 1:
            notes.append(f"{first} was there already, so this clip is {target}.")
        targets.append(target)
    return targets, notes


def _write(session: Session, generation: Generation, targets: list[Path]) -> None:
    from unstrung.engine.image_io import write_image
    from unstrung.engine.video_io import write_video

    for index, target in enumerate(targets):
        frames, recipe = generation.clips[index], recipe_of(generation, index)
        if target.suffix.lower() == ".png":
            write_image(target, frames[0], recipe)
        else:
            write_video(target, frames, generation.frame_rate, recipe)
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
