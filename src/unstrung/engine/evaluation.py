"""What a model gets right: clips of scripts, read back by the oracle, beside the oracle's own ceiling.

scripts of a split -> captions (verbatim, not through `prompt`) -> clips -> oracle -> scores. The ceiling is
the same oracle on real renders of the very same scripts. All scores are this theatre's own: they compare
models of this repository with each other and with nothing else.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch

from unstrung.engine.data.prepare import to_pixels
from unstrung.engine.errors import CheckpointError, InvalidRequest
from unstrung.engine.fidelity import psnr_db, ssim
from unstrung.engine.image_io import SheetStyle, contact_sheet, write_image
from unstrung.engine.judging import (
    ActorCount,
    Confusion,
    Judge,
    Marks,
    Score,
    actor_counts,
    confusions_of,
    scores_of,
)
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.request import GenerationRequest, plan
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.captions import LANGUAGES, write_caption
from unstrung.engine.theatre.cast import load_cast, member, members_of
from unstrung.engine.theatre.oracle import Oracle
from unstrung.engine.theatre.render import render, shot_of_latent_frames
from unstrung.engine.theatre.repertoire import Repertoire, Split, draw_script
from unstrung.engine.theatre.script import (
    Action,
    Actor,
    Relation,
    Script,
    Setting,
    Shot,
    is_held_out,
    script_is_held_out,
)
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.video_io import check_target

CLAIMS_FILE: Final = "claims.json"
NUM_ON_SHEET: Final = 40
NUM_CODED: Final = 40  # renders that the autoencoder is judged on
_SHEET_STYLE = SheetStyle(num_frames=5, frame_width=96, font_size=12)
_GREEN, _RED = (30, 160, 70), (210, 40, 40)
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EvaluationRequest:
    """Which scripts to draw and how, checked when it is made.

    Attributes:
        split: combinations seen in training, held out, or out of range.
        num: clips of one actor and one shot, 1 to 100,000.
        seed: fixes scripts, captions and noise. Choose the claimed cast with one seed and score with another.
        num_steps, guidance_scale: None takes the model's own.
        seconds: length of every clip [s].
        size: as in a generation. Square by default, because the oracle looks at squares.
        batch_size: clips drawn at once.
        language: of the captions.
        cast: names to draw from: those that the model card claims, or "lead" for all lead members.
        num_pairs: clips of two related actors, and as many of two shots; 0 leaves both out.
        sheet: contact sheet of the first clips to write (.png or .jpg).
        art: folder of the fetched art; None leaves ceilings empty unless the cast is drawn props only.

    Raises:
        InvalidRequest: if a field breaks its rule.
    """

    split: Split = "heldout"
    num: int = 200
    seed: int = 0
    num_steps: int | None = None
    guidance_scale: float | None = None
    seconds: float = 4.0
    size: str = "1:1"
    batch_size: int = 8
    language: str = "en"
    cast: tuple[str, ...] | Literal["lead"] = "lead"
    num_pairs: int = 24
    sheet: Path | None = None
    art: Path | None = None

    def __post_init__(self) -> None:
        """Check every field that can be judged without the model."""
        if self.split not in ("seen", "heldout", "ood"):
            raise InvalidRequest("split", self.split, "be seen, heldout or ood", "heldout")
        if self.language not in LANGUAGES:
            raise InvalidRequest(
                "language", self.language, f"be one of {', '.join(LANGUAGES)}", "en"
            )
        for name, low, high in (
            ("num", 1, 100_000),
            ("batch_size", 1, 256),
            ("num_pairs", 0, 10_000),
        ):
            value = {"num": self.num, "batch_size": self.batch_size, "num_pairs": self.num_pairs}[
                name
            ]
            if not low <= value <= high:
                fix = str(low if value < low else high)
                raise InvalidRequest(name, value, f"be a whole number from {low} to {high}", fix)
        if not 0 <= self.seed < 2**31:
            raise InvalidRequest("seed", self.seed, "be a whole number from 0 to 2147483647", "0")
        if not self.names:
            raise InvalidRequest("cast", "nobody", "name at least one cast member", "lead")
        for name in self.names:
            member(name)
        self.generation()  # checks seconds, size, steps and guidance

    @property
    def names(self) -> tuple[str, ...]:
        """The names to draw from."""
        return members_of("lead") if self.cast == "lead" else self.cast

    def generation(self) -> GenerationRequest:
        """The same wish as a generation, whose rules apply."""
        return GenerationRequest(
            "evaluation",
            self.seconds,
            self.size,
            num_steps=self.num_steps,
            guidance_scale=self.guidance_scale,
        )


@dataclass(frozen=True)
class Fidelity:
    """How well the autoencoder gives real renders back: mean PSNR [dB] and SSIM over clips."""

    psnr_db: float
    ssim: float


@dataclass(frozen=True)
class EvaluationReport:
    """Everything that an evaluation found.

    Attributes:
        request: what was asked.
        model: name of the model.
        shape: frames, height and width of the clips.
        num_steps, guidance_scale: what drew them.
        oracle_cast: how many members the oracle tells apart.
        scores: by category, as in `judging.Marks`; `relation`, `both_actors` and `order` come from their own
            small sets.
        linear, decoder: the autoencoder on real renders, by the linear code alone and as shipped.
        num_coded: renders behind these two.
        confusions: the ten commonest mistakes about actors.
        actors: by name, in the order of hits.
        seconds_spent: [s].
        notes: what is missing and why, one sentence each.
    """

    request: EvaluationRequest
    model: str
    shape: VideoShape
    num_steps: int
    guidance_scale: float
    oracle_cast: int
    scores: Mapping[str, Score]
    linear: Fidelity | None
    decoder: Fidelity | None
    num_coded: int
    confusions: tuple[Confusion, ...]
    actors: Mapping[str, ActorCount]
    seconds_spent: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as plain values; numbers rounded to four digits."""
        asked = self.request
        coded = {"linear": self.linear, "decoder": self.decoder}
        plain: dict[str, Any] = {
            "split": asked.split,
            "model": self.model,
            "language": asked.language,
            "num": asked.num,
            "seed": asked.seed,
            "steps": self.num_steps,
            "guidance": self.guidance_scale,
            "width": self.shape.width,
            "height": self.shape.height,
            "num_frames": self.shape.frames,
            "cast": len(asked.names),
            "oracle_cast": self.oracle_cast,
            "scores": {name: asdict(score) for name, score in self.scores.items()},
            "autoencoder": {"num": self.num_coded, **{k: asdict(v) for k, v in coded.items() if v}},
            "confusions": [asdict(each) for each in self.confusions],
            "actors": {name: asdict(count) for name, count in self.actors.items()},
            "sheet": str(asked.sheet) if asked.sheet else None,
            "seconds_spent": self.seconds_spent,
            "notes": list(self.notes),
        }
        rounded: dict[str, Any] = _rounded(plain)
        return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def chosen_cast(choice: str, weights: Path) -> tuple[str, ...] | Literal["lead"]:
    """The cast that a person chose: "claimed", "lead", or names with commas between them.

    What a model card claims stands beside it in `claims.json`: {"actors": [names]}. A folder without that
    file claims all lead members.

    Raises:
        CheckpointError: if the claims cannot be read.
    """
    path = weights / CLAIMS_FILE
    if choice == "lead" or (choice == "claimed" and not path.is_file()):
        return "lead"
    if choice != "claimed":
        return tuple(name.strip() for name in choice.split(",") if name.strip())
    try:
        return tuple(str(name) for name in json.loads(path.read_text("utf-8"))["actors"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} must hold an object with a list of actors: {error}."
        ) from error


