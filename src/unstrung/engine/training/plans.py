"""Recorded plans: for every preset, what is rendered, in which mixture it is learned, and for how long."""

from dataclasses import dataclass

from unstrung.engine.data.prepare import Portion
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.repertoire import Repertoire
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.objectives import ObjectiveConfig


@dataclass(frozen=True)
class Minutes:
    """How long each part trains unless the command says otherwise [min]."""

    text: float
    oracle_stills: float
    oracle_clips: float
    decoder: float
    planner: float
    student: float
    transformer: float


@dataclass(frozen=True)
class Plan:
    """Everything that `unstrung train` and `unstrung data prepare` need for one preset.

    Attributes:
        cast: who is learned; the card claims nobody else.
        portions: what `data prepare` renders.
        fit_clips: renders on which the linear code is fitted.
        config: of the transformer's run.
        planned: scripts that the planner of layouts learns from, and shapes of their clips.
        minutes: of every part.
        text_batch, decoder_batch: captions, and frames, per step.
        text_sample: captions that the vocabulary is made from.
        compiles: whether the transformer is compiled for training where it computes in bf16, which pays after
            some minutes there; in fp32 compiling took three minutes a shape and saved 6 %.
    """

    cast: tuple[str, ...]
    portions: tuple[Portion, ...]
    fit_clips: int
    config: TrainingConfig
    planned: tuple[Repertoire, tuple[LatentShape, ...]]
    minutes: Minutes
    text_batch: int = 256
    text_sample: int = 40_000
    decoder_batch: int = 16
    compiles: bool = False


def plan_of(preset: str) -> Plan:
    """The plan of a preset.

    Raises:
        InvalidRequest: for a preset that has none.
    """
    if preset == "mini":
        return _mini()
    if preset == "tiny":
        return _tiny()
    raise InvalidRequest("preset", preset, "be one of mini, tiny", "mini")


def _mini() -> Plan:
    lead = members_of("lead")
    # Portraits make painting one skill that everybody teaches; those that the card claims come more often.
    stage = 3 * lead + members_of("wide")
    stills = Repertoire(
        stage, pair=0.15, group=0.05, moving=0.75, camera=0.08, night=0.15, weather=0.08, style=0.06,
        sized=0.12, two_shots=0.0,
    )  # fmt: skip
    clips = Repertoire(
        stage, pair=0.22, group=0.06, moving=0.85, camera=0.25, night=0.15, weather=0.10, style=0.07,
        sized=0.10, two_shots=0.06,
    )  # fmt: skip
    portions = (
        Portion(VideoShape(1, 128, 128), 61_440, stills),
        Portion(VideoShape(33, 128, 128), 6_144, clips),
        Portion(VideoShape(49, 128, 128), 4_096, clips),
        Portion(VideoShape(1, 128, 224), 5_120, stills),
        Portion(VideoShape(1, 224, 128), 5_120, stills),
        Portion(VideoShape(33, 128, 224), 1_536, clips),
        Portion(VideoShape(33, 224, 128), 1_536, clips),
    )
    # Stills carry identity at a ninth of the cost of clips, so a run starts with many of them and ends with
    # clips; these, with masks and spans, are in it from the first step (Open-Sora 1.1: what is bolted on
    # later is not learned).
    still, clip, long = LatentShape(1, 8, 8), LatentShape(9, 8, 8), LatentShape(13, 8, 8)
    wide, tall = LatentShape(1, 8, 14), LatentShape(1, 14, 8)
    wide_clip, tall_clip = LatentShape(9, 8, 14), LatentShape(9, 14, 8)
    mixture = Mixture(
        ((still, 0.45), (clip, 0.22), (long, 0.17), (wide, 0.04), (tall, 0.04),
         (wide_clip, 0.04), (tall_clip, 0.04)),
        batch_tokens=2048,
        max_batch=128,
        late_shares=((still, 0.15), (clip, 0.30), (long, 0.35), (wide, 0.03), (tall, 0.03),
                     (wide_clip, 0.07), (tall_clip, 0.07)),
    )  # fmt: skip
    objective = ObjectiveConfig(
        target="clean",
        weight_power=0.0,
        time_mean=1.3,
        time_std=1.1,
        uniform_share=0.2,
        frame_power=0.5,
    )
    config = TrainingConfig(mixture, objective, muon_lr=4e-3, adam_lr=1.5e-3, ema_decay=0.99)
    minutes = Minutes(8.0, 3.0, 6.0, 40.0, 30.0, 40.0, 600.0)
    planned = (clips, tuple(portion.shape.latent for portion in portions))
    return Plan(lead, portions, 3_600, config, planned, minutes, compiles=True)


def _tiny() -> Plan:
    props = members_of("prop")
    simple = Repertoire(props, pair=0.0, two_shots=0.0, style=0.0, weather=0.0, night=0.0)
    portions = (
        Portion(VideoShape(1, 64, 64), 96, simple),
        Portion(VideoShape(9, 64, 64), 32, simple),
    )
    mixture = Mixture(((LatentShape(1, 4, 4), 0.5), (LatentShape(3, 4, 4), 0.5)), 256, 32)
    config = TrainingConfig(mixture, warmup_steps=5, ema_decay=0.9)
    minutes = Minutes(0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.05)
    planned = (simple, tuple(portion.shape.latent for portion in portions))
    return Plan(
        props,
        portions,
        40,
        config,
        planned,
        minutes,
        text_batch=32,
        text_sample=1_000,
        decoder_batch=9,
    )
