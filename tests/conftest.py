"""What every test shares: a repeatable Hypothesis, and a home of its own without real data."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Repeatable on every machine, and no example database in the tree; a busy machine is not a failure.
settings.register_profile("house", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("house")


@pytest.fixture(autouse=True, scope="session")
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Point home and cache at an empty folder: art fetched earlier must not change a result.

    One folder for the whole run, since libraries fill their caches there once (fonts, for example).
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
        patch.delenv("UNSTRUNG_DATA", raising=False)
        yield home


@pytest.fixture(autouse=True)
def exact_small_numbers() -> Iterator[None]:
    """Give denormal numbers back after a test that loaded or trained a model, which flushes them.

    The switch is the processor's and outlives the test; Hypothesis rightly refuses to work under it.
    """
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
