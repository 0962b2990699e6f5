"""A preview is one picture of drawn scenes with captions, the same for the same seed."""

import numpy as np
import pytest
from PIL import Image

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.captions import LANGUAGES
from unstrung.engine.theatre.preview import write_preview


@pytest.mark.parametrize("language", LANGUAGES)
def test_previews_are_written_in_every_language(tmp_path, language):
    path = tmp_path / "sheet.png"
    write_preview(path, 2, 0, None, language)
    with Image.open(path) as sheet:
        assert sheet.size[0] >= 2 * 5 * 128
        assert sheet.size[1] >= 128 + 20


def test_equal_seeds_give_equal_sheets_and_others_do_not(tmp_path):
    sheets = []
    for index, seed in enumerate((3, 3, 4)):
        write_preview(tmp_path / f"{index}.png", 1, seed, None, "en")
        with Image.open(tmp_path / f"{index}.png") as sheet:
            sheets.append(np.asarray(sheet).copy())
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])


@pytest.mark.parametrize(("num", "language", "field"), [(0, "en", "num"), (1, "de", "language")])
def test_bad_wishes_are_refused_and_leave_no_file(tmp_path, num, language, field):
    with pytest.raises(InvalidRequest, match=f"^{field} must"):
        write_preview(tmp_path / "sheet.png", num, 0, None, language)
    assert not list(tmp_path.iterdir())
