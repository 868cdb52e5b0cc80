"""Databases for tests: each test gets a fresh one, copied from a template that was migrated once per session."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg

_TEMPLATE = "stagebook_test_template"


@dataclass
class Databases:
    """Makes and drops databases on one server, as its superuser."""

    administration_url: str
    """Of any database of the server, except the template."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _migrated: bool = False

    def url(self, database: str) -> str:
        """The URL of another database of the same server."""
        return urlunsplit(urlsplit(self.administration_url)._replace(path=f"/{database}"))

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database with nothing in it; dropped afterwards, whoever is still connected."""
        with self._made("template0") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database with all migrations applied and no rows; dropped afterwards, whoever is still connected."""
        if not self._migrated:
            self._make_template()
            self._migrated = True
        with self._made(_TEMPLATE) as url:
            yield url

    @contextmanager
    def _made(self, template: str) -> Iterator[str]:
        name = f"stagebook_test_{next(self._numbers)}"
        with psycopg.connect(self.administration_url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())
            connection.execute(f"create database {name} template {template}".encode())
            try:
                yield self.url(name)
            finally:
                connection.execute(f"drop database {name} with (force)".encode())

    def _make_template(self) -> None:
        from infrastructure.postgres.migrate import migrate

        with psycopg.connect(self.administration_url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {_TEMPLATE} with (force)".encode())
            connection.execute(f"create database {_TEMPLATE} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'".encode())
        asyncio.run(migrate(self.url(_TEMPLATE)))
