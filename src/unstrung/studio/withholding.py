"""The file of a clip without its maker's words, for those who may watch the clip and not read the prompt.

The copy is made when somebody first asks for it, lies beside the original and goes with it. Its recipe says
which parts are withheld, so it claims nothing that is not so.
"""

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from unstrung.studio.storage import FileMissing, Storage

# Named one by one: whatever recipes come to say later is withheld until somebody has thought about it.
TOLD: Final = frozenset(
    (
        "program", "model", "seed", "width", "height", "fps", "num_frames", "seconds", "steps",
        "guidance", "operation", "parents", "direction", "strength", "keep", "consents",
    )
)  # fmt: skip
# Two first viewers must not replace each other's copy while it is being sent.
_one_at_a_time: Final = threading.Lock()


def without_words(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without prompt, captions and notes, that names what it leaves out."""
    told = {name: value for name, value in recipe.items() if name in TOLD}
    return told | {"withheld": sorted(name for name in recipe if name not in TOLD)}


def wordless_key(storage: Storage, key: str) -> str:
    """Where the copy of an mp4 without its maker's words is; it is made if it is not there yet.

    Raises:
        FileMissing, FileChanged, StorageUnavailable: if it cannot be made.
    """
    from unstrung.engine.video_io import probe, with_recipe

    wordless = f"{key.rpartition('/')[0]}/wordless.mp4"
    with _one_at_a_time:
        try:
            storage.head(wordless)
        except FileMissing:
            with tempfile.TemporaryDirectory(prefix="unstrung-") as folder:
                original, copy = Path(folder) / "original.mp4", Path(folder) / "copy.mp4"
                storage.fetch(key, original)
                with_recipe(original, copy, without_words(probe(original).recipe or {}))
                storage.put(wordless, copy, "video/mp4")
            try:
                storage.head(key)
            except FileMissing:
                # The clip was deleted meanwhile, and its folder with it.
                storage.delete_prefix(wordless)
                raise
    return wordless
