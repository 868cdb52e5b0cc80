"""Field types of what commands answer: texts, because a reply is the same whether the handler or the ledger gives it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

IdText = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
TimeText = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
MoneyText = Annotated[
    str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?(?!\n)$", description="Major units, with the currency's decimals", examples=["120.00"])
]
