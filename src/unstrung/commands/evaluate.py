"""`unstrung evaluate`: what the model gets right, judged by the oracle."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unstrung.commands.data import Language
from unstrung.commands.output import print_json, print_line
from unstrung.commands.session import AsJson, Debug, Session, Weights, session_of
from unstrung.engine.request import GenerationRequest

if TYPE_CHECKING:
    from unstrung.engine.evaluation import EvaluationRequest


class Split(StrEnum):
    """Which combinations to judge."""

    SEEN = "seen"
    HELDOUT = "heldout"
    OOD = "ood"


Num = Annotated[int, typer.Option(min=1, help="Clips to make.")]
Seed = Annotated[int, typer.Option(min=0, help="Other seeds give other scenes.")]
Steps = Annotated[int | None, typer.Option(help="Denoising steps; the model's own if left out.")]
Guidance = Annotated[
    float | None, typer.Option(help="Pull of the text; the model's own if left out.")
]
Seconds = Annotated[float, typer.Option(help="Length of every clip.")]
Size = Annotated[str, typer.Option(help="As in generate; the oracle looks at squares.")]
Cast = Annotated[
    str, typer.Option(help="claimed (by the model card), lead, or names with commas between them.")
]
Pairs = Annotated[
    int, typer.Option(min=0, help="Clips of two related actors, and as many of two shots.")
]
Batch = Annotated[int, typer.Option(min=1, help="Clips drawn at once.")]
Sheet = Annotated[Path | None, typer.Option(help="Contact sheet to write (.png or .jpg).")]
Art = Annotated[
    Path | None, typer.Option(help="Folder of the art, for the ceilings; the default one else.")
]


def evaluate(
    context: typer.Context,
    split: Annotated[
        Split, typer.Option(help="Combinations seen in training, held out, or out of range.")
    ] = Split.HELDOUT,
    num: Num = 200,
    seed: Seed = 0,
    steps: Steps = None,
    guidance: Guidance = None,
    seconds: Seconds = 4.0,
    size: Size = "1:1",
    language: Annotated[Language, typer.Option(help="Language of the captions.")] = Language.EN,
    cast: Cast = "claimed",
    pairs: Pairs = 24,
    batch: Batch = 8,
    sheet: Sheet = None,
    art: Art = None,
    as_json: AsJson = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Score the model on one split, with the oracle's own ceiling beside each score."""
    session = session_of(context, debug)
    GenerationRequest("evaluation", seconds, size, None, steps, guidance)  # checked before imports
    from unstrung.engine import evaluation
    from unstrung.engine.checkpoints import shipped_weights
    from unstrung.engine.theatre.fetch import art_folder

    folder, default_art = weights or shipped_weights(), art_folder()
    request = evaluation.EvaluationRequest(
        split=split.value,
        num=num,
        seed=seed,
        num_steps=steps,
        guidance_scale=guidance,
        seconds=seconds,
        size=size,
        batch_size=batch,
        language=language.value,
        cast=evaluation.chosen_cast(cast, folder),
        num_pairs=pairs,
        sheet=sheet,
        art=art or (default_art if default_art.is_dir() else None),
    )
    report = run(session, request, folder)
    if as_json:
        print_json(report)
    else:
        _print_report(report)


def run(session: Session, request: "EvaluationRequest", folder: Path) -> dict[str, Any]:
    """Load model and oracle, evaluate with a progress bar, and return what `--json` prints."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from unstrung.engine.evaluation import evaluate as judge
    from unstrung.engine.pipeline import TextToVideo
    from unstrung.engine.theatre.oracle import load_oracle

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
    ) as progress:
        task = progress.add_task("Loading the model", total=None)
        model, oracle = TextToVideo.load(folder), load_oracle(folder / "oracle.safetensors")
        session.has_begun = True

        def told(stage: str, done: int, total: int) -> None:
            if session.interrupted_at is not None:
                raise KeyboardInterrupt
            progress.update(task, description=stage, completed=done, total=total)

        return judge(request, model, oracle, told).to_json()


def _print_report(report: dict[str, Any]) -> None:
    print_line(
        f"{report['model']}, {report['split']}: {report['num']} clips of {report['cast']} characters, "
        f"{report['width']}x{report['height']}, {report['num_frames']} frames, {report['steps']} steps, "
        f"guidance {report['guidance']:g}, {report['seconds_spent']:.0f} s"
    )
    _print_scores(report["scores"])
    for name, label in (("linear", "linear code"), ("decoder", "with decoder")):
        coded = report["autoencoder"].get(name)
        if coded:
            print_line(
                f"  {label:<13} PSNR {coded['psnr_db']:.2f} dB, SSIM {coded['ssim']:.3f} on renders"
            )
    mistakes = [f"{m['wanted']} as {m['seen']} ({m['times']})" for m in report["confusions"]]
    if mistakes:
        print_line("  mistaken:     " + ", ".join(mistakes))
    if report["sheet"]:
        print_line(report["sheet"])
    for note in report["notes"]:
        print_line(f"  {note}")


def _print_scores(scores: dict[str, Any]) -> None:
    """The model's score, the oracle's own on renders, their quotient, and the best constant answer."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "clips", "model", "95 %", "ceiling", "share", "constant", box=None)
    for index, column in enumerate(table.columns):
        column.justify, column.no_wrap = "right" if index else "left", True
    for name, found in scores.items():
        table.add_row(
            name.replace("_", " "),
            str(found["num"]),
            f"{found['score']:.1%}",
            f"{found['low']:.0%}-{found['high']:.0%}",
            *(
                f"{found[k]:.1%}" if found[k] is not None else "unknown"
                for k in ("ceiling", "share")
            ),
            f"{found['majority']:.1%}",
        )
    Console().print(table)
