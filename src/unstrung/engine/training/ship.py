"""Bringing a trained model home: the newest parts of its runs become the weights that ship."""

from pathlib import Path
from typing import Any

import torch

from unstrung.engine.checkpoints import (
    PLANNER,
    load_autoencoder,
    load_text_encoder,
    load_transformer,
    save_autoencoder,
    save_text_encoder,
    save_transformer,
)
from unstrung.engine.theatre.oracle import load_oracle, save_oracle
from unstrung.engine.training.text import load_reader, save_reader


def ship(preset: str, root: Path, out: Path) -> dict[str, Any]:
    """Copy the averaged weights of a preset's runs, the large ones in bf16, into a folder of weights.

    Args:
        preset: name of the model.
        root: training root with `student-PRESET`, else `transformer-PRESET`, and the other parts beside it.
        out: folder of weights; every file in it is replaced in one move.

    Returns:
        The facts that travel with the transformer: preset, target, cast, steps, samples, hours.

    Raises:
        CheckpointError: if a part is missing.
    """
    half = torch.bfloat16
    painter = root / f"student-{preset}"  # a student is its teacher, quicker
    if not (painter / "transformer.safetensors").exists():
        painter = root / f"transformer-{preset}"
    transformer, facts = load_transformer(painter / "transformer.safetensors")
    encoder = load_text_encoder(painter / "text_encoder.safetensors")
    autoencoder = load_autoencoder(root / f"autoencoder-{preset}" / "autoencoder.safetensors")
    oracle = load_oracle(root / f"oracle-{preset}" / "oracle.safetensors")
    save_transformer(out / "transformer.safetensors", transformer, facts, half)
    if transformer.config.has_layout:
        planner, planner_facts = load_transformer(root / f"planner-{preset}" / PLANNER)
        save_transformer(out / PLANNER, planner, planner_facts, half)
    save_text_encoder(out / "text_encoder.safetensors", encoder, half)
    # In fp32: the linear code is the meaning of every latent, and continued training must not drift from it.
    save_autoencoder(out / "autoencoder.safetensors", autoencoder)
    reader = load_reader(painter / "reader.safetensors", encoder.config.hidden_size)
    save_reader(out / "reader.safetensors", reader)
    save_oracle(out / "oracle.safetensors", oracle, half)
    return facts
