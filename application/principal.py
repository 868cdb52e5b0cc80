"""Who sends a command."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The sender, as far as the credential says; what it may do is decided in the unit, on the present state.

    Exactly one of these holds: an API key of an organization (`key_id` set); the platform (`organization_id` None), which
    makes, suspends and resumes organizations and does nothing else; the system (`system` names the policy or loop), which may do everything
    inside one organization.
    """

    organization_id: UUID | None = None
    key_id: UUID | None = None
    user_id: UUID | None = None
    system: str | None = None
    on_behalf_of: str | None = None

    @property
    def actor(self) -> str:
        """How the log names the sender: `user:<id>`, `key:<id>`, `system:<name>` or `platform`."""
        if self.system is not None:
            return f"system:{self.system}"
        if self.user_id is not None:
            return f"user:{self.user_id}"
        if self.key_id is not None:
            return f"key:{self.key_id}"
        return "platform"


PLATFORM = Principal()


def system(name: str, organization_id: UUID) -> Principal:
    """A policy or loop of this program, acting inside one organization."""
    return Principal(organization_id=organization_id, system=name)
