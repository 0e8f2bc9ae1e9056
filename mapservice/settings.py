"""Every setting of the service: read once from the environment, checked, and described.

The descriptions here are the documentation: `mapservice doctor` prints them and the settings table in the
documentation is made from them, so there is one text to keep right.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "MAPSERVICE_"
SECRET_KEY_LENGTH = 32
WEB_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?", re.ASCII)


class OperatorError(Exception):
    """Something the person running the service can put right; the message says how, with no traceback."""


class SettingsError(OperatorError):
    """One or more settings are wrong; the message has a line for each, naming the variable."""


def _postgres_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("must start with postgresql://")
    if not parts.path.strip("/"):
        raise ValueError("must name a database, as in postgresql://user:password@host/mapservice")
    return value


def _web_address(value: str) -> str:
    if not WEB_ORIGIN.fullmatch(value.rstrip("/")):
        raise ValueError("must be scheme and host, as in https://maps.example.org, and no path")
    return value.rstrip("/")


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SECRET_KEY_LENGTH:
        raise ValueError(f"must have at least {SECRET_KEY_LENGTH} characters")
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("must be smtp:// or smtps:// and name a host")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in (("https", "http") if local else ("https",)):
        raise ValueError("must be an address that begins with https://")
    return value


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
SecretKey = Annotated[SecretStr, AfterValidator(_long_enough)]


class Settings(BaseSettings):
    """The settings in force. Frozen; made by `load_settings()`, which makes mistakes readable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # Compose passes an unset variable on as an empty one; both mean "use the default".
        env_ignore_empty=True,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
    )

    database_url: PostgresUrl | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL database with PostGIS to use. Unset: a private one under MAPSERVICE_VAR_DIR, "
        "started and stopped with the service.",
    )
    database_read_url: PostgresUrl | None = Field(
        default=None,
        validation_alias="DATABASE_READ_URL",
        description="A replica to read from. Unset: reads go to the same database.",
    )
    secret_key: SecretKey | None = Field(
        default=None,
        validation_alias="SECRET_KEY",
        description=f"Signs sessions and forms; at least {SECRET_KEY_LENGTH} characters. Unset: made once "
        "and kept in MAPSERVICE_VAR_DIR/secret-key.",
    )
    geodata_dir: Path = Field(
        default=REPOSITORY / "geodata",
        description="Folder that holds the borough: borough.toml and the data it names.",
    )
    var_dir: Path = Field(default=REPOSITORY / "var", description="Folder for everything made while running.")
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port the web server listens on.")
    workers: int = Field(default=2, ge=1, le=32, description="Web server processes; about one per core.")
    threads: int = Field(default=4, ge=1, le=64, description="Requests one process answers at the same time.")
    public_url: WebAddress | None = Field(
        default=None,
        description="Address people use, where a proxy stands in front. Unset: taken from each request.",
    )
    proxies: int | None = Field(
        default=None,
        ge=0,
        le=5,
        description="Proxies in front that say for whom they ask (X-Forwarded-For), so that attempts to sign "
        "in are counted by address. Unset: 1 where MAPSERVICE_PUBLIC_URL is set, else 0.",
    )
    session_days: int = Field(
        default=30, ge=1, le=365, description="Days after which everybody has to sign in again."
    )
    session_idle_hours: int = Field(
        default=72, ge=1, le=8760, description="Hours without use after which one has to sign in again."
    )
    smtp_url: SmtpUrl | None = Field(
        default=None,
        description="Server that takes e-mail, as smtp://user:password@host:587 (with STARTTLS) or "
        "smtps://user:password@host. Unset: e-mail is written to files under MAPSERVICE_VAR_DIR/mail.",
    )
    mail_from: str | None = Field(
        default=None,
        description="Address e-mail comes from. Unset: mapservice@ and the name of the host.",
    )
    oidc_discovery_url: HttpUrl | None = Field(
        default=None,
        description="For signing in with a council's directory (OpenID Connect): the address of its "
        "discovery document, ending in /.well-known/openid-configuration.",
    )
    oidc_client_id: str | None = Field(default=None, description="The directory's name for this service.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The secret that the directory gave this service."
    )
    oidc_name: str = Field(default="the council's directory", description="What people call the directory.")
    oidc_role_claim: str = Field(
        default="groups", description="Claim in which the directory says which groups somebody is in."
    )
    oidc_roles: str | None = Field(
        default=None,
        description="Which role each group has, as in gis-team=planner,parks=reviewer@south. Who is in none "
        "of them is not let in.",
    )
    basemap: Literal["none", "osm", "custom"] = Field(
        default="none",
        description="Base map under the layers: none, osm (OpenStreetMap's tiles, for a trial) or custom.",
    )
    basemap_url: str | None = Field(
        default=None,
        description="For custom: tile address with {z}, {x} and {y}, as https://host/{z}/{x}/{y}.png.",
    )
    basemap_attribution: str | None = Field(
        default=None, description="For custom: the credit its owner requires on the map."
    )
    statement_timeout_ms: int = Field(
        default=10_000, ge=100, le=600_000, description="Longest one reading query may take, in milliseconds."
    )
    response_cache_mb: int = Field(
        default=64,
        ge=0,
        le=4096,
        description="Memory each process may use to keep answers of the API, in megabytes; 0 keeps none.",
    )
    pseudo_languages: bool = Field(
        default=False,
        description="Offer two made-up languages, which show what of the pages is not translated yet.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least important messages that are logged."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.database_read_url and not self.database_url:
            raise ValueError("DATABASE_READ_URL is set but DATABASE_URL is not; a replica needs its primary")
        if self.oidc_discovery_url and not (
            self.oidc_client_id and self.oidc_client_secret and self.oidc_roles
        ):
            needed = "OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_ROLES"
            raise ValueError(f"{PREFIX}OIDC_DISCOVERY_URL needs {needed} (each with {PREFIX} before it)")
        if self.basemap == "custom":
            _check_custom_basemap(self.basemap_url, self.basemap_attribution)
        elif self.basemap_url:
            raise ValueError(f"{PREFIX}BASEMAP_URL is set; set {PREFIX}BASEMAP=custom to use it")
        return self

    @property
    def proxies_trusted(self) -> int:
        """How many proxies in front are believed when they say for whom they ask."""
        return (1 if self.public_url else 0) if self.proxies is None else self.proxies

    @property
    def over_https(self) -> bool:
        """Whether people reach the service over an encrypted connection."""
        return bool(self.public_url) and str(self.public_url).startswith("https:")

    @property
    def secret_key_file(self) -> Path:
        """Where the session secret is kept when SECRET_KEY is unset."""
        return self.var_dir / "secret-key"


def _check_custom_basemap(url: str | None, attribution: str | None) -> None:
    if not url or not attribution:
        raise ValueError(f"{PREFIX}BASEMAP=custom needs {PREFIX}BASEMAP_URL and {PREFIX}BASEMAP_ATTRIBUTION")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{PREFIX}BASEMAP_URL must be an absolute address")
    missing = [name for name in ("{z}", "{x}", "{y}") if name not in url]
    if missing:
        raise ValueError(f"{PREFIX}BASEMAP_URL lacks {' and '.join(missing)}")


@dataclass(frozen=True)
class SettingRow:
    """One setting as people see it, secrets masked."""

    variable: str
    value: str
    default: str
    is_set: bool
    description: str


def variable_name(field: str) -> str:
    """The environment variable that sets `field` of `Settings`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; keyword arguments (field names) win over it.

    Raises `SettingsError` that names every variable at fault, unknown `MAPSERVICE_*` ones included.
    """
    known = {variable_name(field) for field in Settings.model_fields}
    problems = [
        _unknown_variable(name, known)
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        problems = [*_readable(error), *problems]
    if problems:
        raise SettingsError(
            "These settings need putting right:\n" + "\n".join(f"  {line}" for line in problems)
        )
    # Relative folders mean "from where the command was typed"; workers must not resolve them afresh.
    return settings.model_copy(
        update={"geodata_dir": settings.geodata_dir.absolute(), "var_dir": settings.var_dir.absolute()}
    )


def _unknown_variable(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _readable(error: ValidationError) -> Iterator[str]:
    fields = {variable_name(field): field for field in Settings.model_fields}
    for item in error.errors(include_url=False, include_context=False):
        where = str(item["loc"][0]) if item["loc"] else ""
        message = item["msg"].removeprefix("Value error, ")
        if not where:
            yield message
            continue
        field = fields.get(where, where)
        variable = variable_name(field) if field in Settings.model_fields else where
        given = "" if _is_secret(field) else f" (it is {item['input']!r})"
        yield f"{variable}: {message[:1].lower()}{message[1:]}{given}"


def _is_secret(field: str) -> bool:
    return field in ("secret_key", "database_url", "database_read_url", "smtp_url", "oidc_client_secret")


def describe(settings: Settings) -> list[SettingRow]:
    """The settings in force, in the order declared, fit to be shown: secrets and passwords masked."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        rows.append(
            SettingRow(
                variable=variable_name(name),
                value=_shown(name, value),
                default=_shown(name, field.default),
                is_set=value != field.default,
                description=field.description or "",
            )
        )
    return rows


def _shown(name: str, value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, SecretStr):
        return mask_password(value.get_secret_value()) if name.endswith("_url") else "(set)"
    if isinstance(value, Path) and value.is_relative_to(REPOSITORY):
        return f"{value.relative_to(REPOSITORY)}/"
    return str(value)


def mask_password(url: str) -> str:
    """A database address without its password, and without options that might carry one."""
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    user = account.partition(":")
    masked = user[0] + (":***" if user[1] else "")
    return f"{parts.scheme}://{masked}{at}{host}{parts.path}"


def session_secret(settings: Settings) -> str:
    """The secret that signs sessions: SECRET_KEY, or one made once and kept under the var folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.secret_key_file
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        return _make_secret(path)
    if len(kept) < SECRET_KEY_LENGTH:
        raise SettingsError(f"{path} holds no usable secret; delete it and the next start makes a new one")
    return kept


def _make_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    try:
        # Linking is all-or-nothing: of two processes that start together, both end with the same secret.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
