"""Draw the picture of the README: six prompts, one per language, five moments of each clip."""

from pathlib import Path

from unstrung.engine.image_io import contact_sheet, write_image
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.request import GenerationRequest

PROMPTS = (
    "a fox crosses a snowy field",
    "un delfino sale sott'acqua",
    "un robot sur la scène d'un théâtre",
    "un corazón rojo crece en el espacio",
    "حصان على الشاطئ عند الغروب",
    "seekor harimau melompat di hutan pada malam hari",
)


def main() -> None:
    """Generate every prompt with seed 7 and write `docs/gallery/readme.png`."""
    model = TextToVideo.load()
    clips = [model.generate(GenerationRequest(prompt, seed=7)).clips[0] for prompt in PROMPTS]
    moments = [clip[:: (len(clip) - 1) // 4] for clip in clips]
    write_image(Path("docs/gallery/readme.png"), contact_sheet(moments, list(PROMPTS), columns=2))


if __name__ == "__main__":
    main()
