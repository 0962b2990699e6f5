"""What the shipped model makes of pictures and clips: one strip for each operation, and how seams hold.

Writes `docs/gallery/capabilities.jpg` and prints, for every seam, the jump at it over the mean jump inside
the clips (mean difference of neighbouring frames; 1 is a seam that nobody can find by it). `--minute` also
draws clips of a minute by continuation and lets the oracle judge their first and last four seconds.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unstrung.engine import continuation
from unstrung.engine.checkpoints import shipped_weights
from unstrung.engine.continuation import Source
from unstrung.engine.judging import Judge
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.request import GenerationRequest
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.oracle import load_oracle
from unstrung.engine.video_io import SheetStyle, contact_sheet, write_image

SHEET = Path("docs/gallery/capabilities.jpg")
STYLE = SheetStyle(num_frames=10, frame_width=112, font_size=12, gap=6)
# Chosen before looking.
PAIRS = (
    ("fox", "in the snow", "crosses {} rightwards", "jumps {}"),
    ("panda", "on the beach", "jumps {}", "crosses {} leftwards"),
    ("bus", "in the city", "crosses {} leftwards", "shakes {}"),
)
Show = Callable[..., None]


def main() -> None:
    """Draw, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minute", action="store_true")
    parser.add_argument(
        "--art", type=Path, nargs="*", default=[], help="pictures and clips of your own"
    )
    asked = parser.parse_args()
    model = TextToVideo.load()
    clips, labels = [], []
    seams: dict[str, list[float]] = {}

    def show(label: str, frames: np.ndarray, *at: int) -> None:
        clips.append(frames)
        labels.append(label)
        name = label.partition(":")[0]
        seams.setdefault(name, []).extend(_jump(frames, seam) for seam in at)

    for number, (who, where, does, then) in enumerate(PAIRS):
        _show_pair(model, who, where, (does, then), number, show)
    for path in asked.art:
        source = continuation.read_source(path, model.native)
        made = continuation.image_to_video(model, _ask("a dog jumps in the park", 99), source)
        show(f"image to video: {path.name}, a dog jumps in the park", made.clips[0])
    write_image(SHEET, contact_sheet(clips, labels, columns=1, style=STYLE))
    for name, jumps in seams.items():
        if jumps:
            print(f"{name}: {np.mean(jumps):.2f} (worst {max(jumps):.2f}, {len(jumps)} seams)")
    if asked.minute:
        _minute(model)


def _show_pair(
    model: TextToVideo, who: str, where: str, actions: tuple[str, str], number: int, show: Show
) -> None:
    first, then = (f"a {who} {action.format(where)}" for action in actions)
    clip = model.generate(_ask(first, number)).clips[0]
    source = Source(clip, captions=(first,))
    show(f"text to video: {first}", clip)
    still = Source(clip[:1])
    show(
        f"image to video: {then}",
        continuation.image_to_video(model, _ask(then, number), still).clips[0],
        0,
    )
    longer = continuation.extend(model, _ask(then, number, 3), source).clips[0]
    show(f"extend: {then}", longer, len(clip) - 1)
    earlier = continuation.extend(model, _ask(then, number, 3), source, is_backward=True).clips[0]
    show(f"extend backward: {then}", earlier, len(earlier) - len(clip) - 1)
    round_again = continuation.loop(model, _ask(first, number, 2), source).clips[0]
    show(f"loop: {first}", round_again, len(clip) - 1, len(round_again) - 1)
    other = model.generate(_ask(then, number + 50)).clips[0]
    joined = continuation.connect(model, _ask(then, number, 2), source, Source(other)).clips[0]
    show(f"connect: {first} / {then}", joined, len(clip) - 1, len(joined) - len(other) - 1)
    elsewhere = first.replace(where, "in space")
    for strength in ("subtle", "mild", "strong"):
        made = continuation.edit(model, _ask(elsewhere, number), source, strength)
        show(f"edit, {strength}: {elsewhere}", made.clips[0])
    another = first.replace(who, "lion")
    show(
        f"edit, strong: {another}", continuation.edit(model, _ask(another, number), source).clips[0]
    )


def _jump(frames: np.ndarray, seam: int) -> float:
    """The step from a frame to the next, the last being followed by the first, over the mean step."""
    steps = np.abs(frames.astype(float) - np.roll(frames, -1, axis=0)).mean(axis=(1, 2, 3))
    inside = np.delete(steps, [seam, len(frames) - 1])
    return float(steps[seam] / inside.mean())


def _minute(model: TextToVideo) -> None:
    names = members_of("lead")
    judge = Judge(load_oracle(shipped_weights() / "oracle.safetensors"), names)
    for who, where, does, _ in PAIRS:
        prompt = f"a {who} {does.format(where)}"
        clip = model.generate(_ask(prompt, 7)).clips[0]
        seconds = continuation.MAX_SECONDS - len(clip) / model.native.frame_rate
        asked = _ask(prompt, 7, seconds - 0.5)
        frames = continuation.extend(model, asked, Source(clip, captions=(prompt,))).clips[0]
        seen = [judge.best_name(part) for part in (frames[:49], frames[-49:])]
        print(f"minute: {prompt}, {len(frames) / 12:.1f} s, first seen {seen[0]}, last {seen[1]}")
        path = Path(f"docs/gallery/minute-{who}.jpg")
        style = SheetStyle(num_frames=12, frame_width=96, font_size=12, gap=6)
        write_image(path, contact_sheet([frames], [prompt], columns=1, style=style))


def _ask(prompt: str, seed: int, seconds: float = 4.0) -> GenerationRequest:
    return GenerationRequest(prompt, seconds, size="1:1", seed=seed)


if __name__ == "__main__":
    main()
