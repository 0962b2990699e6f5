"""Weight files: what is written comes back, and what cannot be read says why."""

import json
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from engine.factories import (
    full_disk,
    gaussian,
    tiny_autoencoder,
    tiny_text_encoder,
    tiny_transformer,
    wake,
)
from unstrung.engine.checkpoints import (
    FORMAT_VERSION,
    load_autoencoder,
    load_tensors,
    load_text_encoder,
    load_transformer,
    save_autoencoder,
    save_tensors,
    save_text_encoder,
    save_transformer,
)
from unstrung.engine.errors import CheckpointError

Load = Callable[[Path], object]
LOADERS: dict[str, Load] = {
    "autoencoder": load_autoencoder,
    "text_encoder": load_text_encoder,
    "transformer": load_transformer,
}
KINDS = tuple(LOADERS)


def write(kind: str, path: Path) -> nn.Module:
    """Save a tiny model of a kind."""
    if kind == "autoencoder":
        autoencoder = tiny_autoencoder(decoder_channels=16)
        wake(autoencoder)
        save_autoencoder(path, autoencoder)
        return autoencoder
    if kind == "text_encoder":
        text_encoder = tiny_text_encoder()
        save_text_encoder(path, text_encoder)
        return text_encoder
    transformer = tiny_transformer()
    save_transformer(path, transformer, {"target": "clean", "steps": 12})
    return transformer


def read(kind: str, path: Path) -> nn.Module:
    found = LOADERS[kind](path)
    model = found[0] if isinstance(found, tuple) else found
    assert isinstance(model, nn.Module)
    return model


def complaint(kind: str, path: Path) -> str:
    """What is said about a file that cannot be read: one sentence that names the file."""
    with pytest.raises(CheckpointError) as caught:
        LOADERS[kind](path)
    message = str(caught.value)
    assert path.name in message
    assert message[0].isupper()
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_it_was_written_and_ready_to_use(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / f"{kind}.safetensors"
    written = write(kind, path)
    model = read(kind, path)
    assert model.config == written.config
    assert not model.training
    for name, value in written.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_a_text_encoder_brings_its_tokenizer_along(tmp_path: Path) -> None:
    path = tmp_path / "text_encoder.safetensors"
    written = write("text_encoder", path)
    read_back = load_text_encoder(path)
    captions = ["a fox crosses a snowy field", "una volpe", "ثعلب في الثلج"]
    for mine, theirs in zip(read_back.tokenize(captions), written.tokenize(captions), strict=True):
        assert torch.equal(mine, theirs)


def test_facts_come_back_beside_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "transformer.safetensors"
    facts = {"target": "clean", "steps": 12, "hours": 1.5, "cast": ["fox", "oursin à carreaux"]}
    save_transformer(path, tiny_transformer(), facts)
    assert load_transformer(path)[1] == facts
    save_autoencoder(tmp_path / "autoencoder.safetensors", tiny_autoencoder(), facts=facts)
    _, metadata = load_tensors(tmp_path / "autoencoder.safetensors")
    assert {key: metadata[key] for key in facts} == facts


def test_smaller_formats_are_read_as_full_ones_unless_asked_otherwise(tmp_path: Path) -> None:
    path, transformer = tmp_path / "transformer.safetensors", tiny_transformer()
    save_transformer(path, transformer, {}, torch.bfloat16)
    for dtype in (torch.float32, torch.bfloat16):
        model, _ = load_transformer(path, dtype)
        for name, value in model.state_dict().items():
            assert value.dtype == dtype
            wanted = transformer.state_dict()[name].to(torch.bfloat16).to(dtype)
            assert torch.equal(value, wanted), name
    full = tmp_path / "full.safetensors"
    save_transformer(full, transformer, {})
    assert path.stat().st_size < 0.6 * full.stat().st_size


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_named(kind: str, tmp_path: Path) -> None:
    assert "is missing" in complaint(kind, tmp_path / "nowhere.safetensors")
    assert "is missing" in complaint(kind, tmp_path)  # a folder is no file


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_named(kind: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.safetensors"
    write(kind, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    assert "damaged or cut off" in complaint(kind, path)


def test_a_file_that_is_no_weight_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "transformer.safetensors"
    path.write_text("The art of the theatre. " * 50)
    assert "damaged or cut off" in complaint("transformer", path)


@pytest.mark.parametrize(("kind", "other"), list(permutations(KINDS, 2)))
def test_a_file_of_another_kind_of_model_is_refused(kind: str, other: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write(other, path)
    assert "is for another model" in complaint(kind, path)


def test_entries_that_are_missing_or_too_many_are_named(tmp_path: Path) -> None:
    path = tmp_path / "autoencoder.safetensors"
    write("autoencoder", path)
    tensors, metadata = load_tensors(path)
    save_tensors(path, {**tensors, "odd": torch.zeros(2)}, metadata)
    assert "differing entries: ['odd']" in complaint("autoencoder", path)
    tensors.pop("mean")
    save_tensors(path, tensors, metadata)
    assert "differing entries: ['mean']" in complaint("autoencoder", path)


def test_entries_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "autoencoder.safetensors"
    write("autoencoder", path)
    tensors, metadata = load_tensors(path)
    save_tensors(path, {**tensors, "scale": torch.ones(3)}, metadata)
    assert "is for another model" in complaint("autoencoder", path)


@pytest.mark.parametrize("version", [None, "0", "99"])
def test_another_format_version_is_refused_with_both_numbers(
    version: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "autoencoder.safetensors"
    metadata = {"config": json.dumps({"latent_channels": 12})}
    if version is not None:
        metadata["format_version"] = version
    save_file({"mean": torch.zeros(3)}, path, metadata)
    message = complaint("autoencoder", path)
    assert f"format version {version or 'none'}" in message
    assert f"reads {FORMAT_VERSION}" in message


def test_a_full_disk_leaves_the_former_file_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_tensors(path, {"a": gaussian(10)}, {})
    former = path.read_bytes()
    with full_disk(20_000), pytest.raises(CheckpointError, match="Could not write"):
        save_tensors(path, {"a": gaussian(100_000)}, {})
    assert path.read_bytes() == former
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_a_write_that_a_person_interrupts_leaves_the_former_file_whole(tmp_path: Path) -> None:
    class Interrupting(dict[str, torch.Tensor]):
        """Tensors that are being copied when ctrl-C comes."""

        def items(self) -> Iterator[tuple[str, torch.Tensor]]:
            yield "a", gaussian(3)
            raise KeyboardInterrupt

    path = tmp_path / "weights.safetensors"
    save_tensors(path, {"a": gaussian(10)}, {})
    former = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        save_tensors(path, Interrupting(), {})
    assert path.read_bytes() == former
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="Could not write"):
        save_tensors(tmp_path / "file" / "weights.safetensors", {"a": gaussian(3)}, {})
