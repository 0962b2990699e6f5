"""Teaching the decoder: it starts as the linear code, improves on it, and never moves the encoder."""

from pathlib import Path

import pytest
import torch

from engine.factories import PROPS, gaussian, prop_scripts, render_clip, tiny_autoencoder
from unstrung.engine.checkpoints import load_autoencoder
from unstrung.engine.fidelity import psnr_db
from unstrung.engine.shapes import VideoShape
from unstrung.engine.training.decoder import DecoderRun, decoder_loss, train_decoder, with_refiner


def clips() -> torch.Tensor:
    return torch.cat([render_clip(script, VideoShape(5, 64, 64)) for script in prop_scripts(3)])


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
    noise, strength = gaussian(*latents.shape), torch.zeros(len(video))
    for _ in range(40):
        loss = decoder_loss(autoencoder, refiner, video, noise, strength)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    refiner.to(dtype)
    with torch.no_grad():
        decoded = autoencoder.decode(latents)
    assert decoded.dtype == torch.float32
    assert psnr_db(decoded, video) > before + 1.0


def test_a_run_writes_an_autoencoder_of_the_same_code(tmp_path: Path) -> None:
    linear = tiny_autoencoder()
    run = DecoderRun(PROPS, None, tmp_path, minutes=0.0, batch=9, resume=False, num_pooled=2)
    told: list[float] = []
    train_decoder(with_refiner(linear, 16, 1), run, lambda done, _: told.append(done))
    written = load_autoencoder(tmp_path / "autoencoder.safetensors")
    assert torch.equal(written.basis, linear.basis)
    assert written.refiner is not None
    assert told == [1.0]
    assert (tmp_path / "losses.jsonl").read_text("utf-8").count("\n") == 1
