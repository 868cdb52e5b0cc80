from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

import projections.catalog  # noqa: F401  # every table
from projections.queries import NEWEST_FIRST, Condition, Select, Sort, View, fields, is_money, relations, shown, singular
from projections.queries.sql import cells, lines, one, page
from projections.schema import READ

ORGANIZATION = UUID(int=0xA)
_metadata = sa.MetaData(schema="read")
KEYS = sa.Table("api_keys", _metadata, sa.Column("id", sa.Uuid), sa.Column("hash", sa.Text), sa.Column("created_at", sa.DateTime))
CODES = sa.Table("codes", _metadata, sa.Column("id", sa.Uuid), sa.Column("event_id", sa.Uuid), sa.Column("least", sa.Numeric(18, 3)))
PLAIN = sa.Table("plain", _metadata, sa.Column("id", sa.Uuid), sa.Column("amount", sa.Numeric(18, 3)), sa.Column("rate", sa.Numeric(7, 4)))
OWN = (Condition("organization_id", "eq", ORGANIZATION),)
BY_ID = (Sort("id"),)


def test_values_are_parameters_and_never_text() -> None:
    evil = "'; drop table x; --"
    statement = page(Select(KEYS, (Condition("id", "eq", evil), *OWN), 7, BY_ID, after=(evil,)))
    assert statement.parameters == (evil, ORGANIZATION, evil)
    assert evil not in statement.text
    assert 't."id" = $1 and t."organization_id" = $2' in statement.text
    assert 't."id" > $3' in statement.text


def test_statements_of_one_shape_have_one_text() -> None:
    """So that the database plans them once."""
    other = (Condition("organization_id", "eq", UUID(int=1)),)
    assert page(Select(KEYS, OWN, 50)).text == page(Select(KEYS, other, 50)).text


def test_a_list_is_newest_first_and_its_order_total() -> None:
    assert 'order by t."created_at" desc, t."id" desc limit' in page(Select(KEYS, OWN, 1)).text
    assert NEWEST_FIRST[-1].column == "id"


def test_secrets_are_not_read_whatever_the_form() -> None:
    whole = Select(KEYS, OWN, None)
    for statement in (page(Select(KEYS, OWN, 1)), one(whole), cells(whole), lines(whole)):
        assert '"hash"' not in statement.text
    assert [column.name for column in shown(KEYS)] == ["id", "created_at"]


def test_a_secret_is_not_shown_in_an_expanded_row_either() -> None:
    users = READ.tables["read.users"]
    assert '"hash"' not in one(Select(users, OWN, None, (), view=View(expand=("api_keys",)))).text


def test_o5_amounts_take_their_currency_from_beside_them_from_the_event_or_from_the_organization() -> None:
    assert 'from "read".events v where v.id = t.event_id' in page(Select(CODES, OWN, 1)).text
    assert 'from "read".organizations o where o.id = t.organization_id' in page(Select(PLAIN, OWN, 1)).text
    assert not is_money(PLAIN.c.rate)


def test_a_currency_is_only_looked_up_where_an_amount_is_shown() -> None:
    assert "organizations o" not in page(Select(PLAIN, OWN, 1, view=View(fields=("id", "rate")))).text


@pytest.mark.parametrize("table", READ.tables.values(), ids=lambda table: table.name)
def test_every_column_but_lists_and_json_can_be_filtered_by_value(table: sa.Table) -> None:
    for field in fields(table).values():
        assert ("eq" in field.operators) == (field.kind not in (list, dict))
        assert ("is_null" in field.operators) == field.column.nullable


def test_relations_lead_to_what_a_row_refers_to_and_to_what_refers_to_it() -> None:
    found = relations(READ.tables["read.events"])
    assert {"venue", "created_by_user", "organization", "ticket_categories", "orders", "venue_bookings"} <= found.keys()
    assert not found["venue"].many
    assert found["ticket_categories"].many
    assert "events" not in relations(READ.tables["read.users"]), "an Event is not named after who made it"
    assert not relations(READ.tables["read.organizations"]), "everything refers to the organization"
    assert "ticket_categories" in relations(READ.tables["read.ticket_pools"]), "pool_id is named after ticket_pools"


def test_one_thing_of_a_table_is_called_in_the_singular() -> None:
    assert [singular(name) for name in ("ticket_categories", "orders", "status_changes")] == ["ticket_category", "order", "status_change"]
