"""Normal forms of texts that must be unique: e-mail addresses and slugs."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

from domain.refusals import Invalid

SLUG_LENGTH = 60
"""Of derived slugs; leaves room for a suffix."""

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")
_FOLDED = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ł": "l", "þ": "th", "ð": "d", "ı": "i"})  # noqa: RUF001  # meant so


class InvalidEmail(Invalid, rule="O10", pointer="/email"):
    """This is not an e-mail address."""


def normalised_email(text: str) -> str:
    """The form in which an address is compared and stored: NFKC, lower case, the domain in ASCII (O10).

    What a provider may treat alike (dots, `+tags`) stays different: only the provider knows. Raises `InvalidEmail`.
    """
    local, at, domain = normalize("NFKC", text).strip().lower().rpartition("@")
    if not at or local.split() != [local]:
        raise InvalidEmail
    try:
        ascii_domain = domain.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidEmail from None
    if "." not in ascii_domain or ascii_domain.split() != [ascii_domain]:
        raise InvalidEmail
    return f"{local}@{ascii_domain}"


def slug_of(name: str) -> str:
    """A slug derived from a name: ASCII letters and digits, words joined by hyphens; empty when the name has none."""
    letters = normalize("NFKD", name.lower().translate(_FOLDED))
    ascii_letters = "".join(character for character in letters if not combining(character))
    return _NOT_IN_SLUG.sub("-", ascii_letters).strip("-")[:SLUG_LENGTH].rstrip("-")
