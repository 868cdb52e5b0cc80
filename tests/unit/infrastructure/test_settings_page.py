"""The settings describe themselves, and the page of the documentation says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure import settings_page
from infrastructure.settings import Settings, described, variable

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_every_setting_is_described() -> None:
    assert [doc.field for doc in described()] == list(Settings.__struct_fields__)
    for doc in described():
        assert doc.variable == variable(doc.field)
        assert doc.meaning.endswith("."), f"the meaning of {doc.field} is no sentence"
        assert doc.values


@pytest.mark.parametrize("field", ["database_url", "master_key", "metrics_token"])
def test_what_must_not_be_shown_is_marked_secret(field: str) -> None:
    assert [doc.secret for doc in described() if doc.field == field] == [True]


def test_a_default_as_it_is_described_can_be_set() -> None:
    environment = {doc.variable: doc.default for doc in described()}
    assert Settings.load(environment) == Settings()


def test_the_page_of_the_documentation_is_what_the_definition_says() -> None:
    assert PAGE.read_text() == settings_page.page(), "stale: python -m infrastructure.settings_page > docs/settings.md"
