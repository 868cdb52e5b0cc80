"""Money: minor units, exponents, splits (O5, O6)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.money import (
    EXPONENTS,
    AmountTooLarge,
    InvalidAmount,
    MixedCurrencies,
    Money,
    TooManyDecimals,
    UnknownCurrency,
)

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.integers(-(10**14), 10**14)
moneys = st.builds(Money, amounts, currencies)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("120.00", "EUR", 12000),
        ("120", "EUR", 12000),
        ("0.5", "EUR", 50),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("-0.05", "USD", -5),
    ],
)
def test_o5_amounts_are_integer_minor_units(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).amount == minor


@pytest.mark.parametrize(("text", "currency"), [("1.001", "EUR"), ("1.0", "JPY"), ("1.2345", "KWD")])
def test_o5_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(TooManyDecimals):
        Money.parse(text, currency)


@pytest.mark.parametrize("text", ["", "1,5", "1e3", "abc", ".5", "5.", "١٢", "1.0\n", "NaN", "+1", "--1"])
def test_o5_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, "EUR")


def test_o5_unknown_currencies_are_refused() -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, "XXX")
    with pytest.raises(UnknownCurrency):
        Money.parse("1", "eur")


@given(currencies)
def test_o5_every_amount_fits_the_read_model(currency: str) -> None:
    """`numeric(18,3)` holds 15 digits before the point."""
    assert abs(Money.parse("9" * 15, currency).major) < 10**15
    with pytest.raises(AmountTooLarge):
        Money.parse("1" + "0" * 15, currency)
    with pytest.raises(AmountTooLarge):
        Money.parse("9" * 5000, currency)
    with pytest.raises(AmountTooLarge):
        Money.parse("9" * 15, currency) * 2


@given(moneys, moneys)
def test_o5_mixed_currencies_are_refused(one: Money, other: Money) -> None:
    assume(one.currency != other.currency)
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(MixedCurrencies):
            combine(one, other)
    assert one != other


@given(moneys)
def test_o5_text_and_amount_are_the_same(money: Money) -> None:
    assert Money.parse(str(money), money.currency) == money
    assert money.major == Decimal(money.amount) / 10 ** EXPONENTS[money.currency]


@given(moneys, st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_o6_parts_sum_to_the_whole(money: Money, weights: list[int]) -> None:
    assume(sum(weights))
    parts = money.allocate(weights)
    assert sum(part.amount for part in parts) == money.amount
    assert len(parts) == len(weights)


@given(moneys, st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_o6_no_part_is_a_whole_unit_off_its_share(money: Money, weights: list[int]) -> None:
    assume(sum(weights))
    for part, weight in zip(money.allocate(weights), weights, strict=True):
        assert abs(part.amount * sum(weights) - money.amount * weight) < sum(weights)


def test_o6_the_largest_remainder_gets_the_unit() -> None:
    def amounts(parts: list[Money]) -> list[int]:
        return [part.amount for part in parts]

    assert amounts(Money(100, "EUR").allocate([1, 1, 1])) == [34, 33, 33]
    assert amounts(Money(-100, "EUR").allocate([1, 1, 1])) == [-34, -33, -33]
    assert amounts(Money(10, "EUR").allocate([6, 3, 1, 0])) == [6, 3, 1, 0]
    assert amounts(Money(7, "EUR").allocate([10, 50, 40])) == [1, 3, 3]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 2]])
def test_o6_weights_are_a_split(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "EUR").allocate(weights)


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "result"), [(1, 1, 2, 1), (-1, 1, 2, -1), (149, 1, 100, 1), (150, 1, 100, 2)]
)
def test_o5_halves_are_rounded_away_from_zero(amount: int, numerator: int, denominator: int, result: int) -> None:
    assert Money(amount, "EUR").fraction(numerator, denominator) == Money(result, "EUR")
