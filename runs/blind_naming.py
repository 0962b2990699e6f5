"""Draw one still of every lead character without labels, in a secret order, for a person to name.

Writes numbered sheets and `answers.json` (the order, and whom the oracle named) into a folder. Write a name
under every number before opening the answers.
"""

import argparse
import json
import random
import secrets
from itertools import cycle
from pathlib import Path

import numpy as np

from unstrung.engine.checkpoints import shipped_weights
from unstrung.engine.image_io import SheetStyle, contact_sheet, write_image
from unstrung.engine.judging import Judge
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.request import GenerationRequest
from unstrung.engine.theatre.cast import load_cast, members_of
from unstrung.engine.theatre.oracle import load_oracle

PLACES = (
    "on a green meadow", "in the snow", "on the beach", "in a forest", "in the city", "in space",
)  # fmt: skip
PER_SHEET = 48


def main() -> None:
    """Draw, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num", type=int, help="the first so many of the shuffled cast")
    asked = parser.parse_args()
    model, cast = TextToVideo.load(), load_cast()
    lead = members_of("lead")
    order = random.Random(secrets.randbits(64)).sample(lead, asked.num or len(lead))
    judge = Judge(load_oracle(shipped_weights() / "oracle.safetensors"), lead)
    stills: list[np.ndarray] = []
    named = []
    for index, (name, place) in enumerate(zip(order, cycle(PLACES), strict=False)):
        prompt = f"a {cast[name].names['en']} {place}"
        request = GenerationRequest(
            prompt, seconds=0.08, size="1:1", seed=1000 + index, verbatim=True
        )
        stills.append(model.generate(request).clips[0])
        named.append(judge.best_name(stills[-1]))
    asked.folder.mkdir(parents=True, exist_ok=True)
    style = SheetStyle(num_frames=1, frame_width=166, font_size=11, gap=4)
    for start in range(0, len(order), PER_SHEET):
        part = stills[start : start + PER_SHEET]
        numbers = [str(start + index) for index in range(len(part))]
        sheet = contact_sheet(part, numbers, columns=8, style=style)
        write_image(asked.folder / f"sheet-{start // PER_SHEET}.png", sheet)
    answers = {"order": order, "oracle": named}
    (asked.folder / "answers.json").write_text(json.dumps(answers, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
