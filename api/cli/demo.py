"""`stagebook demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from api.cli.options import DEFAULT_URL, Json, Url
from api.cli.output import json_line, progress
from infrastructure.settings import Settings

PlatformKey = Annotated[str, Parameter("--platform-key", env_var="STAGEBOOK_PLATFORM_KEY", show_default=False)]


def demo(*, url: Url = DEFAULT_URL, platform_key: PlatformKey = "", data_dir: Path | None = None, as_json: Json = False) -> None:
    """Load an example organization into a running API and print its owner's key.

    Run again after an interruption, it goes on where it was.

    Parameters
    ----------
    platform_key
        The key that `stagebook up` shows at its first start.
    data_dir
        Folder that keeps the owner's key until everything is loaded. Default: .stagebook
    """
    from infrastructure.demo import begun
    from infrastructure.demo.load import load

    folder = Settings.load().with_options(data_dir=data_dir).data_dir
    with progress(quiet=as_json) as advance:
        company = asyncio.run(load(url, platform_key, folder, advance))
    if as_json:
        json_line(msgspec.to_builtins(company))
    else:
        print(f"Organization  {company.organization_id}\nOwner key     {company.owner_key}  (shown this once)", flush=True)
    begun.forget(folder)
