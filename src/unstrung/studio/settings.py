"""Settings of the studio: read once from the environment, frozen, each with its reason.

Every setting is an environment variable `UNSTRUNG_<NAME>`; the database is also found under its usual
name, `DATABASE_URL`. docs/operating.md lists them, and a test keeps the list complete.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from unstrung.studio.errors import ConfigurationError

DEFAULT_SECRET: Final = "not-a-secret-only-for-loopback"
_MIN_SECRET_CHARACTERS: Final = 32


class OidcIssuer(BaseModel):
    """An OpenID Connect issuer whose word on who somebody is we take.

    Attributes:
        issuer: its address, exactly as its discovery document and its tokens say.
        client_id, client_secret: what it knows us by; public clients have no secret.
        scope: what is asked of it; `openid` is needed, and nothing more is used than a name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = SecretStr("")
    scope: str = "openid profile"

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        if not is_secure_url(value):
            raise ValueError("must be an https address, or http on this machine")
        return value

    @field_validator("scope")
    @classmethod
    def _check_scope(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must contain openid")
        return value


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
    hsts_subdomains: bool = Field(
        False,
        description="Tell browsers to use https for all hosts below ours, too, for a year; where we are "
        "reached by https.",
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
    requests_per_minute: int = Field(
        1_200,
        ge=1,
        description="Requests of one key, or readings without a key from one address, in a minute.",
    )
    creations_per_minute: int = Field(
        600, ge=1, description="Videos begun with one key in a minute."
    )
    visits_per_minute: int = Field(
        60, ge=1, description="Calls without a key from one address in a minute."
    )
    applications_per_hour: int = Field(
        20, ge=1, description="Applications to the programme from one address in an hour."
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
    open_registration: bool = Field(
        False,
        description="Make an account for whoever signs in by e-mail or an issuer and has none; off, it "
        "takes an invitation.",
    )
    oidc_issuers: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")], OidcIssuer] = Field(
        {},
        description="OpenID Connect issuers by a short name, as JSON: issuer, client_id, client_secret, "
        "scope.",
    )
    smtp_host: str = Field(
        "", description="Server that takes our e-mails; empty writes them to STUDIO_DATA/mail."
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of that server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection to it is secured; none only on this machine."
    )
    smtp_user: str = Field("", description="Name to sign in there with; empty does not sign in.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password to sign in there with.")
    mail_from: str = Field(
        "Unstrung <unstrung@localhost>", description="Sender of our e-mails: Name <address>."
    )
    max_attempts: int = Field(
        5, ge=1, description="Workers that may die over one video before it is called failed."
    )
    heartbeat_s: float = Field(2.0, gt=0, description="Seconds between signs of life of a worker.")
    stalled_after_s: float = Field(
        10.0, gt=0, description="Silence after which a worker's job is given to another [s]."
    )
    log_folder: Path | None = Field(
        None,
        description="Folder of the transparency log and its key, on one machine; empty is STUDIO_DATA/log.",
    )
    log_publish_s: float = Field(
        1.0, gt=0, description="Seconds between turns of publishing the transparency log."
    )
    database_pool: int = Field(10, ge=1, description="Database connections kept by each process.")
    programme: bool = Field(
        False,
        description="Run an early-access programme: nobody makes anything before accepting the charter.",
    )
    charter_folder: str = Field(
        "",
        description="Folder of the operator's charters, VERSION/LANGUAGE.md; empty takes the shipped one.",
    )
    operator_name: str = Field(
        "", max_length=200, description="Who runs the programme, as the charter names them."
    )
    operator_contact: str = Field(
        "", max_length=200, description="Where people write to: an address of mail or of a page."
    )
    operator_law: dict[str, str] = Field(
        {},
        description="Law that applies to the charter, by language as JSON; `en` stands in for the others.",
    )
    review_hours: int = Field(
        48,
        ge=2,
        le=168,
        description="Clock of a review before sharing, as the charter promises [h].",
    )
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
        if self.smtp_host and self.smtp_security == "none" and not is_loopback(self.smtp_host):
            raise ValueError(
                "UNSTRUNG_SMTP_SECURITY must be starttls or tls for a server that is not this machine, got "
                "none; e-mails carry links to sign in with"
            )
        return self

    @property
    def files_url(self) -> str:
        """Where clips are kept."""
        return self.storage_url or str((self.studio_data / "files").absolute())

    @property
    def log_path(self) -> Path:
        """Folder of the transparency log."""
        return self.log_folder or self.studio_data / "log"

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


def is_secure_url(url: str) -> bool:
    """Whether nobody on the way can read what is sent to an address: https, or http on this machine."""
    try:
        parsed = urlsplit(url)
        host = parsed.hostname
    except ValueError:
        return False
    if not host or parsed.username is not None or parsed.fragment:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(host))


def _told(error: ValidationError) -> str:
    sentences = []
    for each in error.errors():
        name = "_".join(str(part) for part in each["loc"]).upper()
        message = each["msg"].removeprefix("Value error, ")
        given = f", got {each['input']!r}" if name else ""
        sentences.append(f"UNSTRUNG_{name}: {message}{given}" if name else message)
    return "; ".join(sentences)
