"""What the shipped model makes of each capability: contact sheets, how seams hold, and clips of a minute.

Writes `docs/gallery/capabilities/NAME.jpg` and prints, for every seam, the jump at it over the mean jump
inside the clips (mean difference of neighbouring frames; 1 is a seam that nobody can find by it). Actors,
settings and actions are held-out combinations; `--art` adds pictures and clips that no training has touched,
and `--characters` transparent pictures of somebody whom the model has never seen. `--minute` draws clips of
a minute by continuation and lets the oracle read every five seconds of them.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from unstrung.engine import continuation, redrawing
from unstrung.engine.checkpoints import shipped_weights
from unstrung.engine.image_io import SheetStyle, contact_sheet, write_image
from unstrung.engine.judging import Judge
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.request import STILL_SECONDS, GenerationRequest
from unstrung.engine.shapes import VideoShape
from unstrung.engine.sources import MAX_SECONDS, Source, read_source
from unstrung.engine.storyboard import parse_storyboard
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.fetch import art_folder
from unstrung.engine.theatre.oracle import load_oracle
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.script import Action, Actor, Script, Setting, Shot
from unstrung.engine.theatre.sprites import Sprites

GALLERY = Path("docs/gallery/capabilities")
STYLE = SheetStyle(num_frames=10, frame_width=96, font_size=12, gap=6)
# Chosen before looking: who, what it does where (a held-out combination), what then, and the first elsewhere.
SCENES = (
    ("panda", "jumps up and down on the beach", "crosses the beach leftwards", "jumps in space"),
    ("bus", "shakes in the city", "crosses the city rightwards", "shakes in space"),
    (
        "lion",
        "crosses the city leftwards",
        "jumps up and down in the city",
        "crosses space leftwards",
    ),
    ("rabbit", "crosses a meadow leftwards", "spins in a meadow", "crosses space leftwards"),
)
STORIES = (
    "0 a panda stands on the beach\n2 the panda jumps\n4.5 a lion crosses the beach\n7 end",
    "0 an owl stays in a forest at night\n2.5 a fox crosses the forest\n5 end",
    "0 a bus crosses the city\n3 then the bus shakes\n6 end",
)

# Chosen before looking: every way of moving that can go on, held-out combinations where there are some.
MINUTES = (
    ("elephant", Setting.SNOW, Action.STAY, "an elephant stays in the snow"),
    ("cow", Setting.DESERT, Action.STAY, "a cow stays in the desert"),
    ("rabbit", Setting.FOREST, Action.BOUNCE, "a rabbit jumps up and down in a forest"),
    ("panda", Setting.BEACH, Action.BOUNCE, "a panda jumps up and down on the beach"),
    ("butterfly", Setting.MEADOW, Action.SPIN, "a butterfly spins in a meadow"),
    ("star", Setting.SPACE, Action.SPIN, "a star spins in space"),
    ("bus", Setting.CITY, Action.SHAKE, "a bus shakes in the city"),
    ("robot", Setting.BEACH, Action.SHAKE, "a robot shakes on the beach"),
    ("eagle", Setting.MOUNTAINS, Action.CIRCLE, "an eagle flies in circles in the mountains"),
    ("honeybee", Setting.PARK, Action.CIRCLE, "a bee flies in circles in the park"),
    ("penguin", Setting.MEADOW, Action.CROSS_RIGHT, "a penguin crosses a meadow rightwards"),
    ("lion", Setting.CITY, Action.CROSS_LEFT, "a lion crosses the city leftwards"),
)


class Gallery:
    """Collects strips by capability, and the jumps at their seams."""

    def __init__(self) -> None:
        self.clips: dict[str, list[np.ndarray]] = defaultdict(list)
        self.labels: dict[str, list[str]] = defaultdict(list)
        self.seams: dict[str, list[float]] = defaultdict(list)

    def show(self, name: str, label: str, frames: np.ndarray, *seams: int) -> None:
        """Add a clip; `seams` are the frames after which something else begins."""
        self.clips[name].append(frames)
        self.labels[name].append(label)
        self.seams[name] += [jump_at(frames, seam) for seam in seams]

    def write(self) -> None:
        """One sheet for each capability, and a line for each kind of seam."""
        GALLERY.mkdir(parents=True, exist_ok=True)
        for name, clips in self.clips.items():
            sheet = contact_sheet(clips, self.labels[name], columns=1, style=STYLE)
            write_image(GALLERY / f"{name}.jpg", sheet)
        for name, jumps in self.seams.items():
            if jumps:
                print(f"{name}: {np.mean(jumps):.2f} (worst {max(jumps):.2f}, {len(jumps)} seams)")


def main() -> None:
    """Draw, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minute", action="store_true", help="also clips of a minute")
    parser.add_argument("--only-minute", action="store_true", help="nothing but clips of a minute")
    parser.add_argument("--art", type=Path, nargs="*", default=[])
    parser.add_argument("--characters", type=Path, nargs="*", default=[])
    asked = parser.parse_args()
    model, gallery = TextToVideo.load(), Gallery()
    if asked.only_minute:
        _minutes(model)
        return
    for number, (who, does, then, elsewhere) in enumerate(SCENES):
        _show_scene(model, gallery, number, f"a {who} {does}", f"a {who} {then}")
        _show_edits(model, gallery, number, who, f"a {who} {does}", f"a {who} {elsewhere}")
    for number, story in enumerate(STORIES):
        made = continuation.storyboard(model, _ask("story", number), parse_storyboard(story))
        gallery.show("storyboard", story.replace("\n", " / "), made.clips[0])
    for path in asked.art:
        _show_art(model, gallery, path)
    for path in asked.characters:
        _show_character(model, gallery, path)
    gallery.write()
    if asked.minute:
        _minutes(model)