@dataclass(frozen=True)
class _Scene:
    """One script of the evaluation with what the model is told and the seed of its noise."""

    script: Script
    captions: tuple[str, ...]
    noise_seed: int

    @property
    def wanted(self) -> str:
        """Name of the first actor of the first shot."""
        return self.script.shots[0].actors[0].name


def _scenes(request: EvaluationRequest) -> list[_Scene]:
    """Single scenes, then related pairs, then pairs of shots."""
    scripts = [
        *_single_scripts(request, request.num, 0),
        *_related_scripts(request),
        *_two_shot_scripts(request),
    ]
    names = {name: each.names for name, each in load_cast().items()}
    words = random.Random(request.seed)
    scenes = []
    for index, script in enumerate(scripts):
        # Everything that differs from the default is said: a model is not blamed for what it was not told.
        captions = write_caption(script, request.language, names, words, detail=0.5, complete=True)
        scenes.append(_Scene(script, captions, request.seed * 1_000_000 + index))
    return scenes


def _single_scripts(request: EvaluationRequest, num: int, stream: int) -> list[Script]:
    """One actor, one shot, nothing unusual: one plain repertoire for all splits, so that they compare."""
    rng = np.random.default_rng([request.seed, stream])
    plain = Repertoire(
        request.names,
        pair=0,
        group=0,
        camera=0.15,
        night=0,
        weather=0,
        style=0,
        sized=0,
        two_shots=0,
    )
    return [draw_script(plain, rng, request.split) for _ in range(num)]


