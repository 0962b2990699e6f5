"""The rival of `make bench`: Diffusers' LTX in our size, tuned to its best setting on this machine.

Everything is built from configuration alone, with random weights, which cost the same time as trained ones.
"""

import copy
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from diffusers.utils import logging
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from unstrung.engine.pipeline import TextToVideo
from unstrung.engine.shapes import COMPRESSION, LatentShape, VideoShape
from unstrung.engine.video_io import write_video

PROMPT = "a fox crosses a snowy field"
SEED = 7
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def seconds_of(work: Callable[[], object], calls: int = 1) -> float:
    """Seconds of one call, on average over `calls` in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def in_turns(
    works: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1
) -> dict[str, list[float]]:
    """Seconds of each work, taking turns A B B A, so that a slow moment of the machine hits all alike."""
    for work in works.values():
        work()  # the first call sets up kernels and caches
    found: dict[str, list[float]] = {name: [] for name in works}
    for index in range(rounds):
        names = list(works) if index % 2 == 0 else list(works)[::-1]
        for name in names:
            found[name].append(seconds_of(works[name], calls))
    return found


def num_parameters(module: nn.Module, with_buffers: bool = False) -> int:
    """Numbers that a module holds."""
    buffers = sum(b.numel() for b in module.buffers()) if with_buffers else 0
    return sum(p.numel() for p in module.parameters()) + buffers


@dataclass(frozen=True)
class Rival:
    """Diffusers' LTX in our size: as many parameters, video tokens and text tokens.

    Attributes:
        pipe: the whole pipeline in fp32.
        channels: numbers per video token.
        tokens: latent grid that it sees, one token a cell.
        num_text: text tokens.
        text_size: width of the text features.
    """

    pipe: LTXPipeline
    channels: int
    tokens: LatentShape
    num_text: int
    text_size: int


def nearest(build: Callable[[int], nn.Module], sizes: Sequence[int], wanted: int) -> int:
    """The size whose module comes nearest to a number of parameters; nothing is allocated."""
    with torch.device("meta"):
        counts = {size: num_parameters(build(size)) for size in sizes}
    return min(sizes, key=lambda size: abs(counts[size] - wanted))


def build_rival(ours: TextToVideo, shape: VideoShape) -> Rival:
    """LTX transformer, VAE and T5 whose parameters and tokens match ours as nearly as their sizes allow."""
    transformer, encoder = ours.denoiser.transformer, ours.denoiser.text_encoder
    config, latent = transformer.config, shape.latent
    patch, text_size = config.patch_size, encoder.config.hidden_size
    channels = config.latent_channels * patch**2

    def denoiser(layers: int) -> LTXVideoTransformer3DModel:
        return LTXVideoTransformer3DModel(
            channels, channels, num_attention_heads=config.num_heads,
            attention_head_dim=config.hidden_size // config.num_heads,
            cross_attention_dim=config.hidden_size, num_layers=layers, caption_channels=text_size,
        )  # fmt: skip

    def vae(width: int) -> AutoencoderKLLTXVideo:
        return AutoencoderKLLTXVideo(
            latent_channels=channels, block_out_channels=(width, width),
            down_block_types=("LTXVideoDownBlock3D",) * 2, decoder_block_out_channels=(width, width),
            layers_per_block=(1, 1, 1), decoder_layers_per_block=(1, 1, 1),
            spatio_temporal_scaling=(True, True), decoder_spatio_temporal_scaling=(True, True),
            decoder_inject_noise=(False,) * 3, downsample_type=("conv",) * 2,
            upsample_residual=(False,) * 2, upsample_factor=(1,) * 2,
            patch_size=COMPRESSION.height * patch // 4,
        )  # fmt: skip

    def text(width: int) -> T5EncoderModel:
        sizes = T5Config(
            vocab_size=encoder.config.vocabulary_size, d_model=text_size, d_ff=width,
            d_kv=text_size // encoder.config.num_heads, num_layers=encoder.config.depth,
            num_heads=encoder.config.num_heads, feed_forward_proj="gated-gelu",
        )  # fmt: skip
        return T5EncoderModel(sizes)

    logging.set_verbosity_error()  # a word for each change of number format
    torch.manual_seed(0)
    layers = nearest(denoiser, range(2, 25), num_parameters(transformer))
    decoder_size = num_parameters(ours.autoencoder, with_buffers=True)
    width = nearest(lambda size: vae(size).decoder, range(8, 257, 8), decoder_size)
    feed = nearest(text, range(64, 4097, 64), num_parameters(encoder))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=encoder.tokenizer, pad_token="<pad>")
    pipe = LTXPipeline(
        FlowMatchEulerDiscreteScheduler(), vae(width).eval(), text(feed).eval(), tokenizer,
        denoiser(layers).eval(),
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    grid = LatentShape(latent.frames, latent.height // patch, latent.width // patch)
    context = encoder.condition([[PROMPT]], torch.zeros(1, latent.frames, dtype=torch.long)).context
    return Rival(pipe, channels, grid, context.shape[1], text_size)


def rival_step(
    rival: Rival, model: nn.Module, dtype: torch.dtype, frame_rate: int
) -> Callable[[], Tensor]:
    """One evaluation of LTX's transformer: no guidance, one clip."""
    grid = rival.tokens
    noise = torch.randn(1, grid.num_cells, rival.channels, dtype=dtype)
    context = torch.randn(1, rival.num_text, rival.text_size, dtype=dtype)
    cell = rival.pipe.vae_spatial_compression_ratio
    scale = (rival.pipe.vae_temporal_compression_ratio / frame_rate, cell, cell)

    def step() -> Tensor:
        with torch.inference_mode():
            output: Tensor = model(
                hidden_states=noise, encoder_hidden_states=context, timestep=torch.tensor([500.0]),
                encoder_attention_mask=torch.ones(1, rival.num_text), num_frames=grid.frames,
                height=grid.height, width=grid.width, rope_interpolation_scale=scale, return_dict=False,
            )[0]  # fmt: skip
            return output

    return step


