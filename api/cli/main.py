"""Entry point of `stagebook`: the list of commands, and what a fault looks like. Commands are imported when they are called."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, CycloptsError, Group

from infrastructure.faults import Fault

_INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended."""

_COMMANDS = {
    "Run": {
        "up": ("api.cli.up:up", "Start everything: PostgreSQL, migrations, the API, the worker."),
        "serve": ("api.cli.processes:serve", "Run the API alone."),
        "work": ("api.cli.processes:work", "Run the projection worker alone."),
        "migrate": ("api.cli.database:migrate", "Bring the database to this program's schema."),
        "settings": ("api.cli.settings:settings", "Print every setting and its value."),
    },
    "Through a running API": {
        "import": ("api.cli.imports:app", "Bring in venues and Events from files."),
        "keys": ("api.cli.keys:app", "List, create, revoke API keys."),
        "send": ("api.cli.send:send", "Send any command."),
        "demo": ("api.cli.demo:demo", "Load an example organization and print its owner's key."),
    },
    "On a running database": {
        "records": ("api.cli.records:app", "Look at the log."),
        "projections": ("api.cli.projections:app", "Look at the read models, check them, build them anew, hold them still."),
        "database-url": ("api.cli.database:database_url", "Print the URL of the database, for psql and analysts' tools."),
    },
    "About": {
        "catalog": ("api.cli.catalog:catalog", "Describe every command and domain event."),
        "bench": ("api.cli.bench:bench", "Measure."),
        "completion": ("api.cli.completion:completion", "Let the shell complete commands and options."),
    },
}
"""By what they are for: where each command is found, and its line in the list."""


def program(called: str | None = None) -> App:
    """The command line, with everything in it. The command that is `called` is imported, and explains itself at length."""
    app = App(name="stagebook", help="The system of record for companies that run events.", version=_version, result_action="return_value")
    for purpose, commands in _COMMANDS.items():
        group = Group.create_ordered(purpose)
        for name, (place, summary) in commands.items():
            app.command(place, name=name, help=None if name == called else summary, group=group)
    group = Group.create_ordered("Help")
    for flag in (*app.help_flags, *app.version_flags):
        app[flag].group = (group,)
    return app


def _version() -> str:
    try:
        return version("stagebook")
    except PackageNotFoundError:
        return "not installed"


def run(arguments: list[str]) -> int:
    """Run one command. 0: fine; 1: a check found something; 2: wrong use or a fault of the surroundings, said in one line."""
    try:
        found = program(next(iter(arguments), None))(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _complain(" ".join(str(error).split()), 2)
    except Fault as fault:
        return _complain(str(fault), fault.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # `stagebook records tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return found if isinstance(found, int) else 0


def _complain(line: str, code: int) -> int:
    print(f"stagebook: {line}", file=sys.stderr)
    return code


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
