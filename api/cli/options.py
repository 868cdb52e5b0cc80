"""Options that many commands have, described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""Something to ask for; there is no `--no-…`."""

Json = Annotated[bool, Parameter("--json", negative="", show_default=False, help="One JSON object a line, for programs.")]

DataDir = Annotated[
    Path | None,
    Parameter(
        "--data-dir",
        help="Folder of the keys and of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook",
    ),
]

Url = Annotated[str, Parameter("--url", env_var="STAGEBOOK_URL", help="Where the API listens.")]
DEFAULT_URL = "http://127.0.0.1:8080"

Key = Annotated[str, Parameter("--key", env_var="STAGEBOOK_KEY", show_default=False, help="An API key.")]
