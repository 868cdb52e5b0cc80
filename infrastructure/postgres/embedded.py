"""The PostgreSQL 18 that ships with the program, run as a child process in the foreground.

Reached through a Unix socket alone, in a folder that only its owner may enter; that is why it asks for no password.
PostgreSQL refuses to run as root. For root it runs as a system account of its own; the cluster's folder is entered before the
change of user and addressed as `/proc/self/cwd`, so it may stand below a folder that the account cannot pass, and no
permission outside of the data folder is ever changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from infrastructure.faults import Fault
from infrastructure.postgres.binaries import installation, server_account
from infrastructure.processes import end, spawn

MAJOR: Final = 18
LAYOUT: Final = 1
"""Of the data folder; raised when an older program could not use it any more."""
DATABASE: Final = "stagebook"

_PARAMETERS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    "jit": "off",  # short statements only: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C"}
"""All that the server sees of ours: no PG* variable shall change it."""
_START_SECONDS: Final = 60.0
"""Recovery after a crash may replay `max_wal_size` of changes."""
_STOP_SECONDS: Final = 10.0
_FORMER_SECONDS: Final = 10.0
"""For a former server to end after its parent was killed."""
_TICK_SECONDS: Final = 0.02
_SOCKET_BASE_BYTES: Final = 60
"""A socket's path has at most 107 bytes."""


class DataDirectoryInUse(Fault):
    """Another process runs on this data folder."""


class DataDirectoryNewer(Fault):
    """The data folder was written by a later version."""


class PostgresFailed(Fault):
    """The embedded server could not be prepared or started."""