def _show_scene(model: TextToVideo, gallery: Gallery, number: int, first: str, then: str) -> None:
    made = model.generate(replace(_ask(first, number), count=4))
    for index, variation in enumerate(made.clips):
        gallery.show("variations", f"{first}, seed {made.seeds[index]}", variation)
    clip = made.clips[0]
    source, length = Source(clip, captions=made.captions), len(clip)
    for size in ("16:9", "9:16"):
        wide = model.generate(replace(_ask(first, number), size=size)).clips[0]
        gallery.show("sizes", f"{first}, {size}", wide)
    stills = [
        model.generate(_ask(first, 10 * number + n, STILL_SECONDS)).clips[0][0] for n in range(10)
    ]
    gallery.show("stills", first, np.stack(stills))
    begun = continuation.image_to_video(model, _ask(then, number), Source(clip[:1])).clips[0]
    gallery.show("image-to-video", then, begun, 0)
    longer = continuation.extend(model, _ask(then, number, 3), source).clips[0]
    gallery.show("extend", f"{first} / {then}", longer, length - 1)
    earlier = continuation.extend(model, _ask(then, number, 3), source, is_backward=True).clips[0]
    gallery.show("extend-backward", f"{then} / {first}", earlier, len(earlier) - length - 1)
    cut = continuation.recut(model, _ask(then, number), source, (1.0, 2.5)).clips[0]
    gallery.show("recut", f"{then}; from 1 to 2.5 s: {first}", cut, 11, 29)
    again = continuation.loop(model, _ask(first, number, 2), source).clips[0]
    gallery.show("loop", first, again, length - 1, len(again) - 1)
    other = Source(model.generate(_ask(then, number + 50)).clips[0])
    joined = continuation.connect(model, _ask(then, number, 2), source, other).clips[0]
    gallery.show(
        "connect", f"{first} / {then}", joined, length - 1, len(joined) - len(other.frames) - 1
    )
    turned = continuation.blend(model, _ask(then, number), source, other).clips[0]
    gallery.show("blend", f"{first} / {then}", turned, 0, len(turned) - 2)
    pictures = {0.0: Source(clip[:1]), 2.0: Source(clip[24:25]), 4.0: Source(clip[-1:])}
    keyed = redrawing.keyframes(model, _ask(first, number + 5), pictures, 1.0).clips[0]
    gallery.show("keyframes", f"{first}; its own frames at 0, 2 and 4 s", keyed)
    draft = model.generate(replace(_ask(first, number), size="96x96")).clips[0]
    gallery.show("draft-and-refine", f"{first}, 96x96", draft)
    large = Source(_enlarged(draft), captions=made.captions)
    refined = redrawing.refine(model, _ask(first, number), large).clips[0]
    gallery.show("draft-and-refine", f"{first}, refined to 128x128", refined)


def _show_edits(
    model: TextToVideo, gallery: Gallery, number: int, who: str, first: str, elsewhere: str
) -> None:
    clip = model.generate(_ask(first, number)).clips[0]
    source = Source(clip, captions=(first,))
    gallery.show("edit", first, clip)
    changes = (
        (elsewhere, ("subtle", "mild", "strong")),
        (first.replace(who, "robot"), ("strong",)),
        (f"{first}, watercolour", ("subtle", "mild")),
    )
    for prompt, strengths in changes:
        for strength in strengths:
            made = redrawing.edit(model, _ask(prompt, number), source, strength).clips[0]
            gallery.show("edit", f"{strength}: {prompt}", made)


