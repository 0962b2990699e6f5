"""Settings of the studio: read once from the environment, frozen, each with its reason.

Every setting is an environment variable `UNSTRUNG_<NAME>`; the database is also found under its usual
name, `DATABASE_URL`. docs/operating.md lists them, and a test keeps the list complete.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from unstrung.studio.errors import ConfigurationError

DEFAULT_SECRET: Final = "not-a-secret-only-for-loopback"
_MIN_SECRET_CHARACTERS: Final = 32


class Settings(BaseSettings):
    """What an operator may change."""

    model_config = SettingsConfigDict(env_prefix="UNSTRUNG_", frozen=True, extra="ignore")

    database_url: str = Field(
        "",
        validation_alias=AliasChoices("database_url", "UNSTRUNG_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL to use, postgresql://...; empty starts a private one in the data folder.",
    )
    studio_data: Path = Field(
        Path("studio-data"), description="Folder of the private database, the files and the secret."
    )
    storage_url: str = Field(
        "",
        description="Where clips are kept: a folder, s3://, gs:// or az://; empty is STUDIO_DATA/files.",
    )
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8300, ge=0, le=65_535, description="Port that the API listens on.")
    public_url: str = Field(
        "", description="How people reach the API, for links; empty is http://HOST:PORT."
    )
    secret: SecretStr = Field(
        SecretStr(DEFAULT_SECRET),
        description="Signs links to files; `unstrung serve` makes one of its own in the data folder.",
    )
    default_model: str = Field("mini", description="Model of a request that names none.")
    model_aliases: dict[str, str] = Field(
        {"sora-2": "mini", "sora-2-pro": "mini"},
        description="Other names of models, as JSON; a date after an alias is ignored.",
    )
    jobs_per_person: int = Field(
        2, ge=1, le=64, description="Videos of one person that are made at the same time."
    )
    open_videos_per_person: int = Field(
        200, ge=1, description="Videos of one person that may wait or run."
    )
    videos_per_day: int = Field(
        2_000, ge=1, description="Videos that one person may start in 24 hours."
    )
    requests_per_minute: int = Field(1_200, ge=1, description="Requests of one key in a minute.")
    creations_per_minute: int = Field(
        600, ge=1, description="Videos begun with one key in a minute."
    )
    rate_limit_storage: str = Field(
        "async+memory://",
        description="Where requests are counted (`limits` library): in each process, or a Redis for all.",
    )
    link_seconds: int = Field(900, ge=1, description="Life of a signed link to a file [s].")
    max_upload_bytes: int = Field(
        100_000_000, ge=1_000, description="Largest request body [bytes]."
    )
    fetch_image_urls: bool = Field(
        False,
        description="Fetch `image_url` references; off, since it lets people make this server send requests.",
    )
    private_webhooks: bool = Field(
        False,
        description="Allow webhook addresses that are not public and not https (development).",
    )
    max_attempts: int = Field(
        5, ge=1, description="Workers that may die over one video before it is called failed."
    )
    heartbeat_s: float = Field(2.0, gt=0, description="Seconds between signs of life of a worker.")
    stalled_after_s: float = Field(
        10.0, gt=0, description="Silence after which a worker's job is given to another [s]."
    )
    database_pool: int = Field(10, ge=1, description="Database connections kept by each process.")
    log_format: Literal["json", "console"] = Field("console", description="Form of a log line.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least to log."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        secret = self.secret.get_secret_value()
        if not is_loopback(self.host) and (
            secret == DEFAULT_SECRET or len(secret) < _MIN_SECRET_CHARACTERS
        ):
            raise ValueError(
                f"UNSTRUNG_SECRET must be a secret of at least {_MIN_SECRET_CHARACTERS} characters when the "
                f"API listens on {self.host}; make one with `openssl rand -hex 32`"
            )
        if self.stalled_after_s < 2 * self.heartbeat_s:
            raise ValueError(
                "UNSTRUNG_STALLED_AFTER_S must be at least twice UNSTRUNG_HEARTBEAT_S, got "
                f"{self.stalled_after_s:g} and {self.heartbeat_s:g}"
            )
        return self

    @property
    def files_url(self) -> str:
        """Where clips are kept."""
        return self.storage_url or str((self.studio_data / "files").absolute())

    @property
    def base_url(self) -> str:
        """How people reach the API, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings(given: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment.

    Args:
        given: settings that go before those of the environment.

    Raises:
        ConfigurationError: naming each variable that breaks its rule.
    """
    try:
        return Settings(**(given or {}))
    except ValidationError as error:
        raise ConfigurationError(_told(error)) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _told(error: ValidationError) -> str:
    sentences = []
    for each in error.errors():
        name = "_".join(str(part) for part in each["loc"]).upper()
        message = each["msg"].removeprefix("Value error, ")
        given = f", got {each['input']!r}" if name else ""
        sentences.append(f"UNSTRUNG_{name}: {message}{given}" if name else message)
    return "; ".join(sentences)