class PostgresServer:
    """One server on `data_dir`; holds the folder while it runs. Migrations make the database."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "postgres"
        self.log = self.data_dir / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    def url(self, database: str = DATABASE) -> str:
        """A URL for asyncpg, SQLAlchemy and libpq."""
        return f"postgresql://postgres@/{database}?host={self.sockets}&port=5432"

    @property
    def sockets(self) -> Path:
        """The socket's folder: short, and each data folder has its own."""
        base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        if not os.access(base, os.W_OK) or len(os.fsencode(base)) > _SOCKET_BASE_BYTES:
            base = Path("/tmp")  # noqa: S108  # the folder's owner and mode are checked
        return base / f"stagebook-{sha256(os.fsencode(self.data_dir.resolve())).hexdigest()[:12]}"

    def start(self) -> subprocess.Popen[bytes]:
        """Return the process when it accepts connections: about a second at first use, less afterwards.

        Raises `DataDirectoryInUse`, `DataDirectoryNewer`, `PostgresFailed`, `PostgresMissing`; then nothing is left running.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._take_folder()
            self._check_version()
            if not self.cluster.exists():
                self._make_cluster()
            return self._run()
        except OSError as error:
            self.stop()
            message = f"the data folder {self.data_dir} cannot be used: {error}"
            raise PostgresFailed(message) from None
        except BaseException:
            self.stop()
            raise

    def restart(self) -> subprocess.Popen[bytes]:
        """Start again after a crash; a server that still runs is stopped first."""
        self._end()
        return self._run()

    def stop(self) -> None:
        """End the server cleanly, within about ten seconds, and leave the folder to others. Fine when it does not run."""
        self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill9(self) -> None:
        """Kill the server as a power cut would; `restart` recovers."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _take_folder(self) -> None:
        self._lock = (self.data_dir / "lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"the data folder {self.data_dir} is in use by another stagebook"
            raise DataDirectoryInUse(message) from None
        deadline = time.monotonic() + _FORMER_SECONDS
        while (pid := _server_on(self.cluster)) is not None:
            if time.monotonic() > deadline:
                message = f"the data folder {self.data_dir} is in use by a PostgreSQL server, process {pid}"
                raise DataDirectoryInUse(message)
            time.sleep(_TICK_SECONDS)

    def _check_version(self) -> None:
        marker, version = self.data_dir / "stagebook.version", self.cluster / "PG_VERSION"
        layout = int(marker.read_text()) if marker.exists() else LAYOUT
        if layout > LAYOUT:
            message = f"the data folder {self.data_dir} was written by a later stagebook: layout {layout}, this one knows {LAYOUT}"
            raise DataDirectoryNewer(message)
        major = int(version.read_text()) if version.exists() else MAJOR
        if major != MAJOR:
            message = f"the data folder {self.data_dir} was written by PostgreSQL {major}, this program brings {MAJOR}"
            raise DataDirectoryNewer(message) if major > MAJOR else PostgresFailed(message)
        marker.write_text(f"{LAYOUT}\n")

    def _make_cluster(self) -> None:
        """Make it beside its place, so that an interrupted start leaves no half-made one."""
        draft = self.data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account = server_account()
        if account:
            os.chown(draft, account.pw_uid, account.pw_gid)
        encoding = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        options = ("-D", _folder(draft, account), "--username=postgres", "--auth=trust", "--no-instructions", *encoding)
        done = subprocess.run(
            [str(installation() / "bin" / "initdb"), *options],
            capture_output=True,
            check=False,
            cwd=draft,
            env=_ENVIRONMENT,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            message = f"initdb failed: {_complaint(done.stderr)}"
            raise PostgresFailed(message)
        draft.rename(self.cluster)

    def _run(self) -> subprocess.Popen[bytes]:
        """Start the server; after a crash, try again while sessions of the former one are still ending."""
        _private_folder(self.sockets, server_account())
        deadline = time.monotonic() + _START_SECONDS
        with self.log.open("ab") as log:
            while True:
                begin = log.seek(0, os.SEEK_END)
                self.process = self._spawn(log)
                complaint = self._wait_ready(self.process, deadline, begin)
                if complaint is None:
                    return self.process
                if "is still in use" not in complaint or time.monotonic() > deadline:
                    message = f"PostgreSQL did not start: {complaint} (see {self.log})"
                    raise PostgresFailed(message)
                time.sleep(_TICK_SECONDS)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        account = server_account()
        parameters = {**_PARAMETERS, "unix_socket_directories": str(self.sockets)}
        return spawn(
            [
                str(installation() / "bin" / "postgres"),
                *("-D", _folder(self.cluster, account)),
                *(part for name, value in parameters.items() for part in ("-c", f"{name}={value}")),
            ],
            environment=_ENVIRONMENT,
            on_parent_death=signal.SIGINT,
            folder=self.cluster,
            account=account,
            output=log,
            errors=log,
        )

    def _wait_ready(self, process: subprocess.Popen[bytes], deadline: float, log_begin: int) -> str | None:
        """None when it accepts connections, else what it said at its end."""
        while process.poll() is None:
            if _status(self.cluster) == (process.pid, "ready"):
                return None
            if time.monotonic() > deadline:
                return f"not ready after {_START_SECONDS:.0f} seconds"
            time.sleep(_TICK_SECONDS)
        with self.log.open("rb") as log:
            log.seek(log_begin)
            return _complaint(log.read())

    def _end(self) -> None:
        """Fast shutdown; then, for one that hangs, immediate shutdown."""
        if self.process is not None:
            end(self.process, signal.SIGINT, signal.SIGQUIT, patience=_STOP_SECONDS)
            self.process = None
            with contextlib.suppress(OSError):  # not empty after a crash; the next server clears it
                self.sockets.rmdir()


def running_url(data_dir: Path) -> str | None:
    """The URL of the server that runs on this data folder, started by whatever process."""
    server = PostgresServer(data_dir)
    return server.url() if _server_on(server.cluster) is not None else None


def _status(cluster: Path) -> tuple[int, str] | None:
    """Process id and state, as the server writes them down."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting"  # noqa: PLR2004  # the file's eighth line
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _server_on(cluster: Path) -> int | None:
    """The living server on this cluster, if there is one; what a dead one left is cleared away.

    After a power cut, or in a new container, its process id may be another program's, and PostgreSQL would refuse to start.
    """
    status = _status(cluster)
    if status is None:
        return None
    pid = status[0]
    name = Path(f"/proc/{pid}/comm")
    try:
        os.kill(pid, 0)
        alive = not name.exists() or name.read_text().strip() == "postgres"
    except (ProcessLookupError, FileNotFoundError):
        alive = False
    except PermissionError:
        alive = True
    if alive:
        return pid
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    return None


def _folder(cluster: Path, account: pwd.struct_passwd | None) -> str:
    """How the server's user addresses the folder that its process starts in."""
    return "/proc/self/cwd" if account else str(cluster)


def _private_folder(path: Path, account: pwd.struct_passwd | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    ours = {os.geteuid(), account.pw_uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours or stat.S_IMODE(found.st_mode) & 0o077:
        message = f"{path} must be a folder that belongs to us alone"
        raise PostgresFailed(message)
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)


def _complaint(output: bytes) -> str:
    """The line that says why, else the last one."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return next((line for line in lines if "FATAL" in line or "error:" in line), lines[-1] if lines else "no reason given")
