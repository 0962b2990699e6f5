"""From scripts to shards and back to batches; and the wall around the held-out combinations."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.factories import (
    LATENT_CHANNELS,
    PROPS,
    REPERTOIRE,
    noise_shard,
    prop_scripts,
    render_clip,
    tiny_autoencoder,
)
from unstrung.engine.checkpoints import save_autoencoder
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.data.prepare import Portion, prepare, sample_cells, to_pixels
from unstrung.engine.errors import DataError
from unstrung.engine.models.autoencoder import CELL_SIZE
from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import (
    Action,
    Setting,
    Shot,
    is_held_out,
    script_is_held_out,
)

STILL, CLIP = VideoShape(1, 32, 32), VideoShape(5, 32, 48)
PORTIONS = (Portion(STILL, 5, REPERTOIRE), Portion(CLIP, 3, REPERTOIRE))

# The split is a promise to every past and future model: these verdicts may never change.
HELD_OUT = (
    ("bear", Setting.SNOW, Action.LEAVE),
    ("bear", Setting.SEA, Action.CROSS_RIGHT),
    ("circle", Setting.CITY, Action.SHAKE),
    ("circle", Setting.BEACH, Action.CROSS_LEFT),
    ("fox", Setting.SEA, Action.SHRINK),
    ("fox", Setting.VOLCANO, Action.CIRCLE),
    ("rocket", Setting.CITY, Action.GROW),
    ("rocket", Setting.BEACH, Action.STAY),
)
SEEN = (
    ("bear", Setting.SNOW, Action.STAY),
    ("circle", Setting.SEA, Action.CROSS_RIGHT),
    ("diamond", Setting.PARK, Action.JUMP_OVER),
    ("fox", Setting.SNOW, Action.CROSS_RIGHT),
    ("rocket", Setting.SPACE, Action.RISE),
)


def combinations(shots: tuple[Shot, ...]) -> set[tuple[str, Setting, Action]]:
    return {(actor.name, shot.setting, shot.action) for shot in shots for actor in shot.actors}


def make_cache(root: Path, seed: int = 1) -> list[Path]:
    """Render the portions with one worker process."""
    weights = root / "autoencoder.safetensors"
    if not weights.exists():
        save_autoencoder(weights, tiny_autoencoder())
    return list(prepare(PORTIONS, root / "cache", None, weights, seed, num_workers=1))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    make_cache(root)
    return root


@pytest.mark.parametrize("triple", HELD_OUT, ids="-".join)
def test_the_held_out_split_stays_where_it_is(triple: tuple[str, Setting, Action]) -> None:
    assert is_held_out(*triple)


@pytest.mark.parametrize("triple", SEEN, ids="-".join)
def test_the_seen_split_stays_where_it_is(triple: tuple[str, Setting, Action]) -> None:
    assert not is_held_out(*triple)


def test_about_a_twentieth_of_all_combinations_is_held_out() -> None:
    names = list(load_cast())[:60]
    verdicts = [is_held_out(name, s, a) for name in names for s in Setting for a in Action]
    assert sum(verdicts) / len(verdicts) == pytest.approx(0.05, abs=0.005)


def test_a_few_thousand_seen_scripts_hold_no_held_out_combination() -> None:
    everybody = Repertoire(tuple(load_cast()), pair=0.4, group=0.3, camera=0.5, two_shots=0.4)
    for repertoire, count in ((everybody, 2000), (REPERTOIRE, 1000)):
        rng = np.random.default_rng(8)
        for _ in range(count):
            script = draw_script(repertoire, rng)
            assert not any(is_held_out(*triple) for triple in combinations(script.shots))
            assert not script_is_held_out(script)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_no_seed_and_no_repertoire_leaks_a_held_out_combination(
    seed: int, pair: float, two_shots: float
) -> None:
    repertoire = Repertoire(PROPS, pair=pair, two_shots=two_shots)
    script = draw_script(repertoire, np.random.default_rng(seed))
    assert not any(is_held_out(*triple) for triple in combinations(script.shots))


@pytest.mark.parametrize("split", ["heldout", "ood"])
def test_held_out_scripts_show_nothing_but_held_out_combinations(split: str) -> None:
    for script in prop_scripts(200, split=split):
        assert all(is_held_out(*triple) for triple in combinations(script.shots))


def test_a_prepared_cache_holds_no_held_out_combination(prepared: Path) -> None:
    cache, rng = LatentCache(prepared / "cache"), np.random.default_rng(0)
    seen = [script for shape in cache.counts for script in cache.draw(shape, 40, rng).scripts]
    assert seen
    assert not any(script_is_held_out(script) for script in seen)


def test_a_cache_holds_the_clips_that_were_ordered(prepared: Path) -> None:
    cache = LatentCache(prepared / "cache")
    assert dict(cache.counts) == {LatentShape(1, 2, 2): 5, LatentShape(2, 2, 3): 3}
    names = sorted(path.name for path in (prepared / "cache").iterdir())
    assert not [name for name in names if name.endswith(".tmp")]
    assert "portions-1.json" in names


@pytest.mark.parametrize("shape", [STILL, CLIP])
def test_latents_stand_in_the_order_of_their_scripts(prepared: Path, shape: VideoShape) -> None:
    cache, autoencoder = LatentCache(prepared / "cache"), tiny_autoencoder()
    batch = cache.draw(shape.latent, 7, np.random.default_rng(0))
    assert batch.latents.dtype == torch.float32
    assert batch.latents.shape[:2] == (7, LATENT_CHANNELS)
    for latents, script in zip(batch.latents, batch.scripts, strict=True):
        wanted = autoencoder.encode(render_clip(script, shape))[0]
        torch.testing.assert_close(latents, wanted, atol=2e-3, rtol=2e-3)


def test_the_seed_decides_every_clip_and_finished_shards_are_kept(
    prepared: Path, tmp_path: Path
) -> None:
    made = make_cache(tmp_path)
    assert len(made) == len(PORTIONS)
    for path in made:
        same = prepared / "cache" / path.name
        assert path.read_bytes() == same.read_bytes()
        assert path.with_suffix(".jsonl").read_text() == same.with_suffix(".jsonl").read_text()
    missing = made[0].read_bytes()
    made[0].unlink()
    before = made[1].stat().st_mtime_ns
    assert make_cache(tmp_path) == made[:1]
    assert made[0].read_bytes() == missing
    assert made[1].stat().st_mtime_ns == before


def test_pixels_span_minus_one_to_one() -> None:
    frames = np.zeros((2, 4, 6, 3), np.uint8)
    frames[1, 2, 3, 0] = 255
    video = to_pixels(frames)
    assert video.shape == (1, 3, 2, 4, 6)
    assert video[0, 0, 1, 2, 3] == 1.0
    assert video.min() == -1.0


def test_sampled_cells_come_from_stills_and_clips_and_repeat_by_seed() -> None:
    cells = sample_cells(REPERTOIRE, None, 3, seed=2)
    assert cells.shape == (704 + 2 * 64, CELL_SIZE)
    assert cells.abs().max() <= 1.0
    halves = cells.view(-1, 3, 2, 2, 256)
    moving = (halves[:, :, 0] - halves[:, :, 1]).abs().amax(dim=(1, 2, 3)) > 0
    assert moving[:704].any()
    assert not moving[704:].any()
    assert torch.equal(sample_cells(REPERTOIRE, None, 3, seed=2), cells)


def test_an_empty_folder_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "notes.npy").write_bytes(b"")
    with pytest.raises(DataError, match="holds no latents; run `unstrung data prepare` first"):
        LatentCache(tmp_path)


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_batches_have_the_size_that_was_asked_for(size: int, tmp_path: Path) -> None:
    shape = LatentShape(1, 2, 2)
    for seed in range(4):
        noise_shard(tmp_path, shape, 3, seed=seed)
    batch = LatentCache(tmp_path).draw(shape, size, np.random.default_rng(0))
    assert len(batch.latents) == len(batch.scripts) == size
