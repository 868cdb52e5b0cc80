"""Normal forms of e-mail addresses and slugs (O10)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.text import SLUG_LENGTH, InvalidEmail, normalised_email, slug_of


@pytest.mark.parametrize("text", ["Ada@Harbour.Example", " ada@harbour.example ", "ADA@HARBOUR.EXAMPLE.", "\uff41da@harbour.example"])
def test_o10_spellings_of_one_address_are_one(text: str) -> None:
    assert normalised_email(text) == "ada@harbour.example"


def test_o10_a_domain_is_the_same_in_unicode_and_in_ascii() -> None:
    assert normalised_email("ada@hafenbühne.example") == normalised_email("ada@xn--hafenbhne-v9a.example")


@pytest.mark.parametrize(
    "text", ["", "ada", "@harbour.example", "ada@", "ada@harbour", "ada@har bour.example", "a da@harbour.example", "ada@..example"]
)
def test_o10_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        normalised_email(text)


@given(st.emails())
def test_o10_a_normal_form_stays_as_it_is(address: str) -> None:
    try:
        normal = normalised_email(address)
    except InvalidEmail:
        return
    assert normalised_email(normal) == normal


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Harbour Lights 2027", "harbour-lights-2027"), ("Fête de l'Été — Straße", "fete-de-l-ete-strasse"), ("  ", ""), ("音楽祭", "")],
)
def test_slugs_are_derived_from_names(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text(max_size=300))
def test_a_derived_slug_is_a_slug(name: str) -> None:
    slug = slug_of(name)
    assert slug == "" or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= SLUG_LENGTH
