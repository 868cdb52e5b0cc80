"""Slugs: taken as they were sent, or derived from a name until one is free (O10)."""

from __future__ import annotations

from uuid import UUID, uuid5

from application.unit import Scope, Unit
from domain.refusals import Conflict
from domain.text import slug_of


class SlugTaken(Conflict, rule="O10", pointer="/slug"):
    """The slug {key} is in use."""


def claim_slug(unit: Unit, scope: Scope, wanted: str | None, *, name: str, owner: UUID) -> str:
    """Take the slug that was asked for, or be refused with `SlugTaken`; without one, derive a free one from `name`."""
    if wanted is not None:
        unit.claim(scope, wanted, owner)
        return wanted
    words = slug_of(name)
    suffix = "" if words and not unit.attempt else uuid5(owner, f"slug {unit.attempt}").hex[:8]
    slug = "-".join(filter(None, (words, suffix)))
    unit.claim(scope._replace(refusal=None), slug, owner)
    return slug
