"""Loading the demo: from its first step to its last, or from where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from client import NoAnswer, Problem, Stagebook, StagebookError, rows
from infrastructure.demo import begun as kept
from infrastructure.demo.begun import Begun, Company
from infrastructure.demo.company import founding, tell_company
from infrastructure.demo.places import tell_places
from infrastructure.demo.programme import tell_ends, tell_programme
from infrastructure.demo.sales import tell_sales
from infrastructure.demo.story import Story
from infrastructure.faults import Fault

Advance = Callable[[str, int, int], None]
"""Told what is worked at, how many parts of it are done, and of how many."""

_PARTS: Final = 6
_ID_TAKEN, _UNAUTHENTICATED, _NOT_SHOWN = "id_taken", "unauthenticated", "not_yet_projected"
"""Codes of problems."""


class NoApi(Fault):
    """Nobody answers at the URL."""


class NotLoaded(Fault):
    """The API did not take the demo."""

    exit_code = 1


class NoPlatformKey(Fault):
    """Only the platform's key makes organizations."""


async def load(url: str, platform_key: str, folder: Path, advance: Advance) -> Company:
    """Tell the whole demo to the API at this URL, and answer with its owner's key.

    `folder` keeps what it takes to go on after an interruption; when the key has been shown, `begun.forget` removes that.
    Raises `NoApi`, `NotLoaded`, `NoPlatformKey`.
    """
    try:
        begun = await _founded(url, platform_key, folder)
        advance("example organization", 1, _PARTS)
        async with Stagebook(url, begun.owner_key or "") as stagebook:
            await _tell(Story(stagebook, begun), advance)
            await _wait_until_shown(stagebook)
    except NoAnswer as error:
        message = f"{error}; is it running? (`stagebook up`)"
        raise NoApi(message) from None
    except StagebookError as error:
        message = f"the demo was not loaded: {error}"
        raise NotLoaded(message) from None
    return Company(organization_id=str(begun.organization_id), owner_key=begun.owner_key or "")


async def _tell(story: Story, advance: Advance) -> None:
    await tell_company(story)
    advance("example organization", 2, _PARTS)
    venues = await tell_places(story)
    advance("example organization", 3, _PARTS)
    shows = await tell_programme(story, venues)
    advance("example organization", 4, _PARTS)
    await tell_sales(story, shows)
    advance("example organization", 5, _PARTS)
    await tell_ends(story, shows)
    advance("example organization", 6, _PARTS)


async def _wait_until_shown(stagebook: Stagebook) -> None:
    """Whoever is given the key wants to look. A read model that is long in coming changes nothing about what was told."""
    try:
        await stagebook.page(rows.Organization)
    except Problem as problem:
        if problem.code != _NOT_SHOWN:
            raise


async def _founded(url: str, platform_key: str, folder: Path) -> Begun:
    """The organization with its owner's key: the one that was begun, or a new one."""
    begun = kept.read(folder, datetime.now(UTC))
    if begun is not None and begun.owner_key is not None and not await _knows(url, begun.owner_key):
        begun = None  # it was begun in another database
    while begun is None or begun.owner_key is None:
        if begun is None:
            begun = Begun(organization_id=uuid4(), at=datetime.now(UTC))
            kept.keep(folder, begun)
        if not platform_key:
            message = "the demo needs the platform key: --platform-key, or STAGEBOOK_PLATFORM_KEY"
            raise NoPlatformKey(message)
        owner_key = await _found(url, platform_key, begun)
        # Without a key it was founded before, by somebody who was interrupted before the key was kept: nobody can enter it, so another
        # one is founded in its place.
        begun = None if owner_key is None else msgspec.structs.replace(begun, owner_key=owner_key)
        if begun is not None:
            kept.keep(folder, begun)
    return begun


async def _knows(url: str, key: str) -> bool:
    async with Stagebook(url, key) as stagebook:
        try:
            await stagebook.page(rows.Organization)
        except Problem as problem:
            if problem.code == _UNAUTHENTICATED:
                return False
            raise
    return True


async def _found(url: str, platform_key: str, begun: Begun) -> str | None:
    """The key of the organization's owner; None when it was shown before."""
    async with Stagebook(url, platform_key) as platform:
        command = msgspec.structs.replace(founding(), id=begun.organization_id)
        try:
            return (await platform.send(command, idempotency_key=f"demo: {begun.organization_id}")).owner_key
        except Problem as problem:
            if problem.code == _ID_TAKEN:
                return None
            raise
