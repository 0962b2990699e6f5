"""Text to video: the only place that wires all parts.

prompt -> caption -> condition -> latents -> frames. Writing files is the caller's business.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.checkpoints import (
    PLANNER,
    load_autoencoder,
    load_text_encoder,
    load_transformer,
    shipped_weights,
)
from unstrung.engine.conditioning import GivenClip, GivenFrames
from unstrung.engine.denoising import Denoiser, times_of
from unstrung.engine.errors import CheckpointError, InvalidRequest, OutOfMemory
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.precision import choose_precision
from unstrung.engine.presets import ModelPreset, preset
from unstrung.engine.prompt import MappedPrompt, PromptMapper
from unstrung.engine.request import Generation, GenerationRequest, Plan, Step, plan
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.render import shot_of_latent_frames

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
        return cls(preset(facts["preset"]), denoiser, autoencoder, time.perf_counter() - started)

    def generate(
        self,
        request: GenerationRequest,
        on_step: OnStep | None = None,
        given: GivenClip | None = None,
    ) -> Generation:
        """Draw the clips of a request.

        Args:
            request: what to draw.
            given: frames to begin from, of the planned shape.
            on_step: told after every denoising step; raising `Cancelled` inside it stops the run.

        Raises:
            InvalidRequest: if the request breaks a rule.
            OutOfMemory: if the machine cannot hold the clip.
            Cancelled: if `on_step` says so.
        """
        fitted = plan(request, self.native)
        _check_given(given, fitted)
        started = time.perf_counter()
        captions, mapped = self._captions(request)
        text_s = time.perf_counter() - started
        first = request.seed if request.seed is not None else secrets.randbelow(2**31)
        seeds = tuple(first + index for index in range(request.count))
        num_steps = request.num_steps or self.model.num_steps
        scale = request.guidance_scale or self.model.guidance_scale
        started = time.perf_counter()
        try:
            latents = self._denoise(captions, fitted, seeds, num_steps, scale, on_step, given)
            denoise_s = time.perf_counter() - started
            started = time.perf_counter()
            clips = tuple(self.decode(latents[i : i + 1]) for i in range(len(seeds)))
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "allocate memory" in str(error):
                raise OutOfMemory(
                    "The clip does not fit into this machine's memory; ask for a smaller size, "
                    "fewer seconds or a smaller count."
                ) from error
            raise
        return Generation(
            clips=clips,
            prompt=request.prompt,
            caption=" ".join(captions),
            unplaced=mapped.unplaced if mapped else (),
            seeds=seeds,
            frame_rate=fitted.frame_rate,
            num_steps=num_steps,
            guidance_scale=scale,
            model=self.name,
            timings_s={
                "load": self.load_s,
                "text": text_s,
                "denoise": denoise_s,
                "decode": time.perf_counter() - started,
            },
            notes=fitted.notes + (mapped.notes if mapped else ()),
            captions=captions,
        )

    def _captions(self, request: GenerationRequest) -> tuple[tuple[str, ...], MappedPrompt | None]:
        """One caption per shot, and how the prompt was understood."""
        if request.verbatim:
            return (request.prompt,), None
        if self._mapper is None:
            # Only members that the model has learned: a word for anybody else finds its nearest among them.
            cast = load_cast()
            self._mapper = PromptMapper({name: cast[name] for name in self.denoiser.cast})
        mapped = self._mapper.map(request.prompt)
        return mapped.captions, mapped

    def _denoise(
        self,
        captions: Sequence[str],
        fitted: Plan,
        seeds: Sequence[int],
        num_steps: int,
        guidance_scale: float,
        on_step: OnStep | None,
        given: GivenClip | None,
    ) -> Tensor:
        shape = fitted.shape.latent
        spans = torch.tensor([shot_of_latent_frames(len(captions), shape.frames)] * len(seeds))

        told_captions = [captions] * len(seeds)
        aspect = fitted.shape.width / fitted.shape.height
        frames = known = None
        if given is not None:
            frames, known = self._begun(captions, spans[0].tolist(), given)
        total = len(times_of(num_steps, self.model.shift, frames)) - 1

        def told(index: int, clean: Tensor) -> None:
            if on_step is not None:
                on_step(Step(index, total, lambda: self._preview(clean)))

        return self.denoiser.draw(
            told_captions,
            spans,
            self.denoiser.noise(shape, seeds),
            num_steps,
            guidance_scale,
            self.model.shift,
            told,
            self.denoiser.lay_out(told_captions, spans, seeds, aspect, known=known),
            frames,
        )

    def _begun(
        self, captions: Sequence[str], spans: Sequence[int], given: GivenClip
    ) -> tuple[GivenFrames, Tensor | None]:
        """A given clip as latents, and where everybody stands in it."""
        video = _to_video(given.frames)
        times = given.start_times
        with torch.inference_mode():
            latents = self.autoencoder.encode(video)
        which = [index for index, start in enumerate(times) if start < 1]
        if given.captions is not None:
            captions, spans = (
                given.captions,
                shot_of_latent_frames(len(given.captions), len(times)),
            )
        known = self.denoiser.read_layouts(captions, spans, video[0], which)
        return GivenFrames(latents, torch.tensor([times])), known

    def _preview(self, clean: Tensor) -> np.ndarray:
        """The middle frame of the current estimate, by the linear code alone."""
        middle = clean.shape[2] // 2
        with torch.inference_mode():
            video = self.autoencoder.decode_linear(clean[:1, :, middle : middle + 1])
        picture: np.ndarray = _to_uint8(video[0])[-1]
        return picture

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> np.ndarray:
        """Frames (F, H, W, 3) uint8 of one clip's latents (1, C, F, H, W)."""
        return _to_uint8(self.autoencoder.decode(latents)[0])


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