def rival_settings(
    rival: Rival, frame_rate: int, with_compile: bool
) -> dict[str, Callable[[], Tensor]]:
    """LTX's step in every setting that helps on a CPU and works here; all use torch's fused attention."""
    steps: dict[str, Callable[[], Tensor]] = {}
    for name, dtype in DTYPES.items():
        model = copy.deepcopy(rival.pipe.transformer).to(dtype)
        steps[name] = rival_step(rival, model, dtype, frame_rate)
        if not with_compile:
            continue
        step = rival_step(rival, torch.compile(copy.deepcopy(model)), dtype, frame_rate)
        try:
            step()
        except (
            Exception
        ) as error:  # whatever the compiler lacks here, the row is left out and said so
            print(f"torch.compile of the rival in {name} failed: {str(error).splitlines()[0]}")
        else:
            steps[f"{name}, compiled"] = step
    return steps


def tune_rival(rival: Rival, setting: str, rounds: int) -> tuple[Rival, dict[str, float]]:
    """The pipeline with its transformer in the best setting and its VAE in its own best one."""
    dtype = DTYPES[setting.split(",")[0]]
    pipe, grid = rival.pipe, rival.tokens
    works = {}
    for name, kind in DTYPES.items():
        latents = torch.randn(1, rival.channels, grid.frames, grid.height, grid.width, dtype=kind)
        for layout in (torch.contiguous_format, torch.channels_last_3d):
            vae = copy.deepcopy(pipe.vae).to(kind).to(memory_format=layout)
            label = name + (", channels last" if layout is torch.channels_last_3d else "")

            def decode(vae: nn.Module = vae, latents: Tensor = latents) -> Tensor:
                with torch.inference_mode():
                    return vae.decode(latents, None, return_dict=False)[0]

            works[label] = decode
    found = {name: statistics.median(times) for name, times in in_turns(works, rounds).items()}
    best = min(found, key=found.__getitem__)
    layout = torch.channels_last_3d if "channels last" in best else torch.contiguous_format
    pipe.vae.to(DTYPES[best.split(",")[0]]).to(memory_format=layout)
    pipe.transformer.to(dtype)
    pipe.text_encoder.to(dtype)
    if "compiled" in setting:
        pipe.transformer.compile()
    return rival, found


def rival_generation(
    rival: Rival, shape: VideoShape, frame_rate: int, num_steps: int, target: Path
) -> None:
    """Text to mp4 through LTXPipeline with guidance; the file is written by our own writer for both."""
    frames = rival.pipe(
        PROMPT, negative_prompt="", height=shape.height, width=shape.width, num_frames=shape.frames,
        frame_rate=frame_rate, num_inference_steps=num_steps, guidance_scale=3.0,
        generator=torch.Generator().manual_seed(SEED), output_type="np",
        max_sequence_length=rival.num_text,
    ).frames[0]  # fmt: skip
    assert frames.shape[0] == shape.frames, "the rival must draw as many frames"
    write_video(target, (frames * 255).round().astype(np.uint8), frame_rate, {})
