"""From noise and a caption to clean latents: joins the transformer, guidance and a sampler.

The one place that knows what the transformer's output means (clean latents or velocity) when it is used;
training knows it in `training.objectives`. Pipelines and sample sheets both come here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from unstrung.engine import flow, guidance, sampling, schedules
from unstrung.engine.conditioning import GivenFrames
from unstrung.engine.layout import LAYOUT_SIZE
from unstrung.engine.layout_reading import follow
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.layout import PLAN_CHANNELS, from_plan, to_plan
from unstrung.engine.models.sketch import sketch_latents, sketch_pictures
from unstrung.engine.models.text_encoder import Condition, TextEncoder
from unstrung.engine.models.transformer import Transformer
from unstrung.engine.shapes import COMPRESSION, LatentShape

PLAN_STEPS: Final = 24
_PROPOSALS: Final = 16  # plans from which a layout is read off a picture
_LEAST_FIT: Final = 0.08  # below it, what fits best is not taken for whoever is meant


@dataclass(frozen=True)
class Denoiser:
    """A transformer and its text encoder, ready to draw.

    Attributes:
        transformer, text_encoder: trained together.
        target: what the transformer's output means.
        cast: the members that it has learned to draw.
        dtype: number type of the transformer's weights.
        planner: a transformer over clips of one cell that draws layouts; None leaves layouts to the denoiser.
        autoencoder: draws sketches of layouts; None tells layouts in numbers alone.
    """

    transformer: Transformer
    text_encoder: TextEncoder
    target: flow.Target
    cast: tuple[str, ...] = ()
    dtype: torch.dtype = torch.float32
    planner: Transformer | None = None
    autoencoder: Autoencoder | None = None

    @property
    def latent_channels(self) -> int:
        """C of the latents."""
        return self.transformer.config.latent_channels

    def noise(self, shape: LatentShape, seeds: Sequence[int]) -> Tensor:
        """Start noise (B, C, F, H, W), one CPU generator per clip, so that a seed means one clip."""
        size = (self.latent_channels, shape.frames, shape.height, shape.width)
        return torch.stack(
            [torch.randn(size, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        )

    @torch.inference_mode()
    def lay_out(
        self,
        captions: Sequence[Sequence[str]],
        frame_spans: Tensor,
        seeds: Sequence[int],
        aspect: float,
        num_steps: int = PLAN_STEPS,
        known: Tensor | None = None,
    ) -> Tensor | None:
        """Draw what stands where in a batch of clips, (B, F, `LAYOUT_SIZE`); None without a planner.

        Args:
            captions, frame_spans: as in `draw`.
            seeds: one for each clip.
            aspect: width of the picture over its height.
            num_steps: Euler steps, each a few milliseconds.
            known: (B, F, `LAYOUT_SIZE`) layouts that the plan keeps where their first number is 1.
        """
        if self.planner is None:
            return None
        size = (PLAN_CHANNELS, frame_spans.shape[1], 1, 1)
        noise = torch.stack(
            [torch.randn(size, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        )
        planner = replace(self, transformer=self.planner, dtype=torch.float32, planner=None)
        given = None
        if known is not None:
            given = GivenFrames(to_plan(known, aspect), 1.0 - known[..., 0])
        plan = planner.draw(captions, frame_spans, noise, num_steps, 1.0, given=given)
        return from_plan(plan, aspect)

    @torch.inference_mode()
    def read_layouts(
        self, captions: Sequence[str], spans: Sequence[int], video: Tensor, which: Sequence[int]
    ) -> Tensor | None:
        """Where whoever the captions name stands in given frames, (1, F, `LAYOUT_SIZE`); 0 where unknown.

        Args:
            captions: one per span.
            spans: which caption each latent frame reads.
            video: (3, T, H, W) pixels in [-1, 1].
            which: latent frames to read.

        Returns:
            None without a planner, or if nobody is found anywhere.
        """
        if self.planner is None or self.autoencoder is None:
            return None
        frame_spans = torch.tensor([list(spans)])
        condition = self.text_encoder.condition([captions], frame_spans)
        layout = torch.zeros(1, len(spans), LAYOUT_SIZE)
        for span in sorted({spans[index] for index in which}):
            flat = condition.portraits[0, span][:, :, None].to(self.autoencoder.mean.dtype)
            portraits = self.autoencoder.decode_linear(flat)[:, :, -1].clamp(-1, 1)
            proposals = self.lay_out(
                [[captions[span]]] * _PROPOSALS, torch.zeros(_PROPOSALS, 1, dtype=torch.long),
                range(_PROPOSALS), video.shape[3] / video.shape[2], PLAN_STEPS // 2,
            )  # fmt: skip
            frames = [index for index in which if spans[index] == span]
            if proposals is None:
                continue
            moments = [index * COMPRESSION.frames for index in frames]
            pictures = video[:, moments].transpose(0, 1)
            for index, found in zip(
                frames, follow(pictures, portraits, proposals[:, 0]), strict=True
            ):
                if found.fit > _LEAST_FIT:
                    layout[0, index] = found.layout
        return layout if bool(layout.any()) else None

    def with_layout(self, condition: Condition, layout: Tensor, grid: tuple[int, int]) -> Condition:
        """The condition with a layout (B, F, `LAYOUT_SIZE`) and, where it can be drawn, its sketch.

        Args:
            condition: of the captions.
            layout: what stands where.
            grid: H and W of the latents.
        """
        sketch = None
        if self.autoencoder is not None and condition.portraits.shape[2]:
            sketch = sketch_latents(
                self.autoencoder, condition.portraits, layout, condition.frame_spans, grid
            )
        return replace(condition, layout=layout, sketch=sketch)

    @torch.inference_mode()
    def sketch(
        self,
        captions: Sequence[Sequence[str]],
        frame_spans: Tensor,
        layout: Tensor | None,
        grid: tuple[int, int],
    ) -> Tensor | None:
        """Who was meant to be where, for the decoder, (B, 4, T, 16 H, 16 W); None if nobody can say.

        Args:
            captions, frame_spans, layout: as in `draw`.
            grid: H and W of the latents.
        """
        if layout is None or self.autoencoder is None or not self.text_encoder.num_portraits:
            return None
        told = self.text_encoder.condition(captions, frame_spans)
        return sketch_pictures(self.autoencoder, told.portraits, layout, frame_spans, grid)

    def velocity_field(
        self,
        condition: Condition,
        null_condition: Condition,
        guidance_scale: float,
        start_times: Tensor | None = None,
    ) -> sampling.Velocity:
        """The guided velocity as a function of noisy latents, a scalar time and the one it will be moved to.

        With `start_times` (B, F) each frame stands at the earlier of its own time and the scalar.

        Conditional and unconditional estimates run as two passes rather than one doubled batch: on two
        cores both take the same time, and the null condition is shorter.
        """
        # The network may run in bf16; latents and the sampler's sums stay in fp32.
        dtype = self.dtype
        condition, null_condition = condition.to(dtype), null_condition.to(dtype)

        def estimate(latents: Tensor, times: Tensor, sizes: Tensor, told: Condition) -> Tensor:
            more = {"step_sizes": sizes} if self.transformer.config.has_step_size else {}
            output = self.transformer(latents.to(dtype), times, told, **more).float()
            if self.target == "velocity":
                return output  # type: ignore[no-any-return]  # a module's call is untyped
            clean = flow.clean_estimate(self.target, latents, output, times)
            return flow.velocity_of(latents, clean, times)

        def velocity(latents: Tensor, t: float, after: float) -> Tensor:
            times = torch.full((latents.shape[0], latents.shape[2]), t)
            landing = torch.full_like(times, after)
            if start_times is not None:
                times = torch.minimum(times, start_times)
                landing = torch.minimum(landing, start_times)
            sizes = times - landing
            told = estimate(latents, times, sizes, condition)
            if guidance_scale == 1.0:
                return told
            return guidance.cfg(
                told, estimate(latents, times, sizes, null_condition), guidance_scale
            )

        return velocity

    @torch.inference_mode()
    def draw(
        self,
        captions: Sequence[Sequence[str]],
        frame_spans: Tensor,
        noise: Tensor,
        num_steps: int,
        guidance_scale: float,
        shift: float = 1.0,
        on_step: sampling.OnStep | None = None,
        layout: Tensor | None = None,
        given: GivenFrames | None = None,
    ) -> Tensor:
        """Clean latents (B, C, F, H, W) for a batch of clips.

        Args:
            captions: one caption per span for each clip.
            frame_spans: (B, F) which caption each latent frame reads.
            noise: (B, C, F, H, W).
            num_steps: Euler steps.
            guidance_scale: at least 1.
            shift: of the schedule, see `schedules.time_shift`.
            on_step: told after every step; may raise to stop.
            layout: (B, F, `LAYOUT_SIZE`) from `lay_out` or from a person; None leaves it to the denoiser.
            given: frames to begin from instead of noise.
        """
        condition = self.text_encoder.condition(captions, frame_spans)
        if layout is not None:
            condition = self.with_layout(condition, layout, (noise.shape[3], noise.shape[4]))
        null_condition = condition
        if guidance_scale != 1.0:
            nothing = [[""]] * len(captions)
            everywhere = torch.ones(len(captions), dtype=torch.bool)
            null_condition = self.text_encoder.condition(
                nothing, torch.zeros_like(frame_spans), everywhere
            )
        times, starts = times_of(num_steps, shift, given), None
        if given is not None:
            starts = given.start_times.expand(len(captions), -1)
            noise = flow.add_noise(given.latents, noise, starts)
        field = self.velocity_field(condition, null_condition, guidance_scale, starts)
        return sampling.euler(field, noise, times, on_step, starts)


def times_of(num_steps: int, shift: float, given: GivenFrames | None) -> Tensor:
    """The schedule of a run; clips that set out later take the same steps, but fewer of them."""
    times = schedules.linear_times(num_steps, shift)
    if given is None:
        return times
    return schedules.times_below(times, max(float(given.start_times.max()), float(times[-2])))
