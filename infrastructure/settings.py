"""Settings: read once from the environment, checked, immutable. Every setting's meaning, unit and default stands here."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from infrastructure.faults import Fault


class SettingsError(Fault):
    """A setting has a value that cannot be used; names the setting."""


Hash = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$", description="64 hexadecimal digits in lower case")]
PostgresUrl = Annotated[str, Meta(pattern=r"^(postgres(ql)?://.+)?$", description="a URL that starts with postgresql://")]
Port = Annotated[int, Meta(ge=1, le=65535, description="a TCP port from 1 to 65535")]
Level = Annotated[Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")]
Proxies = Annotated[int, Meta(ge=0, le=10, description="a whole number from 0 to 10")]
Count = Annotated[int, Meta(ge=1, le=10_000_000, description="a whole number from 1 to 10000000")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. The environment variable of a field is `STAGEBOOK_<FIELD>`; only `DATABASE_URL` has no prefix."""

    database_url: PostgresUrl = ""
    """`postgresql://…` of a PostgreSQL 15 or later. Empty: the server that ships with the program, in `data_dir`."""
    data_dir: Path = Path(".stagebook")
    """Folder of what must survive: the embedded database, the master key, the platform key's hash."""
    host: str = "127.0.0.1"
    """Address that the API listens on; `0.0.0.0` for all."""
    port: Port = 8080
    """TCP port of the API."""
    trusted_proxies: Proxies = 0
    """Reverse proxies in front of the API that append to `X-Forwarded-For`, one behind the other. With 0 the header is ignored and
    the peer's address counts; with too many, clients choose their address and the limit of live holds per address is void."""
    log_level: Level = "info"
    """The least severe level that is logged."""
    master_key: Hash = ""
    """32 bytes in hexadecimal that wrap every other key. Empty: kept in `data_dir/master.key`, made at the first start. Lose it, and
    all personal data is lost."""
    platform_key_sha256: Hash = ""
    """SHA-256, in hexadecimal, of the platform key that may make organizations. Empty: from `data_dir/platform-key.sha256`."""
    batch_limit: Count = 256
    """Units of work decided and appended at once, at most."""
    command_queue_limit: Count = 4096
    """Units of work that may wait for the bus; further ones are answered 503."""
    cache_size: Count = 100_000
    """Aggregates kept in memory per process."""
    worker_name: str = ""
    """Whose the leases of the projections are. A worker that is started again under its name goes on at once, under another it waits
    15 seconds for the lease of the one that died; two that run at the same time must not share one. Empty: host and process id."""

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment. Raises `SettingsError` for the first wrong value; unset and empty ones take their default."""
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            text = environment.get(variable(field.name), "").strip()
            if text:
                values[field.name] = _parsed(field, text)
        return cls(**values)

    def with_options(self, **options: str | int | Path | None) -> Self:
        """These settings with what the command line says; None says nothing. Checked as the environment is."""
        known = {field.name: field for field in msgspec.structs.fields(self)}
        values = {name: _parsed(known[name], str(value)) for name, value in options.items() if value is not None}
        return msgspec.structs.replace(self, **values)

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to load these same settings."""
        return {variable(name): str(getattr(self, name)) for name in self.__struct_fields__}

    def with_keys(self) -> Self:
        """These settings with the master key and the platform key's hash from `data_dir`; the master key is made there at first use."""
        return msgspec.structs.replace(
            self,
            master_key=self.master_key or _kept(self.data_dir / "master.key", secrets.token_hex(32)),
            platform_key_sha256=self.platform_key_sha256 or _read(self.data_dir / PLATFORM_KEY_HASH),
        )

    def with_platform_key(self, key: str) -> Self:
        """These settings, accepting this platform key."""
        return msgspec.structs.replace(self, platform_key_sha256=sha256(key.encode()).hexdigest())

    def keep_platform_key_hash(self) -> None:
        """Write the platform key's hash to `data_dir`, unless one is there."""
        _kept(self.data_dir / PLATFORM_KEY_HASH, self.platform_key_sha256)

    def __repr__(self) -> str:
        """Without secrets: a traceback or a log line may show it."""
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in SECRET)
        return f"Settings({shown})"


PLATFORM_KEY_HASH = "platform-key.sha256"
SECRET = frozenset({"database_url", "master_key"})
"""Settings whose value is never shown."""


def new_platform_key() -> str:
    """A key that may make organizations; to be shown once, for only its hash is kept."""
    return f"sbp_{secrets.token_urlsafe(32)}"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if field == "database_url" else f"STAGEBOOK_{field.upper()}"


def _parsed(field: msgspec.structs.FieldInfo, text: str) -> Any:
    if field.type is Path:
        return Path(text)
    try:
        return msgspec.convert(text, field.type, strict=False)
    except msgspec.ValidationError:
        given = "" if field.name in SECRET else f"={text!r}"
        message = f"{variable(field.name)}{given} cannot be used: expected {field.type.__metadata__[0].description}"
        raise SettingsError(message) from None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        message = f"STAGEBOOK_DATA_DIR: cannot read {path}: {error.strerror}"
        raise SettingsError(message) from None


def _kept(path: Path, fresh: str) -> str:
    """The file's text; when there is no file it is written with `fresh`, readable by its owner alone. Of two writers the first wins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{fresh}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    except OSError as error:
        message = f"STAGEBOOK_DATA_DIR: cannot write {path}: {error.strerror}"
        raise SettingsError(message) from None
    return _read(path)
