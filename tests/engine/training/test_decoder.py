"""Teaching the decoder: it starts as the linear code, improves on it, and never moves the encoder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.factories import (
    CONTEXT_SIZE,
    LATENT_CHANNELS,
    PROPS,
    prop_scripts,
    render_clip,
    tiny_autoencoder,
    tiny_text_encoder,
    wake,
)
from unstrung.engine.checkpoints import load_autoencoder
from unstrung.engine.denoising import Denoiser
from unstrung.engine.fidelity import psnr_db
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.decoder import (
    DecoderRun,
    Drawer,
    Example,
    decoder_loss,
    draw_example,
    draw_frames,
    train_decoder,
    with_refiner,
)
from unstrung.engine.training.portraits import portrait_book, with_portraits

SHAPE = VideoShape(5, 64, 64)


def clips() -> torch.Tensor:
    return torch.cat([render_clip(script, SHAPE) for script in prop_scripts(3)])


def examples(autoencoder: Autoencoder, video: torch.Tensor) -> list[Example]:
    nobody = torch.zeros(4, *video.shape[2:])
    return [Example(clip, nobody, autoencoder.encode(clip[None])[0], None) for clip in video]


def drawer() -> Drawer:
    """A model that has learned nothing, with portraits of the props."""
    config = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 1, 2, context_size=CONTEXT_SIZE, num_portraits=2, has_layout=True
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(config)
    wake(model)
    book = portrait_book(tiny_autoencoder(), None)
    book[:] = book[list(load_cast()).index("box")].clone()  # it cannot read whom a caption names
    encoder = with_portraits(tiny_text_encoder(), book)
    denoiser = Denoiser(model, encoder, "clean", autoencoder=tiny_autoencoder())
    return Drawer(denoiser, num_steps=1, shift=1.0, guidance_scale=1.0)


def run_in(out: Path) -> DecoderRun:
    return DecoderRun(
        PROPS, None, out, minutes=0.0, batch=8, resume=False, shapes=(SHAPE,), num_pooled=2
    )


def test_a_new_refiner_changes_nothing() -> None:
    linear, video = tiny_autoencoder(), clips()
    refined = with_refiner(linear, channels=16, depth=1)
    assert refined.refiner is not None
    assert torch.equal(refined.decode(refined.encode(video)), linear.decode(linear.encode(video)))


def test_a_refiner_of_the_same_size_is_kept() -> None:
    refined = with_refiner(tiny_autoencoder(), channels=16, depth=1)
    assert with_refiner(refined, channels=16, depth=1) is refined
    assert with_refiner(refined, channels=24, depth=1) is not refined


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_refiner_learns_what_the_linear_code_leaves_out(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    autoencoder, video = with_refiner(tiny_autoencoder(), channels=32, depth=1), clips()
    refiner = autoencoder.refiner
    assert refiner is not None
    latents = autoencoder.encode(video)
    before = psnr_db(autoencoder.decode_linear(latents).clamp(-1, 1), video)
    optimizer = torch.optim.AdamW(refiner.parameters(), 3e-3)
    held, generator = examples(autoencoder, video), torch.Generator().manual_seed(0)
    for _ in range(40):
        loss = decoder_loss(refiner, draw_frames(autoencoder, held, 15, generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    refiner.to(dtype)
    with torch.no_grad():
        decoded = autoencoder.decode(latents)
    assert decoded.dtype == torch.float32
    assert psnr_db(decoded, video) > before + 1.0


def test_frames_of_a_step_are_seen_as_frames_of_a_whole_clip() -> None:
    autoencoder, video = with_refiner(tiny_autoencoder(), channels=16, depth=1), clips()[:1]
    refiner = autoencoder.refiner
    assert refiner is not None
    wake(refiner)
    (example,) = examples(autoencoder, video)
    example = replace(example, sketch=torch.rand(example.sketch.shape), drawn=example.latents)
    exact = set(example.latents.flatten().tolist())
    for seed in range(50):  # until the drawn latents, which have no noise, and the sketch are seen
        generator = torch.Generator().manual_seed(seed)
        frames = draw_frames(autoencoder, [example], SHAPE.frames, generator)
        if frames.sketch.any() and float(frames.cells[0, 0, 0, 0]) in exact:
            break
    with torch.no_grad():
        told = frames.pictures + refiner.of_frames(
            frames.pictures, frames.cells, frames.moments, frames.sketch
        )
        whole = autoencoder.decode(example.latents[None], example.sketch[None])[0]
    for each, wanted in zip(told.clamp(-1, 1), frames.wanted, strict=True):
        place = int((video[0] - wanted[:, None]).abs().sum(dim=(0, 2, 3)).argmin())
        torch.testing.assert_close(each, whole[:, place], atol=1e-4, rtol=1e-4)


def test_an_example_holds_the_render_and_what_is_drawn_to_its_caption_and_layout() -> None:
    autoencoder = tiny_autoencoder()
    run = replace(run_in(Path()), drawer=drawer())
    example = draw_example(autoencoder, run, SHAPE, Sprites(None), np.random.default_rng(3))
    size = (SHAPE.frames, SHAPE.height, SHAPE.width)
    assert example.video.shape == (3, *size)
    assert example.sketch.shape == (4, *size)
    assert example.drawn is not None
    assert example.drawn.shape == example.latents.shape
    assert not torch.equal(example.drawn, example.latents)
    cover = example.sketch[3:].float()
    assert cover.max() > 0.5, "whoever is on stage is on the sketch"
    assert not (example.sketch[:3] * (cover == 0)).any()
    alone = draw_example(
        autoencoder, run_in(Path()), SHAPE, Sprites(None), np.random.default_rng(3)
    )
    assert torch.equal(alone.video, example.video)
    assert alone.drawn is None
    assert not alone.sketch.any()


@pytest.mark.parametrize("has_drawer", [False, True])
def test_a_run_writes_an_autoencoder_of_the_same_code(tmp_path: Path, has_drawer: bool) -> None:
    linear = tiny_autoencoder()
    run = replace(run_in(tmp_path), drawer=drawer() if has_drawer else None)
    told: list[float] = []
    train_decoder(with_refiner(linear, 16, 1), run, lambda done, _: told.append(done))
    written = load_autoencoder(tmp_path / "autoencoder.safetensors")
    assert torch.equal(written.basis, linear.basis)
    assert written.refiner is not None
    assert told == [1.0]
    assert (tmp_path / "losses.jsonl").read_text("utf-8").count("\n") == 1


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    train_decoder(with_refiner(tiny_autoencoder(), 16, 1), run, lambda *_: None)
    written = load_autoencoder(tmp_path / "autoencoder.safetensors")
    told: list[str] = []
    train_decoder(written, replace(run, resume=True), lambda _, words: told.append(words))
    assert told[0].startswith("decoder step 2,")
    assert (tmp_path / "losses.jsonl").read_text("utf-8").count("\n") == 2
