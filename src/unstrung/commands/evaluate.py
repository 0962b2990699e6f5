"""`unstrung evaluate`: what the model gets right, judged by the oracle."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unstrung.commands.output import print_json, print_rows
from unstrung.commands.session import AsJson, Debug, Weights, session_of


class Split(StrEnum):
    """Which combinations to judge."""

    SEEN = "seen"
    HELDOUT = "heldout"
    OOD = "ood"


def evaluate(
    context: typer.Context,
    split: Annotated[
        Split, typer.Option(help="Combinations seen in training, held out, or out of range.")
    ] = Split.HELDOUT,
    num: Annotated[int, typer.Option(min=1, help="Clips to make.")] = 200,
    out: Annotated[Path | None, typer.Option(help="Contact sheet to write (.png or .jpg).")] = None,
    as_json: AsJson = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Score the model on one split, with the oracle's own ceiling beside each score."""
    session = session_of(context, debug)
    from unstrung.engine import evaluation

    request = evaluation.EvaluationRequest(split=split.value, num=num, out=out, weights=weights)
    session.has_begun = True
    result = asdict(evaluation.evaluate(request))
    if as_json:
        print_json(result)
    else:
        print_rows(result)
