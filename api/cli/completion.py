"""`stagebook completion`."""

from __future__ import annotations

from typing import Literal

from api.cli.options import Flag
from infrastructure.faults import Fault

Shell = Literal["bash", "zsh", "fish"]


class UnknownShell(Fault):
    """The shell could not be told."""


def completion(shell: Shell | None = None, /, *, install: Flag = False) -> None:
    """Print a script that lets the shell complete commands and options; or install it for all shells to come.

    To try it in this shell: eval "$(stagebook completion bash)"

    Parameters
    ----------
    shell
        bash, zsh or fish; by default the one that this is called from.
    install
        Write the script to where the shell looks for it, and print where that is.
    """
    from cyclopts.completion.detect import ShellDetectionError

    from api.cli.main import program

    try:
        if install:
            print(program().install_completion(shell=shell))
        else:
            print(program().generate_completion(shell=shell))
    except ShellDetectionError:
        message = "cannot tell which shell this is: name it, as in `stagebook completion bash`"
        raise UnknownShell(message) from None
