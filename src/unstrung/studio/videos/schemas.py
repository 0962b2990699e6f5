"""Wire format of videos: what may be asked, and what is told."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    InstanceOf,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from unstrung.engine.request import MAX_GUIDANCE, MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STEPS
from unstrung.engine.storyboard import MAX_SHOTS
from unstrung.studio.fields import StrictRequest
from unstrung.studio.videos.models import Video
from unstrung.studio.wire import File

MIN_SIDE: Final = 64
MAX_SIDE: Final = 2048
MAX_SECONDS: Final = 60.0
MAX_CHARACTERS: Final = 2
STRENGTH_WORDS: Final = ("subtle", "mild", "strong")
# Something that can be seen, and no NUL, which PostgreSQL cannot keep.
_VISIBLE: Final = (
    r"^[^\x00]*[^\x00-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    r"\ufff0-\uffff][^\x00]*$"
)
# What OpenAPI says of it: looser, since the long class above makes every generator of test data crawl.
_NOT_BLANK: Final = r"\S"
_SIZE: Final = re.compile(r"(\d{1,5})x(\d{1,5})")


def _seconds(value: Any) -> Any:
    """Whole or decimal seconds, as a number or as text, as canonical text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number of seconds such as 4 or '4'")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("must be a number of seconds such as 4 or '4'") from None
    if not 0 < number <= MAX_SECONDS:  # also false for NaN
        raise ValueError(f"must lie above 0 and be at most {MAX_SECONDS:g} seconds")
    return f"{number:g}"


def _size(value: Any) -> Any:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be WIDTHxHEIGHT such as 1280x720")
    sides = int(match[1]), int(match[2])
    if not all(MIN_SIDE <= side <= MAX_SIDE and side % 2 == 0 for side in sides):
        fix = "x".join(str(min(MAX_SIDE, max(MIN_SIDE, side // 2 * 2))) for side in sides)
        raise ValueError(f"must have even sides of {MIN_SIDE} to {MAX_SIDE} pixels; try {fix}")
    return f"{sides[0]}x{sides[1]}"


def _prompt(value: Any) -> Any:
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("must not contain the character NUL")
    if isinstance(value, str) and not re.match(_VISIBLE, value):
        raise ValueError("must say what should be seen, such as 'a fox crosses a snowy field'")
    return value


def _strength(value: Any) -> Any:
    """A word, or a number or a number as text, as canonical text."""
    if value in STRENGTH_WORDS:
        return value
    rule = f"must be {', '.join(STRENGTH_WORDS)}, or a number above 0 and at most 1"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(rule)
    try:
        number = float(value)
    except ValueError:
        raise ValueError(rule) from None
    if not 0.001 <= number <= 1:  # also false for NaN
        raise ValueError(rule)
    return f"{number:.4g}"


Upload = Annotated[
    InstanceOf[File],
    WithJsonSchema(
        {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    ),
]
Prompt = Annotated[
    str,
    BeforeValidator(_prompt),
    Field(
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        description="What should be seen.",
        json_schema_extra={"pattern": _NOT_BLANK},
    ),
]
Seconds = Annotated[
    str,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS},
                {"type": "string", "examples": ["4", "8", "12"]},
            ],
            "description": "Length [s]. What the model cannot make is delivered at its longest, and said.",
        }
    ),
]
Strength = Annotated[
    str,
    BeforeValidator(_strength),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(STRENGTH_WORDS)},
                {"type": "number", "minimum": 0.001, "maximum": 1},
            ],
            "description": "How far the new clip may go away from the old one.",
        }
    ),
]
Moment = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
Size = Annotated[
    str,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{1,5}x\d{1,5}$",
            "examples": ["1280x720", "720x1280"],
            "description": f"WIDTHxHEIGHT, even sides of {MIN_SIDE} to {MAX_SIDE} pixels. "
            "Sizes above the model's own are scaled up; the answer says the native size.",
        }
    ),
]
ModelName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[\w.:/-]+$",
        description="Name or alias of a model.",
    ),
]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w-]+$")]


class ImageReference(StrictRequest):
    """A picture to begin from, by address."""

    image_url: str | None = Field(None, max_length=2_000, description="https address of a picture.")
    file_id: str | None = Field(
        None, max_length=64, description="Not offered here; send the file itself."
    )


