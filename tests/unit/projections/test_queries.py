from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from projections.queries import NEWEST_FIRST, Condition, Select, Sort, is_money, shown, sql

ORGANIZATION = UUID(int=0xA)
_metadata = sa.MetaData(schema="read")
KEYS = sa.Table("api_keys", _metadata, sa.Column("id", sa.Uuid), sa.Column("hash", sa.Text), sa.Column("created_at", sa.DateTime))
CODES = sa.Table("codes", _metadata, sa.Column("id", sa.Uuid), sa.Column("event_id", sa.Uuid), sa.Column("least", sa.Numeric(18, 3)))
PLAIN = sa.Table("plain", _metadata, sa.Column("id", sa.Uuid), sa.Column("amount", sa.Numeric(18, 3)), sa.Column("rate", sa.Numeric(7, 4)))
OWN = (Condition("organization_id", "=", ORGANIZATION),)


def test_values_are_parameters_and_never_text() -> None:
    evil = "'; drop table x; --"
    statement = sql(Select(KEYS, (Condition("id", "=", evil), *OWN), 7, after=("a", evil)))
    assert statement.parameters == (evil, ORGANIZATION, "a", evil, 7)
    assert evil not in statement.text
    assert 't."id" = $1 and t."organization_id" = $2 and (t."created_at", t."id") < ($3, $4)' in statement.text
    assert "limit $5" in statement.text


def test_statements_of_one_shape_have_one_text() -> None:
    """So that the database plans them once."""
    other = (Condition("organization_id", "=", UUID(int=1)),)
    assert sql(Select(KEYS, OWN, 1)).text == sql(Select(KEYS, other, 50)).text


def test_rows_are_ordered_inside_and_outside_of_the_page() -> None:
    text = sql(Select(KEYS, OWN, 1)).text
    assert 'order by t."created_at" desc, t."id" desc limit' in text
    assert text.endswith('order by r."created_at" desc, r."id" desc')
    assert NEWEST_FIRST[-1].column == "id"


def test_an_ascending_page_goes_on_upwards() -> None:
    statement = sql(Select(KEYS, OWN, 1, sort=(Sort("id"),), after=("x",)))
    assert '(t."id") > ($2)' in statement.text


def test_secrets_are_not_read() -> None:
    assert '"hash"' not in sql(Select(KEYS, OWN, 1)).text
    assert [column.name for column in shown(KEYS)] == ["id", "created_at"]


def test_o5_amounts_take_their_currency_from_beside_them_from_the_event_or_from_the_organization() -> None:
    assert 'from "read".events e where e.id = t.event_id' in sql(Select(CODES, OWN, 1)).text
    assert 'from "read".organizations o where o.id = t.organization_id' in sql(Select(PLAIN, OWN, 1)).text
    assert not is_money(PLAIN.c.rate)
