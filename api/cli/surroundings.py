"""What a command works with: settings, a database that can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from infrastructure.faults import Fault
from infrastructure.postgres.embedded import running_url
from infrastructure.settings import Settings

T = TypeVar("T")


class NoDatabase(Fault):
    """There is no database to work with."""


def connected_settings(data_dir: Path | None) -> Settings:
    """The settings with the URL of a database: `DATABASE_URL`, or that of the embedded server running on the data folder."""
    settings = Settings.load().with_options(data_dir=data_dir)
    url = settings.database_url or running_url(settings.data_dir)
    if url is None:
        message = f"no server runs on the data folder {settings.data_dir}: run `stagebook up`, or set DATABASE_URL"
        raise NoDatabase(message)
    return settings.with_options(database_url=url)


@contextmanager
def reachable_database() -> Iterator[None]:
    """Raises `NoDatabase` when the database cannot be reached, or is not one that Stagebook has prepared."""
    import asyncpg

    from application.bus.messages import Unavailable
    from infrastructure.postgres.pool import LOST

    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError) as error:
        message = f"the database is not prepared for this program ({error}): run `stagebook migrate`"
        raise NoDatabase(message) from error
    except (Unavailable, *LOST, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        message = f"the database cannot be reached: {str(error) or type(error).__name__}"
        raise NoDatabase(message) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run what talks to the database. Raises `NoDatabase`."""
    with reachable_database():
        return asyncio.run(work)
