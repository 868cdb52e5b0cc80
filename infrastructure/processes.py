"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def spawn(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_parent_death: signal.Signals,
    folder: Path | None = None,
    account: pwd.struct_passwd | None = None,
    output: IO[bytes] | int | None = None,
    errors: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own: a Ctrl-C in the terminal reaches the parent alone, which then ends its children in order.

    On Linux the kernel sends `on_parent_death` when the parent dies, however it dies. To be called from the main thread: the
    kernel takes the end of the calling thread for the parent's. `account` is another user to run as (the caller is root);
    `folder` is entered before that, so the child's user need not be able to reach it.
    """
    return subprocess.Popen(
        arguments,
        env=dict(environment),
        cwd=folder,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid(), on_parent_death),  # noqa: PLW1509  # the parent has one thread; runs after the change of user, which would clear it
    )


def process_name() -> str:
    """What no other process is called at the same time."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _die_with(parent: int, sent: signal.Signals) -> Callable[[], None] | None:
    if _LIBC is None:
        return None

    def arm() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return arm


def end(child: subprocess.Popen[bytes], *signals: signal.Signals, patience: float) -> None:
    """Send one signal after the other, each with `patience` seconds to comply, and at last kill the child's whole session."""
    for sent in signals:
        if child.poll() is not None:
            break
        child.send_signal(sent)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    kill_session(child)


def kill_session(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and whatever it started and left behind; fine when nothing is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