def _show_art(model: TextToVideo, gallery: Gallery, path: Path) -> None:
    source = read_source(path, model.native)
    dog = "a dog jumps in the park"
    made = continuation.image_to_video(model, _ask(dog, 99), source).clips[0]
    gallery.show("own-pictures-and-clips", f"image to video: {path.name}, {dog}", made, 0)
    if len(source.frames) > 1:
        short = replace(source, frames=source.frames[:49])
        longer = continuation.extend(model, _ask(dog, 99, 3), short).clips[0]
        gallery.show(
            "own-pictures-and-clips", f"extend: {path.name}, {dog}", longer, len(short.frames) - 1
        )
        made = redrawing.edit(model, _ask("a dog crosses the city", 99), short, "mild").clips[0]
        gallery.show("own-pictures-and-clips", f"edit, mild: {path.name}", made)


def _show_character(model: TextToVideo, gallery: Gallery, path: Path) -> None:
    guest = model.with_characters([("Mila", path)])
    for number, (_, does, _, _) in enumerate(SCENES[:2]):
        prompt = f"Mila {does}"
        made = guest.generate(_ask(prompt, number))
        gallery.show("characters", f"{path.stem}: {prompt} ({made.captions[0]})", made.clips[0])


def _minutes(model: TextToVideo) -> None:
    """Clips of a minute, and how many of their five-second pieces the oracle reads right.

    Drawn from words alone, where every piece knows the plan of the one before, and as what goes on after a
    clip of somebody's, where the first of them has to read it off the pictures.
    """
    judge = Judge(load_oracle(shipped_weights() / "oracle.safetensors"), members_of("lead"))
    clips: list[np.ndarray] = []
    length = 5 * model.native.frame_rate
    for way in ("rendered (the ceiling)", "from words", "gone on with"):
        right = []
        for number, (who, setting, action, prompt) in enumerate(MINUTES):
            script = Script((Shot((Actor(who),), setting, action=action),), number)
            if way.startswith("rendered"):
                right.append([dict(judge.marks(script, each).right) for each in _rendered(script)])
                continue
            draw = _from_words if way == "from words" else _gone_on_with
            clips.append(draw(model, prompt, number))
            right.append(_marks(judge, script, clips[-1], length))
        for category in ("actor", "setting", "action"):
            rows = np.array([[marks[category] for marks in each] for each in right])
            shares = ", ".join(f"{share:.2f}" for share in rows.mean(axis=0))
            print(f"minute {way}, {category}, by five seconds: {shares}")
            if category == "action":
                for (*_, prompt), row in zip(MINUTES, rows, strict=True):
                    print(f"  {''.join('+' if each else '-' for each in row)} {prompt}")
    labels = [prompt for *_, prompt in MINUTES]
    style = replace(STYLE, num_frames=13)
    sheet = contact_sheet(clips[: len(MINUTES)], labels, columns=1, style=style)
    write_image(GALLERY / "minute.jpg", sheet)


def _rendered(script: Script) -> list[np.ndarray]:
    """The stretches of five seconds that the theatre itself would play."""
    sprites, shape = Sprites(art_folder()), VideoShape(61, 128, 128)
    return [render(script, shape, sprites, None, 5.0 * number) for number in range(12)]


def _from_words(model: TextToVideo, prompt: str, seed: int) -> np.ndarray:
    return continuation.text_to_video(model, _ask(prompt, seed, MAX_SECONDS)).clips[0]


def _gone_on_with(model: TextToVideo, prompt: str, seed: int) -> np.ndarray:
    clip = model.generate(_ask(prompt, seed)).clips[0]
    seconds = MAX_SECONDS - len(clip) / model.native.frame_rate - 0.2
    return continuation.extend(model, _ask(prompt, seed, seconds), Source(clip)).clips[0]


def _marks(
    judge: Judge, script: Script, frames: np.ndarray, length: int
) -> Sequence[dict[str, bool]]:
    """What the oracle reads right in every stretch of so many frames."""
    starts = range(0, len(frames) - length + 1, length)
    return [dict(judge.marks(script, frames[start : start + length]).right) for start in starts]


def jump_at(frames: np.ndarray, seam: int) -> float:
    """The step from a frame to the next, the last being followed by the first, over the mean step."""
    steps = np.abs(frames.astype(float) - np.roll(frames, -1, axis=0)).mean(axis=(1, 2, 3))
    inside = np.delete(steps, [seam, len(frames) - 1])
    return float(steps[seam] / inside.mean())


def _enlarged(frames: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(f).resize((128, 128), 3)) for f in frames])


def _ask(prompt: str, seed: int, seconds: float = 4.0) -> GenerationRequest:
    return GenerationRequest(prompt, seconds, size="1:1", seed=seed)


if __name__ == "__main__":
    main()
