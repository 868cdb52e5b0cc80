"""The names under which tables of the read model are served."""

from __future__ import annotations

from projections.queries import singular

SHORT_NAMES = {
    "sponsorship_deals": "deals",
    "sponsor_prospects": "prospects",
    "sponsor_onboarding_steps": "onboarding-steps",
    "sponsor_activations": "activations",
    "deal_proposals": "proposals",
}


def collection(table: str) -> str:
    """The table's place below `/v1/`: its short name, else its own name in kebab-case."""
    return SHORT_NAMES.get(table) or table.replace("_", "-")


def collections(table: str) -> list[str]:
    """Every name that the table is served under."""
    return sorted({collection(table), table.replace("_", "-")})


def parameter(table: str) -> str:
    """The path parameter that names a row of the table, as commands on it call it: `ticket_category_id`, `deal_id`."""
    return f"{singular(collection(table).replace('-', '_'))}_id"
