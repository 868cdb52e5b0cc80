r"""Field types of commands: every one is bounded, so that absurd input is refused by validation, with a JSON pointer.

Numbers stay within PostgreSQL's integer. Patterns are read by Python and by JSON Schema's ECMA 262 alike: digits are
`[0-9]`, and a pattern ends with `(?!\n)$`, because Python's `$` also matches before a last newline.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", description="A name, not blank")]
ShortText = Annotated[str, Meta(max_length=500)]
LongText = Annotated[str, Meta(max_length=20_000)]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S", description="Why, in words; no personal data")]
Label = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S")]
"""A short text of a list: a tag, a skill, an amenity."""

Slug = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=80,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*(?!\n)$",
        description="Lower-case words joined by hyphens",
        examples=["harbour-lights"],
    ),
]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$", examples=["ada@harbour.example"])]
Phone = Annotated[str, Meta(max_length=40, pattern=r"^[0-9+()/. -]+(?!\n)$", examples=["+49 40 1234567"])]
Url = Annotated[str, Meta(max_length=2_000, pattern=r"^https?://\S+(?!\n)$", examples=["https://harbour.example/lights"])]

CurrencyCode = Annotated[str, Meta(min_length=3, max_length=3, pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217", examples=["EUR"])]
Amount = Annotated[
    str,
    Meta(
        max_length=16,
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?(?!\n)$",
        description="Major units, not negative, with at most the currency's decimals",
        examples=["120.00"],
    ),
]
Percentage = Annotated[
    str,
    Meta(max_length=6, pattern=r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)(?!\n)$", description="0 to 100", examples=["12.5"]),
]

Quantity = Annotated[int, Meta(ge=1, le=100_000, description="How many of one thing in one command")]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000_000, description="Persons or places, at least one")]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
SortOrder = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]

TimeZoneName = Annotated[
    str,
    Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+(?!\n)$", description="IANA time zone", examples=["Europe/Berlin"]),
]
Time = Annotated[
    str,
    Meta(
        max_length=32,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?(?!\n)$",
        description="ISO 8601: with an offset, or local in the time zone of the Event or venue",
        examples=["2027-06-12T19:30", "2027-06-12T19:30:00+02:00"],
    ),
]

Id = UUID
Ids = Annotated[tuple[UUID, ...], Meta(max_length=1_000)]
Labels = Annotated[tuple[Label, ...], Meta(max_length=100)]
Urls = Annotated[tuple[Url, ...], Meta(max_length=100)]
Json = Annotated[dict[str, Any], Meta(max_length=200, description="A JSON object; kept as it is")]
JsonList = Annotated[
    tuple[Annotated[dict[str, Any], Meta(description="A JSON object; kept as it is")], ...],
    Meta(max_length=200),
]
