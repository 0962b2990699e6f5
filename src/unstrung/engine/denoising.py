"""From noise and a caption to clean latents: joins the transformer, guidance and a sampler.

The one place that knows what the transformer's output means (clean latents or velocity) when it is used;
training knows it in `training.objectives`. Pipelines and sample sheets both come here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unstrung.engine import flow, guidance, sampling, schedules
from unstrung.engine.models.text_encoder import Condition, TextEncoder
from unstrung.engine.models.transformer import Transformer
from unstrung.engine.shapes import LatentShape


@dataclass(frozen=True)
class Denoiser:
    """A transformer and its text encoder, ready to draw.

    Attributes:
        transformer, text_encoder: trained together.
        target: what the transformer's output means.
        cast: the members that it has learned to draw.
        dtype: number type of the transformer's weights.
    """

    transformer: Transformer
    text_encoder: TextEncoder
    target: flow.Target
    cast: tuple[str, ...] = ()
    dtype: torch.dtype = torch.float32

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

    def velocity_field(
        self, condition: Condition, null_condition: Condition, guidance_scale: float
    ) -> Callable[[Tensor, float], Tensor]:
        """The guided velocity as a function of noisy latents and a scalar time.

        Conditional and unconditional estimates run as two passes rather than one doubled batch: on two
        cores both take the same time, and the null condition is shorter.
        """
        # The network may run in bf16; latents and the sampler's sums stay in fp32.
        dtype = self.dtype
        condition, null_condition = condition.to(dtype), null_condition.to(dtype)

        def estimate(latents: Tensor, times: Tensor, told: Condition) -> Tensor:
            output: Tensor = self.transformer(latents.to(dtype), times, told).float()
            if self.target == "velocity":
                return output
            clean = flow.clean_estimate(self.target, latents, output, times)
            return flow.velocity_of(latents, clean, times)

        def velocity(latents: Tensor, t: float) -> Tensor:
            times = torch.full((latents.shape[0], latents.shape[2]), t)
            told = estimate(latents, times, condition)
            if guidance_scale == 1.0:
                return told
            return guidance.cfg(told, estimate(latents, times, null_condition), guidance_scale)

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
        """
        condition = self.text_encoder.condition(captions, frame_spans)
        nothing = [[""]] * len(captions)
        everywhere = torch.ones(len(captions), dtype=torch.bool)
        null_condition = self.text_encoder.condition(
            nothing, torch.zeros_like(frame_spans), everywhere
        )
        field = self.velocity_field(condition, null_condition, guidance_scale)
        times = schedules.linear_times(num_steps, shift)
        return sampling.euler(field, noise, times, on_step)