def _related_scripts(request: EvaluationRequest) -> list[Script]:
    """Two actors that stand in a relation, inside or outside the held-out combinations."""
    rng, held_out = np.random.default_rng([request.seed, 1]), request.split != "seen"
    places = [
        (name, setting)
        for name in request.names
        for setting in Setting
        if is_held_out(name, setting, Action.STAY) == held_out
    ]
    scripts: list[Script] = []
    while places and len(request.names) > 1 and len(scripts) < request.num_pairs:
        first, setting = places[int(rng.integers(len(places)))]
        others = [name for name in request.names if name != first]
        pair = (Actor(first), Actor(others[int(rng.integers(len(others)))]))
        relation = list(Relation)[len(scripts) % len(Relation)]
        script = Script((Shot(pair, setting, relation=relation),), int(rng.integers(2**31)))
        if script_is_held_out(script) == held_out:
            scripts.append(script)
    return scripts


def _two_shot_scripts(request: EvaluationRequest) -> list[Script]:
    singles = _single_scripts(request, 2 * request.num_pairs, 2)
    pairs = zip(singles[::2], singles[1::2], strict=True)
    return [Script((one.shots[0], two.shots[0]), one.seed) for one, two in pairs]


def evaluate(
    request: EvaluationRequest,
    model: TextToVideo,
    oracle: Oracle,
    on_progress: OnProgress | None = None,
) -> EvaluationReport:
    """Draw the scripts of a split, read them back and score them.

    Args:
        request: what to draw.
        model: the model to judge.
        oracle: the judge.
        on_progress: told (stage, done, total); may raise `Cancelled` to stop.

    Raises:
        InvalidRequest: if the oracle does not know the cast, or the model cannot draw such clips.
        DataError: if art is damaged or the sheet cannot be written.
    """
    started = time.perf_counter()
    drawing = _drawing(request, model, oracle)
    if drawing.shape.frames == 1:
        request = replace(request, num_pairs=0)  # a still has no order, and pairs go with it
    told = on_progress or (lambda _stage, _done, _total: None)
    scenes, judge = _scenes(request), Judge(oracle, request.names)
    scripts = [scene.script for scene in scenes]

    drawn, shown = list[Marks](), list[np.ndarray]()
    for script, clip in zip(scripts, _draw(model, scenes, drawing), strict=True):
        drawn.append(judge.marks(script, clip))
        if request.sheet is not None and len(shown) < min(NUM_ON_SHEET, request.num):
            shown.append(clip)
        told("Drawing", len(drawn), len(scripts))
    if request.sheet is not None:
        write_image(request.sheet, _sheet(scenes, drawn, shown))

    real, coded = list[Marks](), list[tuple[Fidelity, Fidelity]]()
    # Without art there are no renders at all, and the ceilings stay unknown.
    for script, frames in zip(scripts, _renders(request, scripts, drawing.shape), strict=False):
        real.append(judge.marks(script, frames))
        if len(coded) < min(NUM_CODED, request.num):
            coded.append(_fidelities(model.autoencoder, frames))
        told("Rendering", len(real), len(scripts))
    return EvaluationReport(
        request=request,
        model=model.name,
        shape=drawing.shape,
        num_steps=drawing.num_steps,
        guidance_scale=drawing.guidance_scale,
        oracle_cast=len(oracle.config.cast),
        scores=scores_of(scripts, drawn, real),
        linear=_mean_fidelity([linear for linear, _ in coded]),
        decoder=_mean_fidelity([decoder for _, decoder in coded]),
        num_coded=len(coded),
        confusions=confusions_of(scripts, drawn),
        actors=actor_counts(scripts, drawn, real),
        seconds_spent=time.perf_counter() - started,
        notes=() if real else ("Ceilings and fidelity need the art; run `unstrung data fetch`.",),
    )


