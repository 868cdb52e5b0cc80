"""Settings: read once from the environment, checked, immutable. Every setting's meaning, unit and default stands here."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import msgspec
from msgspec import Meta

from infrastructure.faults import Fault


class SettingsError(Fault):
    """A setting has a value that cannot be used; names the setting."""


Hash = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$", title="64 hexadecimal digits in lower case")]
PostgresUrl = Annotated[str, Meta(pattern=r"^(postgres(ql)?://.+)?$", title="a URL that starts with postgresql://")]
Text = Annotated[str, Meta(title="a text")]
Folder = Annotated[Path, Meta(title="a path")]
Port = Annotated[int, Meta(ge=1, le=65535, title="a TCP port from 1 to 65535")]
PortOrNone = Annotated[int, Meta(ge=0, le=65535, title="a TCP port from 1 to 65535, or 0 for none")]
Level = Annotated[Literal["debug", "info", "warning", "error"], Meta(title="debug, info, warning or error")]
Proxies = Annotated[int, Meta(ge=0, le=10, title="a whole number from 0 to 10")]
Count = Annotated[int, Meta(ge=1, le=10_000_000, title="a whole number from 1 to 10000000")]
Seconds = Annotated[float, Meta(ge=0, le=86_400, title="a number from 0 to 86400", extra={"unit": "seconds"})]

_SECRET = Meta(extra={"secret": True})
"""The value is never shown."""
_UNITS = Meta(extra={"unit": "units of work"})
"""A unit of work is one command, or the commands of a batch that is all or nothing."""
_AGGREGATES = Meta(extra={"unit": "aggregates"})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. The environment variable of a field is `STAGEBOOK_<FIELD>`; only `DATABASE_URL` has no prefix.

    A type's title says which values can be used, a field's description what it means: `described` derives the documentation from both.
    """

    database_url: Annotated[
        PostgresUrl,
        _SECRET,
        Meta(description="The PostgreSQL to use, version 15 or later. Empty: the server that ships with the program, in the data folder."),
    ] = ""
    data_dir: Annotated[
        Folder, Meta(description="Folder of what must survive: the embedded database, the master key, the platform key's hash.")
    ] = Path(".stagebook")
    host: Annotated[Text, Meta(description="Address that the API listens on; `0.0.0.0` for all.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port of the API.")] = 8080
    trusted_proxies: Annotated[
        Proxies,
        Meta(
            description="Reverse proxies in front of the API that append to `X-Forwarded-For`, one behind the other. With 0 the header is "
            "ignored and the peer's address counts; with too many, clients choose their address and the limit of live holds per address "
            "is void.",
            extra={"unit": "proxies"},
        ),
    ] = 0
    log_level: Annotated[Level, Meta(description="The least severe level that is logged.")] = "info"
    slow_seconds: Annotated[
        Seconds, Meta(description="Requests, and commands in the bus, that take longer are logged, with where the time went.")
    ] = 1.0
    metrics_token: Annotated[
        Text,
        _SECRET,
        Meta(description="Whoever scrapes `/metrics` of the API sends it as `Authorization: Bearer …`. Empty: nothing is asked for."),
    ] = ""
    worker_metrics_port: Annotated[
        PortOrNone,
        Meta(description="Port on which a worker serves its own figures, at `/metrics`; on the address of the API, asking for nothing."),
    ] = 0
    master_key: Annotated[
        Hash,
        _SECRET,
        Meta(
            description="32 bytes in hexadecimal that wrap every other key; the same for all processes. Empty: kept in `master.key` of the "
            "data folder, made at the first start. Lose it, and all personal data is lost."
        ),
    ] = ""
    platform_key_sha256: Annotated[
        Hash,
        Meta(
            description="SHA-256, in hexadecimal, of the platform key that may make organizations. Empty: from `platform-key.sha256` of "
            "the data folder."
        ),
    ] = ""
    batch_limit: Annotated[Count, _UNITS, Meta(description="Decided and appended at once, at most.")] = 256
    command_queue_limit: Annotated[Count, _UNITS, Meta(description="May wait for the bus; further ones are answered 503.")] = 4096
    cache_size: Annotated[Count, _AGGREGATES, Meta(description="Kept in memory per API process.")] = 100_000
    operation_results_hours: Annotated[
        Count, Meta(description="How long the results of batches and exports can be read after their end.", extra={"unit": "hours"})
    ] = 24
    worker_name: Annotated[
        Text,
        Meta(
            description="Whose the leases of the projections are. A worker that is started again under its name goes on at once, under "
            "another it waits 15 seconds for the lease of the one that died; two that run at the same time must not share one. Empty: host "
            "and process id."
        ),
    ] = ""

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


class SettingDoc(NamedTuple):
    """One setting, to be read by people."""

    variable: str
    """Of the environment."""
    field: str
    """Of `Settings`."""
    meaning: str
    values: str
    """Which can be used."""
    unit: str
    """Empty where there is none."""
    default: str
    """As it would stand in the environment; empty where that means something of its own, as the meaning says."""
    secret: bool
    """The value is never shown."""


def described() -> Sequence[SettingDoc]:
    """Every setting, in the order of the definition, from which all of it is taken."""
    info = msgspec.inspect.type_info(Settings)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # for the type checker
    return tuple(map(_described, info.fields))


def _described(field: msgspec.inspect.Field) -> SettingDoc:
    assert isinstance(field.type, msgspec.inspect.Metadata)  # noqa: S101  # for the type checker
    texts, extra = field.type.extra_json_schema or {}, field.type.extra or {}
    return SettingDoc(
        variable=variable(field.name),
        field=field.name,
        meaning=texts["description"],
        values=texts["title"],
        unit=extra.get("unit", ""),
        default=str(field.default),
        secret=extra.get("secret", False),
    )


def new_platform_key() -> str:
    """A key that may make organizations; to be shown once, for only its hash is kept."""
    return f"sbp_{secrets.token_urlsafe(32)}"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if field == "database_url" else f"STAGEBOOK_{field.upper()}"


def _parsed(field: msgspec.structs.FieldInfo, text: str) -> Any:
    try:
        return msgspec.convert(text, field.type, strict=False, dec_hook=lambda kind, text: kind(text))
    except msgspec.ValidationError:
        given = "" if field.name in SECRET else f"={text!r}"
        expected = next(doc.values for doc in described() if doc.field == field.name)
        message = f"{variable(field.name)}{given} cannot be used: expected {expected}"
        raise SettingsError(message) from None


SECRET = frozenset(doc.field for doc in described() if doc.secret)
"""Settings whose value is never shown."""


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
