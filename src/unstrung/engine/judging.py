"""Marking clips against their scripts with the oracle, and counting the marks.

Generated clips and real renders are marked by the same code, so that a score and its ceiling compare.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.oracle import QUESTIONS, Oracle, Reading, moments_of
from unstrung.engine.theatre.render import shot_of_latent_frames
from unstrung.engine.theatre.script import FIELDS, Action, Camera, Relation, Script, Setting, Shot

ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "setting": tuple(Setting),
    "action": tuple(Action),
    "camera": tuple(Camera),
    "count": ("1", "2", "3"),
}
_SIDES: Final[
    Mapping[Relation, tuple[int, float]]
] = {  # axis of (y, x), sign of first minus second
    Relation.LEFT_OF: (1, -1.0),
    Relation.RIGHT_OF: (1, 1.0),
    Relation.ABOVE: (0, -1.0),
    Relation.BELOW: (0, 1.0),
}
_MIN_APART: Final = 0.1  # of the picture's side
_PLACES: Final = {field.name: index for index, field in enumerate(QUESTIONS)}


@dataclass(frozen=True)
class Marks:
    """What is right about one clip.

    Attributes:
        right: by category. A shot of one actor has `actor` (best of the claimed cast), `actor_open` (best of
            all that the oracle knows), `setting`, `action`, `camera` and `count`; a pair has `relation` and
            `both_actors`; two shots have `order`.
        seen: whom the oracle sees first, of the claimed cast; empty for two shots.
    """

    right: Mapping[str, bool]
    seen: str


@dataclass(frozen=True)
class Score:
    """Share of right clips in one category.

    Attributes:
        num: clips that were judged.
        score: share that the oracle reads as told.
        low, high: 95 % interval of the score (Wilson 1927).
        ceiling: the oracle's share on real renders of the same scripts; None without art.
        share: score over ceiling.
        majority: what always giving the commonest answer would score.
    """

    num: int
    score: float
    low: float
    high: float
    ceiling: float | None
    share: float | None
    majority: float


@dataclass(frozen=True)
class ActorCount:
    """How often one cast member was asked for, drawn so that the oracle names it, and read off renders."""

    num: int
    hits: int
    ceiling_hits: int | None


@dataclass(frozen=True)
class Confusion:
    """A wanted actor, whom the oracle saw instead, and how often."""

    wanted: str
    seen: str
    times: int


def truth(shot: Shot, category: str) -> str:
    """The right answer about a shot in one of `ANSWERS`."""
    fields = {"setting": shot.setting, "action": shot.action, "camera": shot.camera}
    return str(fields.get(category, shot.actors[0].count))


@dataclass(frozen=True)
class Judge:
    """The oracle, asked about a claimed cast.

    Attributes:
        oracle: reads frames.
        names: the claimed cast, all known to the oracle.
    """

    oracle: Oracle
    names: tuple[str, ...]

    def marks(self, script: Script, clip: np.ndarray) -> Marks:
        """Compare a clip (F, H, W, 3) uint8 with the script that it was made from."""
        if len(script.shots) > 1:
            return Marks({"order": self._order_is_right(script.shots, clip)}, "")
        (shot,) = script.shots
        frames = moments_of(clip)
        reading = self._read(frames)
        seen = self._best(reading, 2)
        if len(shot.actors) > 1:
            both = set(seen) == {actor.name for actor in shot.actors}
            return Marks(
                {"relation": self._relation_is_right(shot, reading, frames), "both_actors": both},
                seen[0],
            )
        wanted = shot.actors[0].name
        widest = self.oracle.config.cast[int(reading.actors[0].argmax())]
        right = {"actor": seen[0] == wanted, "actor_open": widest == wanted}
        return Marks(
            right | {name: _answer(reading, name) == truth(shot, name) for name in ANSWERS}, seen[0]
        )

    def best_name(self, clip: np.ndarray) -> str:
        """Whom of the claimed cast a clip (F, H, W, 3) uint8 shows most likely."""
        return self._best(self._read(moments_of(clip)), 1)[0]

    @torch.inference_mode()
    def _read(self, frames: Tensor) -> Reading:
        reading: Reading = self.oracle(frames)
        return reading

    def _best(self, reading: Reading, count: int) -> list[str]:
        """The likeliest names of the claimed cast."""
        places = torch.tensor([self.oracle.config.cast.index(name) for name in self.names])
        top = reading.actors[0][places].topk(min(count, len(self.names))).indices
        return [self.names[int(index)] for index in top]

    def _order_is_right(self, shots: Sequence[Shot], clip: np.ndarray) -> bool:
        """Each shot is read apart; setting and actor of all must be right."""
        starts = _first_frames(len(shots), VideoShape(*clip.shape[:3]))
        ends = (*starts[1:], len(clip))
        for shot, start, end in zip(shots, starts, ends, strict=True):
            reading = self._read(moments_of(clip, start, end))
            if self._best(reading, 1) != [shot.actors[0].name]:
                return False
            if _answer(reading, "setting") != truth(shot, "setting"):
                return False
        return True

    def _relation_is_right(self, shot: Shot, reading: Reading, frames: Tensor) -> bool:
        """Whether the first actor stands where it should, seen from the second.

        "a left of b" and "b right of a" are one picture, so the oracle's own answer cannot tell them apart;
        where each of the two is seen can. Depth is the oracle's own answer.
        """
        wanted = shot.relation
        if wanted is None or wanted not in _SIDES:
            return (
                FIELDS["relation"].options[int(reading.fields[_PLACES["relation"]][0].argmax())]
                is wanted
            )
        first, second = (self._place(actor.name, frames) for actor in shot.actors)
        away = [one - two for one, two in zip(first, second, strict=True)]
        axis, sign = _SIDES[wanted]
        return sign * away[axis] > max(_MIN_APART, abs(away[1 - axis]))

    @torch.inference_mode()
    def _place(self, name: str, frames: Tensor) -> tuple[float, float]:
        """Where in the picture a member is seen, (y, x) in [0, 1].

        The actor head is linear in pooled features; read before pooling it is a map of evidence (class
        activation maps, Zhou et al. 2016, 1512.04150).

        Args:
            name: of the member.
            frames: (1, F, 3, H, W).
        """
        features = self.oracle.trunk(self.oracle.stem(frames[0])).mean(dim=0)  # (D, h, w)
        of_mean, of_max = self.oracle.actor_head.weight[self.oracle.config.cast.index(name)].chunk(
            2
        )
        evidence = torch.einsum("dhw,d->hw", features, of_mean + of_max)
        sharpness = 4 / evidence.std().clamp_min(1e-6)
        share = torch.softmax(evidence.flatten() * sharpness, dim=0).reshape(evidence.shape)
        rows, columns = (torch.arange(size) / max(1, size - 1) for size in evidence.shape)
        return float(share.sum(dim=1) @ rows), float(share.sum(dim=0) @ columns)


def _answer(reading: Reading, category: str) -> str:
    return ANSWERS[category][int(reading.fields[_PLACES[category]][0].argmax())]


def _first_frames(num_shots: int, shape: VideoShape) -> list[int]:
    """The frame at which each shot begins; shots change between latent frames."""
    latent = shape.latent
    owners = shot_of_latent_frames(num_shots, latent.frames)
    before = [
        LatentShape(owners.index(shot), latent.height, latent.width) for shot in range(1, num_shots)
    ]
    return [0, *(VideoShape.of_latent(stretch).frames for stretch in before)]


def scores_of(
    scripts: Sequence[Script], drawn: Sequence[Marks], real: Sequence[Marks]
) -> dict[str, Score]:
    """One score for each category that any clip was marked in.

    Args:
        scripts: what was asked for.
        drawn, real: marks of the model's clips and of renders, in the same order; `real` may be empty.
    """
    categories = dict.fromkeys(name for marks in drawn for name in marks.right)
    scores = {}
    for name in categories:
        judged = [s for s, marks in zip(scripts, drawn, strict=True) if name in marks.right]
        hits = sum(marks.right.get(name, False) for marks in drawn)
        score, num = hits / len(judged), len(judged)
        ceiling = sum(marks.right.get(name, False) for marks in real) / num if real else None
        answers = Counter(_asked(script, name) for script in judged)
        majority = answers.most_common(1)[0][1] / num
        share = score / ceiling if ceiling else None
        scores[name] = Score(num, score, *_wilson(hits, num), ceiling, share, majority)
    return scores


def _asked(script: Script, category: str) -> str:
    """The right answer of a script in one category, as a key to count."""
    if category in ANSWERS:
        return truth(script.shots[0], category)
    if category == "relation":
        return str(script.shots[0].relation)
    if category == "order":
        return " ".join(f"{shot.actors[0].name} {shot.setting}" for shot in script.shots)
    return " ".join(actor.name for actor in script.shots[0].actors)


def _wilson(hits: int, num: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share; Wilson 1927, "Probable inference, the law of succession"."""
    share = hits / num
    centre = share + z * z / (2 * num)
    reach = z * ((share * (1 - share) + z * z / (4 * num)) / num) ** 0.5
    scale = 1 + z * z / num
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def confusions_of(scripts: Sequence[Script], drawn: Sequence[Marks]) -> tuple[Confusion, ...]:
    """The ten commonest mistakes about the actor of one-actor clips."""
    wrong = Counter(
        (script.shots[0].actors[0].name, marks.seen)
        for script, marks in zip(scripts, drawn, strict=True)
        if not marks.right.get("actor", True)
    )
    return tuple(Confusion(wanted, seen, times) for (wanted, seen), times in wrong.most_common(10))


def actor_counts(
    scripts: Sequence[Script], drawn: Sequence[Marks], real: Sequence[Marks]
) -> dict[str, ActorCount]:
    """How one-actor clips went, by member, the most reliable first; `real` may be empty."""
    wanted = [script.shots[0].actors[0].name for script in scripts]
    nums = Counter(n for n, marks in zip(wanted, drawn, strict=True) if "actor" in marks.right)
    hits = Counter(n for n, marks in zip(wanted, drawn, strict=True) if marks.right.get("actor"))
    # `real` is empty without art; then nothing was read off renders.
    read = Counter(n for n, marks in zip(wanted, real, strict=False) if marks.right.get("actor"))
    order = sorted(nums, key=lambda name: (-hits[name] / nums[name], -nums[name], name))
    return {n: ActorCount(nums[n], hits[n], read[n] if real else None) for n in order}