@dataclass(frozen=True)
class _Drawing:
    """How clips are drawn."""

    shape: VideoShape
    batch_size: int
    num_steps: int
    guidance_scale: float


def _drawing(request: EvaluationRequest, model: TextToVideo, oracle: Oracle) -> _Drawing:
    """Fit a request to model and oracle, or refuse it before any time is spent."""
    strangers = [name for name in request.names if name not in oracle.config.cast]
    if strangers:
        rule = "hold only members that the oracle knows"
        raise InvalidRequest("cast", strangers[0], rule, oracle.config.cast[0])
    if request.sheet is not None:
        check_target(request.sheet)
    return _Drawing(
        plan(request.generation(), model.native).shape,
        request.batch_size,
        request.num_steps or model.model.num_steps,
        request.guidance_scale or model.model.guidance_scale,
    )


def _draw(model: TextToVideo, scenes: Sequence[_Scene], drawing: _Drawing) -> Iterator[np.ndarray]:
    """The model's clips (F, H, W, 3), one by one, denoised in batches."""
    latent = drawing.shape.latent
    for start in range(0, len(scenes), drawing.batch_size):
        batch = scenes[start : start + drawing.batch_size]
        spans = [shot_of_latent_frames(len(scene.captions), latent.frames) for scene in batch]
        captions, seeds = [each.captions for each in batch], [each.noise_seed for each in batch]
        aspect = drawing.shape.width / drawing.shape.height
        layouts = model.denoiser.lay_out(captions, torch.tensor(spans), seeds, aspect)
        latents = model.denoiser.draw(
            captions,
            torch.tensor(spans),
            model.denoiser.noise(latent, seeds),
            drawing.num_steps,
            drawing.guidance_scale,
            model.model.shift,
            layout=layouts,
        )
        yield from model.decode(latents, captions, spans, layouts)


def _renders(
    request: EvaluationRequest, scripts: Sequence[Script], shape: VideoShape
) -> Iterator[np.ndarray]:
    """Real renders of all scripts, one by one, or none without the art that they need."""
    if request.art is None and any(member(name).code for name in request.names):
        return
    sprites = Sprites(request.art)
    for script in scripts:
        yield render(script, shape, sprites)


@torch.inference_mode()
def _fidelities(autoencoder: Autoencoder, frames: np.ndarray) -> tuple[Fidelity, Fidelity]:
    """The linear code alone and the whole decoder on one render."""
    video = to_pixels(frames).to(autoencoder.mean.dtype)
    latents = autoencoder.encode(video)
    video = video.float()
    found = []
    for decoded in (autoencoder.decode_linear(latents), autoencoder.decode(latents)):
        clip = decoded.float().clamp(-1, 1)
        found.append(Fidelity(psnr_db(clip, video), ssim(clip, video)))
    return found[0], found[1]


def _mean_fidelity(found: Sequence[Fidelity]) -> Fidelity | None:
    if not found:
        return None
    return Fidelity(
        float(np.mean([each.psnr_db for each in found])),
        float(np.mean([each.ssim for each in found])),
    )


def _sheet(
    scenes: Sequence[_Scene], drawn: Sequence[Marks], clips: Sequence[np.ndarray]
) -> np.ndarray:
    """Strips of the first clips, framed green where the oracle names the wanted actor and red elsewhere."""
    framed, labels = [], []
    # Only the first clips were kept for the sheet.
    for scene, marks, clip in zip(scenes, drawn, clips, strict=False):
        right = marks.right["actor"]
        picture = clip.copy()
        edge = max(2, clip.shape[1] // 42)
        colour = _GREEN if right else _RED
        picture[:, :edge] = picture[:, -edge:] = colour
        picture[:, :, :edge] = picture[:, :, -edge:] = colour
        framed.append(picture)
        verdict = "seen" if right else f"seen as {marks.seen}"
        labels.append(f"{scene.captions[0]}\n{scene.wanted}: {verdict}".replace("_", " "))
    return contact_sheet(framed, labels, style=_SHEET_STYLE)
