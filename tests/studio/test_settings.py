import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from unstrung.studio.errors import ConfigurationError
from unstrung.studio.settings import Settings, is_loopback, load_settings


def test_settings_cannot_change_after_the_start() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_the_default_secret_is_refused_where_others_can_reach_the_api() -> None:
    with pytest.raises(ConfigurationError, match="UNSTRUNG_SECRET"):
        load_settings({"host": "0.0.0.0"})
    with pytest.raises(ConfigurationError, match="at least 32"):
        load_settings({"host": "0.0.0.0", "secret": "short"})
    assert load_settings({"host": "0.0.0.0", "secret": "x" * 32}).host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_known_in_every_spelling(host: str) -> None:
    assert is_loopback(host)


def test_a_bad_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSTRUNG_PORT", "http")
    with pytest.raises(ConfigurationError, match=r"UNSTRUNG_PORT: .* got 'http'"):
        load_settings()


def test_the_database_is_found_under_its_usual_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    assert load_settings().database_url == "postgresql://somewhere/else"


def test_a_worker_is_not_called_dead_between_two_signs_of_life() -> None:
    with pytest.raises(ConfigurationError, match="STALLED_AFTER_S"):
        load_settings({"heartbeat_s": 10, "stalled_after_s": 12})


def test_every_setting_is_documented() -> None:
    told = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    names = set(re.findall(r"`UNSTRUNG_([A-Z_]+)`", told))
    assert {name.upper() for name in Settings.model_fields} <= names
