"""Triggers that note which groups a change of rows concerns, whoever made it: raw SQL, COPY, psql.

    manage.py relay_changes --install shop.Product      # once, or RunPython in a migration
    manage.py relay_changes                             # a service: passes changes on

A trigger runs once a statement over the rows that changed, writes the names of their groups into a
table in the same transaction, and wakes the relay. Nothing is fetched by Django, neither before nor
after. PostgreSQL only.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..model_groups import ModelGroups, groups_of_model
from ..written_values import plain_field

TABLE: Final = "twopass_changes"
CHANNEL: Final = "twopass_changes"
_EVENTS: Final = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


class NoTrigger(ValueError):
    """A model whose groups a trigger cannot name; the message says why."""


def install(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    """Have changes of `model`'s rows noted; again, to bring it up to date. Raises NoTrigger."""
    if connection.vendor != "postgresql":
        raise NoTrigger(f"{connection.alias} is no PostgreSQL, which these triggers are for")
    with connection.cursor() as cursor:
        for statement in statements(connection, model):
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    """Take `model`'s triggers away."""
    quote, function = connection.ops.quote_name, _function(model)
    with connection.cursor() as cursor:
        for event in _EVENTS:
            name = quote(_trigger(event))
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {quote(model._meta.db_table)}")
        cursor.execute(f"DROP FUNCTION IF EXISTS {quote(function)}()")


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables that have all triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = ANY(%s) GROUP BY c.relname HAVING count(*) = %s",
            [[_trigger(event) for event in _EVENTS], len(_EVENTS)],
        )
        return {name for (name,) in cursor.fetchall()}


def statements(connection: BaseDatabaseWrapper, model: type[models.Model]) -> Iterable[str]:
    """The SQL that `install` runs. Raises NoTrigger."""
    quote, groups = connection.ops.quote_name, groups_of_model(model)
    table, function = quote(model._meta.db_table), quote(_function(model))
    if groups is None:
        raise NoTrigger(f"{model.__name__} declares no groups (docs/invalidation.md)")
    selects = {rows: _select(connection, groups, rows) for rows in ("old_rows", "new_rows")}
    branches = {
        "INSERT": selects["new_rows"],
        "UPDATE": f"{selects['old_rows']} UNION {selects['new_rows']}",
        "DELETE": selects["old_rows"],
    }
    yield (
        f"CREATE TABLE IF NOT EXISTS {TABLE} (id bigserial PRIMARY KEY, groups text[] NOT NULL,"
        " noted timestamptz NOT NULL DEFAULT now())"
    )
    # all names are quoted, and come from models
    body = " ".join(
        f"IF TG_OP = '{event}' THEN SELECT array_agg(g) INTO found FROM ({select}) q; END IF;"  # noqa: S608
        for event, select in branches.items()
    )
    yield (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $twopass$"  # noqa: S608
        f" DECLARE found text[]; BEGIN {body} IF found IS NOT NULL THEN"
        f" INSERT INTO {TABLE} (groups) VALUES (found);"
        f" PERFORM pg_notify('{CHANNEL}', ''); END IF; RETURN NULL; END $twopass$"
    )
    for event, transition in _EVENTS.items():
        name = quote(_trigger(event))
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield (
            f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {transition}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def _select(connection: BaseDatabaseWrapper, groups: ModelGroups, rows: str) -> str:
    if groups.functions:
        raise NoTrigger(
            f"{groups.model.__name__} computes groups in Python, which a trigger cannot: name them "
            "by fields"
        )
    names = (_expression(connection, groups.model, name) for name in groups.names)
    return " UNION ".join(
        f"SELECT {name} AS g FROM {rows} WHERE {name} IS NOT NULL"  # noqa: S608  # quoted below
        for name in names
    )


def _expression(connection: BaseDatabaseWrapper, model: type[models.Model], name: str) -> str:
    parts = []
    for text, field, spec, conversion in string.Formatter().parse(name):
        if text:
            parts.append("'" + text.replace("'", "''") + "'")
        if field is None:
            continue
        if spec or conversion:
            raise NoTrigger(f"{model.__name__}: {name!r} formats {field!r}; a trigger cannot")
        parts.append(f"{connection.ops.quote_name(_column(model, field, name))}::text")
    return "(" + " || ".join(parts) + ")"


def _column(model: type[models.Model], attribute: str, name: str) -> str:
    for field in model._meta.local_concrete_fields:
        is_key = attribute == "pk" and field.primary_key
        if (is_key or attribute == field.attname) and plain_field(field) is not None:
            return str(field.column)
    raise NoTrigger(
        f"{model.__name__}: {name!r} holds {attribute!r}, whose text in SQL is not Python's; name "
        "groups by keys, numbers and texts of the table itself"
    )


def _function(model: type[models.Model]) -> str:
    return f"twopass_note_{model._meta.db_table}"[:63]


def _trigger(event: str) -> str:
    return f"twopass_{event.lower()}"