class VideoReference(StrictRequest):
    """A video of the caller's own."""

    id: Id = Field(description="Id of a completed video.")


class CharacterReference(StrictRequest):
    """A character of the caller's own."""

    id: Id = Field(description="Id of a character.")


class _Settings(StrictRequest):
    """Settings that this server knows beyond the closed API's."""

    seed: int | None = Field(
        None, ge=0, le=MAX_SEED, description="Makes a clip again; drawn if left out."
    )
    num_steps: int | None = Field(None, ge=1, le=MAX_STEPS, description="Denoising steps.")
    guidance_scale: float | None = Field(
        None, ge=1, le=MAX_GUIDANCE, allow_inf_nan=False, description="Pull of the text."
    )
    verbatim: StrictBool = Field(False, description="Hand the prompt to the model as it stands.")


class CreateVideo(_Settings):
    """Ask for a video."""

    prompt: Prompt
    model: ModelName | None = Field(None, description="Name or alias of a model.")
    seconds: Seconds = "4"
    size: Size | None = None
    input_reference: Upload | ImageReference | None = Field(
        None, description="A picture or clip to begin from."
    )
    characters: list[CharacterReference] = Field([], max_length=MAX_CHARACTERS)


class RemixVideo(StrictRequest):
    """Ask for a video again under another prompt."""

    prompt: Prompt


class EditVideo(_Settings):
    """Ask for a video with something changed."""

    prompt: Prompt
    video: Upload | VideoReference = Field(description="The clip to change: a file, or {id}.")
    strength: Strength = "strong"
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class ExtendVideo(_Settings):
    """Ask for a video to go on."""

    prompt: Prompt
    seconds: Seconds
    video: Upload | VideoReference = Field(description="The clip to go on from: a file, or {id}.")
    direction: Literal["forward", "backward"] = Field(
        "forward", description="Whether the clip goes on, or begins earlier."
    )
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class LoopVideo(_Settings):
    """Ask for a video to lead back to its beginning without a seam."""

    prompt: Prompt
    seconds: Seconds = "2"
    video: Upload | VideoReference = Field(description="The clip to close: a file, or {id}.")
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class KeptStretch(StrictRequest):
    """A stretch of a clip that stays as it is."""

    begin: Moment = Field(alias="from", description="Where it begins [s].")
    end: Moment = Field(alias="to", description="Where it ends [s].")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.begin:
            raise ValueError("must end after it begins")
        return self


class RecutVideo(_Settings):
    """Ask for a video of which one stretch stays, with the rest drawn anew."""

    prompt: Prompt
    keep: KeptStretch
    video: Upload | VideoReference = Field(description="The clip to cut: a file, or {id}.")
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class ConnectVideos(_Settings):
    """Ask for a bridge from one video to another."""

    prompt: Prompt
    seconds: Seconds = "2"
    video: Upload | VideoReference = Field(description="The clip that begins: a file, or {id}.")
    second: Upload | VideoReference = Field(description="The clip that ends: a file, or {id}.")
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class BlendVideos(_Settings):
    """Ask for one video that turns into another."""

    prompt: Prompt
    video: Upload | VideoReference = Field(description="The clip that begins: a file, or {id}.")
    second: Upload | VideoReference = Field(description="The clip that ends: a file, or {id}.")
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class Shot(StrictRequest):
    """What is seen from one moment on."""

    prompt: Prompt
    start: Moment = Field(description="When it begins [s]; the first at 0.")


class TellStoryboard(_Settings):
    """Ask for one video that tells several shots in their time."""

    shots: list[Shot] = Field(min_length=1, max_length=MAX_SHOTS)
    end: Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)] | None = Field(
        None, description="When the last shot ends [s]; 3 s after it begins if left out."
    )
    size: Size | None = None
    model: ModelName | None = Field(None, description="Name or alias of a model.")


class CreateCharacter(StrictRequest):
    """Bind a name to somebody in a clip."""

    name: Annotated[
        str,
        BeforeValidator(_prompt),
        Field(min_length=1, max_length=80, json_schema_extra={"pattern": _NOT_BLANK}),
    ]
    video: Upload = Field(description="A picture, or a clip of 2 to 4 seconds.")


class VideoError(BaseModel):
    """Why a video failed."""

    code: str
    message: str


class Links(BaseModel):
    """Signed addresses of a video's files; each names its viewer and expires."""

    video: str
    thumbnail: str
    spritesheet: str
    expires_at: int


