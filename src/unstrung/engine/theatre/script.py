"""Scripts: what happens in a theatre clip, typed, seeded and serialisable.

A script is the one description from which captions are written, frames are rendered and the oracle is
judged. It knows no pixels and no words: both are made from it elsewhere.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from unstrung.engine.errors import InvalidRequest


class Setting(StrEnum):
    """Where a shot plays; each is painted in parallax layers by `scenery`."""

    SNOW = "snow"
    MEADOW = "meadow"
    SEA = "sea"
    DESERT = "desert"
    SPACE = "space"
    CITY = "city"
    FOREST = "forest"
    BEACH = "beach"
    STAGE = "stage"
    UNDERWATER = "underwater"
    VOLCANO = "volcano"
    MOUNTAINS = "mountains"
    FARM = "farm"
    ROOM = "room"
    MOON = "moon"
    CLOUDS = "clouds"
    JUNGLE = "jungle"
    CAVE = "cave"
    CANDY = "candy"
    PARK = "park"


class TimeOfDay(StrEnum):
    """Light of a shot."""

    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


class Weather(StrEnum):
    """What falls or hangs in the air."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOWFALL = "snowfall"
    FOG = "fog"


class Action(StrEnum):
    """What the first actor does; the last four need a second actor."""

    STAY = "stay"
    CROSS_RIGHT = "cross_right"
    CROSS_LEFT = "cross_left"
    ENTER = "enter"
    LEAVE = "leave"
    RISE = "rise"
    FALL = "fall"
    BOUNCE = "bounce"
    SPIN = "spin"
    CIRCLE = "circle"
    GROW = "grow"
    SHRINK = "shrink"
    SHAKE = "shake"
    CHASE = "chase"
    MEET = "meet"
    PASS_BEHIND = "pass_behind"
    JUMP_OVER = "jump_over"


PAIR_ACTIONS = frozenset({Action.CHASE, Action.MEET, Action.PASS_BEHIND, Action.JUMP_OVER})
# What never ends, so that it can be told from any stretch of it; the others end, and then somebody stays.
ENDLESS = frozenset(
    {
        Action.STAY, Action.CROSS_RIGHT, Action.CROSS_LEFT, Action.BOUNCE, Action.SPIN, Action.CIRCLE,
        Action.SHAKE, Action.CHASE, Action.PASS_BEHIND,
    }
)  # fmt: skip


class Relation(StrEnum):
    """Where the first actor stands, seen from the second."""

    LEFT_OF = "left_of"
    RIGHT_OF = "right_of"
    ABOVE = "above"
    BELOW = "below"
    IN_FRONT_OF = "in_front_of"
    BEHIND = "behind"


class Camera(StrEnum):
    """How the view moves during a shot."""

    STILL = "still"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    FOLLOW = "follow"


class Style(StrEnum):
    """How the whole picture is drawn."""

    PLAIN = "plain"
    BLACK_AND_WHITE = "black_and_white"
    SEPIA = "sepia"
    WATERCOLOUR = "watercolour"
    PENCIL = "pencil"
    PIXEL_ART = "pixel_art"
    NIGHT_VISION = "night_vision"


class Size(StrEnum):
    """How tall an actor stands in the frame."""

    SMALL = "small"
    NORMAL = "normal"
    LARGE = "large"


@dataclass(frozen=True)
class Actor:
    """One cast member on stage, alone or as a group of two or three of the same."""

    name: str
    count: int = 1
    size: Size = Size.NORMAL

    def __post_init__(self) -> None:
        """Check the count."""
        if not 1 <= self.count <= 3:
            raise InvalidRequest("count", self.count, "be 1, 2 or 3", "1")


@dataclass(frozen=True)
class Shot:
    """One continuous stretch of a clip.

    `action` is what the first actor does. With two actors and a solo action the second one stays; a
    relation fixes who stands where and goes only with `Action.STAY`.
    """

    actors: tuple[Actor, ...]
    setting: Setting
    action: Action = Action.STAY
    relation: Relation | None = None
    camera: Camera = Camera.STILL
    time_of_day: TimeOfDay = TimeOfDay.DAY
    weather: Weather = Weather.CLEAR
    style: Style = Style.PLAIN

    def __post_init__(self) -> None:
        """Check that the parts go together."""
        if not 1 <= len(self.actors) <= 2:
            raise InvalidRequest("actors", len(self.actors), "be one or two")
        if self.action in PAIR_ACTIONS and len(self.actors) < 2:
            raise InvalidRequest("action", self.action, "have a second actor to act on")
        if self.relation is not None and (len(self.actors) < 2 or self.action is not Action.STAY):
            raise InvalidRequest("relation", self.relation, "stand between two staying actors")


@dataclass(frozen=True)
class Field:
    """One part of a shot as a question with listed answers, which networks learn to read.

    Attributes:
        name: as in `Shot`, or of its first actor.
        options: every answer; networks number them in this order, so new ones go last.
    """

    name: str
    options: tuple[object, ...]

    def answer(self, shot: Shot) -> int:
        """Which option a shot shows."""
        owner = shot.actors[0] if self.name in ("count", "size") else shot
        return self.options.index(getattr(owner, self.name))


FIELDS = {
    field.name: field
    for field in (
        Field("setting", tuple(Setting)),
        Field("action", tuple(Action)),
        Field("camera", tuple(Camera)),
        Field("relation", (None, *Relation)),
        Field("count", (1, 2, 3)),
        Field("size", tuple(Size)),
        Field("time_of_day", tuple(TimeOfDay)),
        Field("weather", tuple(Weather)),
        Field("style", tuple(Style)),
    )
}


@dataclass(frozen=True)
class Script:
    """A whole clip: one to three shots in time order, and the seed of everything left open."""

    shots: tuple[Shot, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the number of shots."""
        if not 1 <= len(self.shots) <= 3:
            raise InvalidRequest("shots", len(self.shots), "be 1, 2 or 3")

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Script":
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        return cls(tuple(_shot(shot) for shot in raw["shots"]), raw["seed"])


def _shot(raw: dict[str, Any]) -> Shot:
    actors = tuple(Actor(a["name"], a["count"], Size(a["size"])) for a in raw["actors"])
    relation = Relation(raw["relation"]) if raw["relation"] else None
    return Shot(
        actors=actors,
        setting=Setting(raw["setting"]),
        action=Action(raw["action"]),
        relation=relation,
        camera=Camera(raw["camera"]),
        time_of_day=TimeOfDay(raw["time_of_day"]),
        weather=Weather(raw["weather"]),
        style=Style(raw["style"]),
    )


HELD_OUT_SHARE = 0.05


def is_held_out(actor: str, setting: Setting, action: Action) -> bool:
    """Whether this combination belongs to the held-out split and so is never trained on.

    Fixed by hash (SHA-256 of the three names), so it holds on every machine and in every version.
    """
    digest = hashlib.sha256(f"{actor}|{setting}|{action}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32


def script_is_held_out(script: Script) -> bool:
    """Whether any first-or-second actor of any shot forms a held-out combination."""
    return any(
        is_held_out(actor.name, shot.setting, shot.action)
        for shot in script.shots
        for actor in shot.actors
    )
