"""Marking personal data on domain events and on aggregate state.

    customer_email: Personal[str | None, "customer"] = None

says: this text belongs to the person whose key id stands in the sibling field `customer` (from `unit.person`).
The codec stores it encrypted under that person's key; once the key is deleted the field reads `None`, which is why
every personal field admits `None`. To a type checker, `Personal` is `Annotated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

__all__ = ["Personal", "PersonalField"]


class PersonalField(NamedTuple):
    """What `Personal[...]` leaves behind on an annotation."""

    subject: str
    """Name of the sibling field that holds the person key id."""


if TYPE_CHECKING:
    from typing import Annotated as Personal
else:

    class Personal:
        """`Personal[str | None, "customer"]`: a text encrypted for the person in the field `customer`."""

        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            kind, subject = item
            return Annotated[kind, PersonalField(subject)]
