"""Draw one still of every character that the model was taught first, and let the oracle name them.

Writes `docs/gallery/cast.jpg` and prints the share that the oracle names among them. What a stranger names, a
stranger must say: the labels are below the pictures, so cover them.
"""

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
    "on a green meadow",
    "in the snow",
    "on the beach",
    "in a forest",
    "in the city",
    "in space",
)
COLUMNS = 14


def main() -> None:
    """Draw, judge, write."""
    model = TextToVideo.load()
    lead, cast = members_of("lead"), load_cast()
    judge = Judge(load_oracle(shipped_weights() / "oracle.safetensors"), lead)
    stills: list[np.ndarray] = []
    named = 0
    for index, (name, place) in enumerate(zip(lead, cycle(PLACES), strict=False)):
        prompt = f"a {cast[name].names['en']} {place}"
        request = GenerationRequest(prompt, seconds=0.08, seed=index, verbatim=True)
        clip = model.generate(request).clips[0]
        named += judge.best_name(clip) == name
        stills.append(clip)
    labels = [name.replace("_", " ") for name in lead]
    sheet = contact_sheet(
        stills,
        labels,
        columns=COLUMNS,
        style=SheetStyle(num_frames=1, frame_width=128, font_size=11, gap=6),
    )
    write_image(Path("docs/gallery/cast.jpg"), sheet)
    print(f"The oracle names {named} of {len(lead)}, that is {100 * named / len(lead):.0f} %.")


if __name__ == "__main__":
    main()
