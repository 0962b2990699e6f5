"""Drawing in pieces: one operation on a clip may need several runs of the model, and is told as one.

The prompt is understood once, every piece has a seed of its own, steps count through, times are added up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from unstrung.engine.conditioning import GivenClip, TextSpans
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.prompt import MappedPrompt
from unstrung.engine.request import Generation, GenerationRequest, NativeShapes, Step
from unstrung.engine.shapes import COMPRESSION, nearest_num_frames
from unstrung.engine.sources import Source

OnStep = Callable[[Step], None]
MAX_SPANS: Final = 2  # captions that one piece reads; more were not trained


class Model(Protocol):
    """What is needed of a loaded model; `pipeline.TextToVideo` has it."""

    @property
    def native(self) -> NativeShapes:
        """Sizes and lengths it was trained for."""

    def understand(self, prompts: Sequence[str], verbatim: bool) -> MappedPrompt:
        """Captions of prompts that follow one another."""

    def generate(
        self,
        request: GenerationRequest,
        on_step: OnStep | None = None,
        given: GivenClip | None = None,
        spans: TextSpans | None = None,
    ) -> Generation:
        """Draw the clips of a request, from given frames if there are any."""


class Drawing:
    """One operation while it is carried out."""

    def __init__(
        self,
        model: Model,
        request: GenerationRequest,
        on_step: OnStep | None,
        num_pieces: int = 1,
        told: MappedPrompt | None = None,
    ) -> None:
        """Understand the prompt.

        Args:
            model: what draws.
            request: prompt, seed and settings of every piece.
            on_step: told after every step, counted through all pieces.
            num_pieces: how often `piece` will be called.
            told: the captions, where there is more than the request's prompt.
        """
        self.model, self.request = model, request
        self.told = told or model.understand([request.prompt], request.verbatim)
        self._on_step = on_step
        self._num_pieces = num_pieces
        self._made: list[Generation] = []

    @property
    def captions(self) -> tuple[str, ...]:
        """What the model is told, one for each shot."""
        return self.told.captions

    def staged(self, num_latent: int, total: int) -> np.ndarray | None:
        """Where everybody stood in the last latent frames of the last piece, for the next to begin with.

        Args:
            num_latent: latent frames that are known.
            total: latent frames of the next piece, which are 0 where nothing is known.
        """
        if not self._made or self._made[-1].layouts is None:
            return None
        before = self._made[-1].layouts[0]
        layout = np.zeros((total, before.shape[-1]), before.dtype)
        layout[:num_latent] = before[-num_latent:]
        return layout

    def piece(
        self, num_frames: int, given: GivenClip | None, of_frames: Sequence[int] = ()
    ) -> np.ndarray:
        """Draw one piece of one clip, (F, H, W, 3); arguments as in `clips`."""
        return self.clips(num_frames, given, of_frames)[0]

    def clips(
        self, num_frames: int, given: GivenClip | None, of_frames: Sequence[int] = ()
    ) -> tuple[np.ndarray, ...]:
        """Draw one piece as often as the request counts.

        Args:
            num_frames: of the piece.
            given: frames to begin from.
            of_frames: caption of each latent frame; empty divides the captions evenly.
        """
        index, count = len(self._made), self._num_pieces
        spans = TextSpans(self.captions, tuple(of_frames)) if of_frames else None

        def told(step: Step) -> None:
            if self._on_step is not None:
                self._on_step(
                    Step(index * step.total + step.index, count * step.total, step.preview)
                )

        seed = self._made[0].seeds[0] + index if self._made else self.request.seed
        asked = replace(self.request, seconds=seconds_of(self.model, num_frames), seed=seed)
        self._made.append(self.model.generate(asked, told, given, spans))
        return self._made[-1].clips

    def finished(
        self, clips: Sequence[np.ndarray], operation: str, sources: Sequence[Source] = ()
    ) -> Generation:
        """What came of it.

        Args:
            clips: the result.
            operation: its name in the recipe.
            sources: what it was done to.
        """
        first = self._made[0]
        timings_s = {
            name: first.timings_s.get(name, 0.0)
            if name == "load"
            else sum(made.timings_s.get(name, 0.0) for made in self._made)
            for name in first.timings_s
        }
        notes = [note for source in sources for note in source.notes]
        notes += [*self.told.notes, *(note for made in self._made for note in made.notes)]
        return replace(
            first,
            clips=tuple(clips),
            layouts=None,
            prompt=self.request.prompt,
            caption=self.told.caption,
            captions=self.captions,
            unplaced=self.told.unplaced,
            timings_s=timings_s,
            # The length of a piece is not what was asked for.
            notes=tuple(dict.fromkeys(n for n in notes if not n.startswith("seconds "))),
            operation=operation,
            inputs=tuple(source.digest for source in sources),
        )


@dataclass(frozen=True)
class Stretch:
    """One piece of a clip that grows at its end.

    Attributes:
        known: caption of each latent frame that is seen of what comes before.
        new: caption of each latent frame that is drawn.
    """

    known: tuple[int, ...]
    new: tuple[int, ...]


def stretches_of(
    past: Sequence[int], owners: Sequence[int], longest: int, overlap: int
) -> list[Stretch]:
    """Divide what is to be drawn into pieces that the model can draw.

    Args:
        past: caption of each latent frame that is there already; empty at the beginning of a clip.
        owners: caption of each latent frame to draw, in order.
        longest: latent frames of the longest piece.
        overlap: latent frames that a piece sees of what comes before.
    """
    history, ahead = list(past), list(owners)
    stretches = []
    while ahead:
        known = history[-overlap:]
        while len({*known, ahead[0]}) > MAX_SPANS:
            known = known[1:]
        new: list[int] = []
        for owner in ahead[: longest - len(known)]:
            if len({*known, *new, owner}) > MAX_SPANS:
                break
            new.append(owner)
        stretches.append(Stretch(tuple(known), tuple(new)))
        history += new
        ahead = ahead[len(new) :]
    return stretches


def single(request: GenerationRequest, size: str) -> GenerationRequest:
    """The request at a size, refused if it asks for several clips."""
    if request.count != 1:
        raise InvalidRequest("count", request.count, "be 1 when a clip is gone on with", "1")
    return replace(request, size=size)


def longest_of(model: Model) -> int:
    """Frames of the longest clip that a model draws at once."""
    return nearest_num_frames(model.native.max_seconds * model.native.frame_rate)


def num_frames_of(model: Model, seconds: float) -> int:
    """The legal number of frames nearest to a length, at most the longest."""
    return min(longest_of(model), nearest_num_frames(seconds * model.native.frame_rate))


def seconds_of(model: Model, num_frames: int) -> float:
    """What to ask for to get so many frames: the longest clip has a frame more than its seconds say."""
    return min(model.native.max_seconds, num_frames / model.native.frame_rate)


def latent_frames_of(num_frames: int) -> int:
    """Latent frames of a clip of 1 + 4k frames."""
    return 1 + (num_frames - 1) // COMPRESSION.frames