class Usage(BaseModel):
    """What a video took."""

    run_seconds: float = Field(description="Seconds from the start on a worker to the end.")
    frames: int


class VideoObject(BaseModel):
    """A video and how far it is."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int = Field(ge=0, le=100)
    created_at: int
    completed_at: int | None = None
    expires_at: int | None = None
    prompt: str
    size: str
    seconds: str
    remixed_from_video_id: str | None = None
    error: VideoError | None = None
    # Ours; the SDKs hand unknown fields on.
    kind: str = Field(description="Which call asked for it, such as create, extend or loop.")
    source_video_ids: list[str] = Field([], description="Videos that it was made of, in order.")
    resolved_model: str
    phase: str
    step: int
    total_steps: int
    queue_position: int | None = Field(
        None, description="Videos that begin earlier; counted up to 1,000."
    )
    eta_seconds: float | None = Field(None, description="Forecast of the end from now [s].")
    seed: int | None = None
    fps: int | None = None
    num_frames: int | None = None
    duration_seconds: float | None = Field(None, description="Length that was delivered [s].")
    native_size: str | None = Field(
        None, description="Size at which the model drew, before scaling."
    )
    flashes: int | None = Field(
        None, description="Most flashes in any second (WCAG 2.3.1); null if nobody looked."
    )
    caption: str | None = Field(None, description="How the prompt was understood.")
    unplaced: list[str] | None = Field(None, description="Words that the model does not know.")
    notes: list[str] = []
    preview_url: str | None = None
    urls: Links | None = None
    usage: Usage | None = None


class ListVideos(StrictRequest):
    """Which page of videos is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last video of the page before."
    )
    limit: int = Field(20, ge=0, le=100, description="Most videos of the page.")
    order: Literal["asc", "desc"] = Field("desc", description="Oldest or newest first.")


class VideoList(BaseModel):
    """A page of videos."""

    object: Literal["list"] = "list"
    data: list[VideoObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(BaseModel):
    """A video is gone."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


class CharacterObject(BaseModel):
    """A character."""

    id: str
    object: Literal["character"] = "character"
    name: str
    created_at: int


class QueueObject(BaseModel):
    """How busy the service is."""

    object: Literal["queue"] = "queue"
    queued: int = Field(description="Videos that wait; counted up to 1,000.")
    running: int
    workers: int
    mine_queued: int
    mine_running: int
    eta_seconds: float | None = Field(description="Forecast for a video that is asked for now [s].")


def video_object(
    video: Video, place: int | None, eta_s: float | None, links: Links | None, preview: str | None
) -> VideoObject:
    """A row as it is told.

    Args:
        video: the row.
        place, eta_s: in the queue, and until the end [s].
        links: to its files, when it is completed.
        preview: address of a picture of a running one.
    """
    result, recipe = video.result or {}, video.recipe or {}
    usage = None
    if video.started_at is not None and video.completed_at is not None and result:
        took = (video.completed_at - video.started_at).total_seconds()
        usage = Usage(run_seconds=round(took, 2), frames=result["num_frames"])
    error = None
    if video.error_code is not None:
        error = VideoError(code=video.error_code, message=video.error_message or "")
    return VideoObject(
        id=video.id,
        model=video.model,
        status=video.status.value,
        progress=video.progress,
        created_at=int(video.created_at.timestamp()),
        completed_at=int(video.completed_at.timestamp()) if video.completed_at else None,
        prompt=video.prompt,
        size=video.size,
        seconds=video.seconds,
        remixed_from_video_id=video.source_video_id,
        error=error,
        kind=video.kind.value,
        source_video_ids=[each for each in (video.source_video_id, video.second_video_id) if each],
        resolved_model=video.resolved_model,
        phase=video.phase,
        step=video.step,
        total_steps=video.total_steps,
        queue_position=place,
        eta_seconds=eta_s,
        seed=video.seed,
        fps=result.get("fps"),
        num_frames=result.get("num_frames"),
        duration_seconds=result.get("duration_seconds"),
        native_size=result.get("native_size"),
        flashes=result.get("flashes"),
        caption=recipe.get("caption"),
        unplaced=recipe.get("unplaced"),
        notes=result.get("notes", []),
        preview_url=preview,
        urls=links,
        usage=usage,
    )
