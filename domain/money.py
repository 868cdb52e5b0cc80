"""Money: integer minor units and an ISO 4217 currency, never floats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Self

import msgspec

from domain.refusals import Invalid

_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK "
    "DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
    "USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: dict[str, int] = {
    currency: exponent
    for exponent, currencies in ((0, _NO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
    for currency in currencies.split()
}
"""Decimals of every currency in circulation (ISO 4217, January 2026; without funds codes, metals and test codes)."""

MAJOR_DIGITS = 15
"""Digits before the decimal point that the read model's `numeric(18,3)` holds."""

_LIMITS = {currency: 10 ** (MAJOR_DIGITS + exponent) for currency, exponent in EXPONENTS.items()}
_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


class UnknownCurrency(Invalid, rule="O5", pointer="/currency"):
    """{currency} is not an ISO 4217 currency in circulation."""


class InvalidAmount(Invalid, rule="O5"):
    """An amount is written like 120.00."""


class TooManyDecimals(Invalid, rule="O5"):
    """{amount} has more decimals than {currency} has: {decimals}."""


class AmountTooLarge(Invalid, rule="O5"):
    """Amounts in {currency} have at most 15 digits before the decimal point."""


class MixedCurrencies(Invalid, rule="O5"):
    """Amounts in {one} and {other} cannot be added or compared."""


def exponent(currency: str) -> int:
    """How many decimals a currency has: JPY 0, EUR 2, KWD 3. Raises `UnknownCurrency`."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def major_text(amount: int, currency: str) -> str:
    """Minor units as major units with all decimals of the currency: `120.00`, `-0.05`, `500` (JPY)."""
    decimals = EXPONENTS[currency]
    sign = "-" if amount < 0 else ""
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units (cents) of a currency (O5); it always fits the read model's `numeric(18,3)`.

    Raises `UnknownCurrency` and `AmountTooLarge` when made, `MixedCurrencies` when combined with another currency.
    """

    amount: int
    """Minor units; negative for what is owed the other way."""
    currency: str

    def __post_init__(self) -> None:
        limit = _LIMITS.get(self.currency)
        if limit is None:
            raise UnknownCurrency(currency=self.currency)
        if not -limit < self.amount < limit:
            raise AmountTooLarge(currency=self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read major units such as `"120.00"`. Raises `InvalidAmount`, `TooManyDecimals`."""
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise InvalidAmount
        sign, whole, fraction = match[1], match[2], match[3] or ""
        decimals = exponent(currency)
        if len(fraction) > decimals:
            raise TooManyDecimals(amount=text, currency=currency, decimals=decimals)
        if len(whole) > MAJOR_DIGITS and len(whole.lstrip("0")) > MAJOR_DIGITS:
            raise AmountTooLarge(currency=currency)
        return cls(int(sign + whole + fraction.ljust(decimals, "0")), currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """The sum of amounts that are all in `currency`; zero of none."""
        total = Money(0, currency)
        for part in parts:
            total += part
        return total

    @property
    def major(self) -> Decimal:
        """Major units, exactly: what the read models store."""
        return Decimal(str(self))

    def __str__(self) -> str:
        """Major units with all decimals of the currency: `120.00`, `-0.05`, `500` (JPY)."""
        return major_text(self.amount, self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._comparable(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._comparable(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._comparable(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._comparable(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._comparable(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._comparable(other)

    def __bool__(self) -> bool:
        """Whether it is anything but zero."""
        return self.amount != 0

    def fraction(self, numerator: int, denominator: int) -> Money:
        """`self * numerator / denominator`, half a minor unit rounded away from zero (EN 16931)."""
        product = self.amount * numerator
        sign = -1 if (product < 0) != (denominator < 0) else 1
        quotient, remainder = divmod(abs(product), abs(denominator))
        return Money(sign * (quotient + (2 * remainder >= abs(denominator))), self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split in proportion to `weights` by largest remainder: the parts sum to the whole, always (O6).

        Weights are not negative and not all zero. Of equal remainders the earlier part gets the unit; a negative amount
        is split like the positive one.
        """
        whole, total = abs(self.amount), sum(weights)
        if total <= 0 or min(weights) < 0:
            msg = "weights are not negative and not all zero"
            raise ValueError(msg)
        parts = [whole * weight // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: -(whole * weights[i] % total))
        for i in by_remainder[: whole - sum(parts)]:
            parts[i] += 1
        sign = -1 if self.amount < 0 else 1
        return [Money(sign * part, self.currency) for part in parts]

    def _comparable(self, other: Money) -> int:
        if other.currency != self.currency:
            raise MixedCurrencies(one=self.currency, other=other.currency)
        return other.amount
