"""Text to video: the only place that wires all parts.

prompt -> caption -> condition -> latents -> frames. Writing files is the caller's business.
"""

import copy
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.characters import read_character, with_stand_ins
from unstrung.engine.checkpoints import (
    PLANNER,
    load_autoencoder,
    load_text_encoder,
    load_transformer,
    shipped_weights,
)
from unstrung.engine.conditioning import GivenClip, GivenFrames, TextSpans, faithful
from unstrung.engine.denoising import Denoiser, times_of
from unstrung.engine.errors import CheckpointError, InvalidRequest, OutOfMemory
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.precision import choose_precision
from unstrung.engine.presets import ModelPreset, preset
from unstrung.engine.prompt import MappedPrompt, PromptMapper
from unstrung.engine.prompt_words import detect_language
from unstrung.engine.request import Generation, GenerationRequest, Plan, Step, plan
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.render import shot_of_latent_frames

if TYPE_CHECKING:
    from unstrung.engine.guests import Guest

OnStep = Callable[[Step], None]


class TextToVideo:
    """A loaded model that draws clips from prompts."""

    def __init__(
        self, model: ModelPreset, denoiser: Denoiser, autoencoder: Autoencoder, load_s: float = 0.0
    ) -> None:
        """Wire loaded parts; most callers use `load`."""
        self.model = model
        self.name = model.name
        self.native = model.native
        self.denoiser = denoiser
        self.autoencoder = autoencoder
        self.load_s = load_s
        self._mapper: PromptMapper | None = None
        self._guests: tuple[Guest, ...] = ()

    @classmethod
    def load(cls, weights: Path | None = None) -> "TextToVideo":
        """Read a model from a folder of weights, by default the one that is shipped.

        Raises:
            CheckpointError: if a file is missing, damaged or of another model.
        """
        started = time.perf_counter()
        folder = weights or shipped_weights()
        if not folder.is_dir():
            raise CheckpointError(f"The weights folder {folder} does not exist.")
        transformer, facts = load_transformer(folder / "transformer.safetensors")
        missing = [name for name in ("preset", "target", "cast") if name not in facts]
        if missing:
            raise CheckpointError(
                f"The transformer in {folder} does not say its {' and '.join(missing)}; ship it again."
            )
        planner = load_transformer(folder / PLANNER)[0] if transformer.config.has_layout else None
        text_encoder = load_text_encoder(folder / "text_encoder.safetensors")
        autoencoder = load_autoencoder(folder / "autoencoder.safetensors")
        torch.set_flush_denormal(True)
        dtype = choose_precision(0.05).dtype
        transformer.to(dtype)
        if autoencoder.refiner is not None:
            autoencoder.refiner.to(dtype)
        denoiser = Denoiser(
            transformer, text_encoder, facts["target"], tuple(facts["cast"]), dtype, planner,
            autoencoder,
        )  # fmt: skip
        model = preset(facts["preset"])
        if transformer.config.has_step_size:
            model = model.of_student
        return cls(model, denoiser, autoencoder, time.perf_counter() - started)

    def generate(
        self,
        request: GenerationRequest,
        on_step: OnStep | None = None,
        given: GivenClip | None = None,
        spans: TextSpans | None = None,
    ) -> Generation:
        """Draw the clips of a request.

        Args:
            request: what to draw.
            given: frames to begin from, of the planned shape; those given exactly come back exactly.
            spans: which caption each latent frame reads, in the place of the request's prompt.
            on_step: told after every denoising step; raising `Cancelled` inside it stops the run.

        Raises:
            InvalidRequest: if the request breaks a rule.
            OutOfMemory: if the machine cannot hold the clip.
            Cancelled: if `on_step` says so.
        """
        fitted = plan(request, self.native)
        _check_given(given, fitted)
        started = time.perf_counter()
        mapped = None
        if spans is None:
            mapped = self.understand([request.prompt], request.verbatim)
            spans = _even_spans(mapped.captions, fitted.shape.latent.frames)
        captions = spans.captions
        text_s = time.perf_counter() - started
        first = request.seed if request.seed is not None else secrets.randbelow(2**31)
        seeds = tuple(first + index for index in range(request.count))
        num_steps = request.num_steps or self.model.num_steps
        scale = request.guidance_scale or self.model.guidance_scale
        timings_s = {"load": self.load_s, "text": text_s}
        with _memory_errors_told():
            started = time.perf_counter()
            latents, layouts = self._denoise(spans, fitted, seeds, num_steps, scale, on_step, given)
            timings_s["denoise"] = time.perf_counter() - started
            told = [spans.captions] * len(seeds)
            clips = tuple(self.decode(latents, told, [spans.of_frames] * len(seeds), layouts))
            if given is not None:
                clips = tuple(faithful(clip, given) for clip in clips)
            timings_s["decode"] = time.perf_counter() - started - timings_s["denoise"]
        return Generation(
            clips=clips,
            prompt=request.prompt,
            caption=mapped.caption if mapped else " ".join(captions),
            unplaced=mapped.unplaced if mapped else (),
            seeds=seeds,
            frame_rate=fitted.frame_rate,
            num_steps=num_steps,
            guidance_scale=scale,
            model=self.name,
            timings_s=timings_s,
            notes=fitted.notes + (mapped.notes if mapped else ()),
            captions=captions,
            layouts=None if layouts is None else layouts.numpy(),
        )

    def understand(self, prompts: Sequence[str], verbatim: bool = False) -> MappedPrompt:
        """Captions of a prompt, or of several that follow one another (then exactly one for each).

        Args:
            prompts: what a person typed.
            verbatim: hand them to the model as they stand.
        """
        prompts, notes = self._without_guests(prompts)
        if verbatim:
            whole = " ".join(prompts)
            return MappedPrompt(whole, "en", whole, None, (), (), tuple(prompts), notes)
        mapper = self._loaded_mapper()
        mapped = mapper.map(prompts[0]) if len(prompts) == 1 else mapper.map_shots(prompts)
        return replace(mapped, notes=(*notes, *mapped.notes))

    def _loaded_mapper(self) -> PromptMapper:
        if self._mapper is None:
            # Only members that the model has learned: a word for anybody else finds its nearest among them.
            cast = load_cast()
            self._mapper = PromptMapper({name: cast[name] for name in self.denoiser.cast})
        return self._mapper

    def with_characters(self, files: Sequence[tuple[str, Path]]) -> "TextToVideo":
        """The same model with characters of a person's own, whose names may be used in prompts.

        Args:
            files: name, and picture or clip, of each; at most two.

        Raises:
            DataError: if a file cannot be read.
            InvalidRequest: if nobody stands out in it, or names are not fit.
        """
        from unstrung.engine.guests import choose_members, with_guests

        characters = [read_character(name, path) for name, path in files]
        guests = choose_members(self.denoiser, self.autoencoder, characters)
        other = copy.copy(self)
        other.denoiser = with_guests(self.denoiser, self.autoencoder, guests)
        other._guests = guests
        return other

    def _without_guests(self, prompts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Prompts with the words that the cast lends to the guests, and who lends one."""
        if not self._guests:
            return tuple(prompts), ()
        language = detect_language(" ".join(prompts), self._loaded_mapper().lexicons)
        cast = load_cast()
        words = [(g.character.name, cast[g.member].names[language]) for g in self._guests]
        notes = tuple(
            f"{guest.character.name} is painted from the picture given; the model is told of a "
            f"{cast[guest.member].names['en']}, who looks most like it."
            for guest in self._guests
        )
        return tuple(with_stand_ins(prompt, words) for prompt in prompts), notes

    def _denoise(
        self,
        told: TextSpans,
        fitted: Plan,
        seeds: Sequence[int],
        num_steps: int,
        guidance_scale: float,
        on_step: OnStep | None,
        given: GivenClip | None,
    ) -> tuple[Tensor, Tensor | None]:
        shape = fitted.shape.latent
        if len(told.of_frames) != shape.frames:
            rule = f"name a caption for each of {shape.frames} latent frames"
            raise InvalidRequest("spans", len(told.of_frames), rule, str(shape.frames))
        spans = torch.tensor([told.of_frames] * len(seeds))
        captions = [told.captions] * len(seeds)
        aspect = fitted.shape.width / fitted.shape.height
        frames = known = None
        if given is not None:
            frames, known = self._begun(told, given)
        total = len(times_of(num_steps, self.model.shift, frames)) - 1

        def show(index: int, clean: Tensor) -> None:
            if on_step is not None:
                on_step(Step(index, total, lambda: self._preview(clean)))

        layout = self.denoiser.lay_out(captions, spans, seeds, aspect, known=known)
        latents = self.denoiser.draw(
            captions,
            spans,
            self.denoiser.noise(shape, seeds),
            num_steps,
            guidance_scale,
            self.model.shift,
            show,
            layout,
            frames,
        )
        return latents, layout

    def _begun(self, told: TextSpans, given: GivenClip) -> tuple[GivenFrames, Tensor | None]:
        """A given clip as latents, and where everybody stands in it."""
        video = _to_video(given.frames)
        times = given.start_times
        with torch.inference_mode():
            latents = self.autoencoder.encode(video)
        which = [index for index, start in enumerate(times) if start < 1]
        frames = GivenFrames(latents, torch.tensor([times]))
        if given.layout is not None:
            return frames, torch.from_numpy(given.layout)[None]
        if given.captions is not None:
            told = _even_spans(given.captions, len(times))
        known = self.denoiser.read_layouts(told.captions, told.of_frames, video[0], which)
        return frames, known

    def _preview(self, clean: Tensor) -> np.ndarray:
        """The middle frame of the current estimate, by the linear code alone."""
        middle = clean.shape[2] // 2
        with torch.inference_mode():
            video = self.autoencoder.decode_linear(clean[:1, :, middle : middle + 1])
        picture: np.ndarray = _to_uint8(video[0])[-1]
        return picture

    @torch.inference_mode()
    def decode(
        self,
        latents: Tensor,
        captions: Sequence[Sequence[str]],
        spans: Sequence[Sequence[int]],
        layouts: Tensor | None,
    ) -> list[np.ndarray]:
        """Frames (F, H, W, 3) uint8 of each clip of a batch, one after the other to spare memory.

        Args:
            latents: (B, C, F, H, W).
            captions, spans: that each clip was drawn to.
            layouts: (B, F, `LAYOUT_SIZE`) that it was drawn to, or None.
        """
        clips, grid = [], (latents.shape[3], latents.shape[4])
        for index in range(len(latents)):
            layout = None if layouts is None else layouts[index : index + 1]
            of_frames = torch.tensor([list(spans[index])])
            sketch = self.denoiser.sketch([captions[index]], of_frames, layout, grid)
            clips.append(_to_uint8(self.autoencoder.decode(latents[index : index + 1], sketch)[0]))
        return clips


@contextmanager
def _memory_errors_told() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            raise OutOfMemory(
                "The clip does not fit into this machine's memory; ask for a smaller size, "
                "fewer seconds or a smaller count."
            ) from error
        raise


def _even_spans(captions: Sequence[str], num_latent: int) -> TextSpans:
    return TextSpans(tuple(captions), shot_of_latent_frames(len(captions), num_latent))


def _check_given(given: GivenClip | None, fitted: Plan) -> None:
    if given is not None and given.shape != fitted.shape:
        rule = "have the shape of the clip"
        raise InvalidRequest("given", given.shape, rule, str(fitted.shape))


def _to_video(frames: np.ndarray) -> Tensor:
    """(F, H, W, 3) uint8 as (1, 3, F, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def _to_uint8(video: Tensor) -> np.ndarray:
    """(3, F, H, W) in [-1, 1] as (F, H, W, 3) uint8."""
    scaled = ((video.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    frames: np.ndarray = scaled.permute(1, 2, 3, 0).contiguous().numpy()
    return frames
