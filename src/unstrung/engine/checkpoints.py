"""Weights on disk: safetensors with their configuration inside, written whole or not at all."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from unstrung.engine.errors import CheckpointError
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig
from unstrung.engine.models.text_encoder import TextEncoder, TextEncoderConfig
from unstrung.engine.models.transformer import Transformer, TransformerConfig

FORMAT_VERSION = "1"
PLANNER = "planner.safetensors"
Config = TypeVar("Config", AutoencoderConfig, TextEncoderConfig, TransformerConfig)


def shipped_weights() -> Path:
    """Folder of the weights that come with the package."""
    return Path(str(resources.files("unstrung.engine") / "weights"))


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata to a temporary sibling, then put it in place in one move."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    text = {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    text["format_version"] = FORMAT_VERSION
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.detach().contiguous() for k, v in tensors.items()}, temporary, text)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"Could not write {path}: {error}.") from error
    finally:
        with contextlib.suppress(OSError):  # the folder itself may be what is missing
            temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and metadata.

    Raises:
        CheckpointError: if the file is missing, cut off or of another format version.
    """
    if not path.is_file():
        raise CheckpointError(
            f"The weight file {path} is missing; reinstall or give another folder."
        )
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            raw = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The weight file {path} is damaged or cut off: {error}.") from error
    if raw.get("format_version") != FORMAT_VERSION:
        found = raw.get("format_version", "none")
        raise CheckpointError(
            f"The weight file {path} has format version {found}; this program reads {FORMAT_VERSION}."
        )
    return tensors, {k: json.loads(v) for k, v in raw.items() if k != "format_version"}


def fill(
    module: torch.nn.Module,
    tensors: dict[str, Tensor],
    path: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Put tensors into a module; every entry must be there and fit.

    Raises:
        CheckpointError: if they belong to another model.
    """
    wanted, found = set(module.state_dict()), set(tensors)
    if wanted != found:
        odd = sorted(wanted ^ found)[:3]
        raise CheckpointError(
            f"The weight file {path} is for another model; differing entries: {odd}."
        )
    try:
        module.to(dtype).load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"The weight file {path} is for another model: {error}.") from error


def _config(kind: type[Config], metadata: Mapping[str, Any], path: Path) -> Config:
    """The configuration inside a file, refused if it is that of another kind of model."""
    try:
        return kind(**metadata["config"])
    except (KeyError, TypeError) as error:
        wanted = kind.__name__.removesuffix("Config")
        raise CheckpointError(
            f"The weight file {path} is for another model, not for {wanted}."
        ) from error


def save_autoencoder(
    path: Path,
    autoencoder: Autoencoder,
    dtype: torch.dtype = torch.float32,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write an autoencoder; `facts` go into its metadata."""
    tensors = {key: value.to(dtype) for key, value in autoencoder.state_dict().items()}
    save_tensors(path, tensors, {"config": asdict(autoencoder.config), **(facts or {})})


def load_autoencoder(path: Path, dtype: torch.dtype = torch.float32) -> Autoencoder:
    """Read an autoencoder, ready to use."""
    tensors, metadata = load_tensors(path)
    autoencoder = Autoencoder(_config(AutoencoderConfig, metadata, path))
    fill(autoencoder, tensors, path, dtype)
    return autoencoder.eval()


def save_text_encoder(
    path: Path, text_encoder: TextEncoder, dtype: torch.dtype = torch.float32
) -> None:
    """Write a text encoder, its tokenizer inside."""
    metadata = {"config": asdict(text_encoder.config), "tokenizer": text_encoder.tokenizer.to_str()}
    save_tensors(path, {k: v.to(dtype) for k, v in text_encoder.state_dict().items()}, metadata)


def load_text_encoder(path: Path, dtype: torch.dtype = torch.float32) -> TextEncoder:
    """Read a text encoder, ready to use."""
    tensors, metadata = load_tensors(path)
    config = _config(TextEncoderConfig, metadata, path)
    if "tokenizer" not in metadata:
        raise CheckpointError(
            f"The weight file {path} holds no tokenizer, so it cannot read captions."
        )
    text_encoder = TextEncoder(config, Tokenizer.from_str(metadata["tokenizer"]))
    fill(text_encoder, tensors, path, dtype)
    return text_encoder.eval()


def save_transformer(
    path: Path,
    transformer: Transformer,
    facts: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a transformer; `facts` (target, training history) go into its metadata."""
    tensors = {key: value.to(dtype) for key, value in transformer.state_dict().items()}
    save_tensors(path, tensors, {"config": asdict(transformer.config), **facts})


def load_transformer(
    path: Path, dtype: torch.dtype = torch.float32
) -> tuple[Transformer, dict[str, Any]]:
    """Read a transformer, ready to use, and the facts stored beside it."""
    tensors, metadata = load_tensors(path)
    transformer = Transformer(_config(TransformerConfig, metadata, path))
    fill(transformer, tensors, path, dtype)
    return transformer.eval(), {key: fact for key, fact in metadata.items() if key != "config"}
