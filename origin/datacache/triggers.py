"""Triggers that note which groups a change of rows concerns, whoever made it: raw SQL, COPY, psql.

    manage.py relay_changes --install shop.Product      # once, or RunPython in a migration
    manage.py relay_changes                             # a service: passes changes on

A trigger runs once a statement over the rows that changed, writes the names of their groups into a
table in the same transaction, and wakes the relay. Nothing is fetched by Django, neither before nor
after. The automatic many-to-many tables of the model get triggers too. PostgreSQL only.
"""

from __future__ import annotations

import contextlib
import string
from collections.abc import Callable, Container, Iterable
from typing import Any, Final, TypeAlias

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..model_groups import groups_of_model
from ..purge import MAX_NAMES
from ..written_values import plain_field

TABLE: Final = "twopass_changes"
CHANNEL: Final = "twopass_changes"
_EVENTS: Final = {
    "INSERT": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows",
    # before: afterwards nobody knows any more what was there
    "TRUNCATE": "BEFORE TRUNCATE ON {table}",
}


_Select: TypeAlias = Callable[[BaseDatabaseWrapper, type[models.Model], str], str]


class NoTrigger(ValueError):
    """A model whose groups a trigger cannot name; the message says why."""


def install(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    """Have changes of `model`'s rows noted; again, to bring it up to date. Raises NoTrigger."""
    if connection.vendor != "postgresql":
        raise NoTrigger(f"{connection.alias} is no PostgreSQL, which these triggers are for")
    with connection.cursor() as cursor:
        # a migration that comes later may make a table, and should then install once more
        there = connection.introspection.table_names(cursor)
        for statement in statements(connection, model, there):
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    """Take `model`'s triggers away, and those of many-to-many tables if the other side has none."""
    noted = installed(connection)
    others = noted - {model._meta.db_table}
    tables = [model, *_automatic_throughs(model)]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for found in tables:
            is_shared = any(end._meta.db_table in others for _, end in _ends(found))
            if found is not model and (found._meta.db_table not in noted or is_shared):
                continue
            for event in _EVENTS:
                name = quote(_trigger(event))
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {quote(found._meta.db_table)}")
            cursor.execute(f"DROP FUNCTION IF EXISTS {quote(_function(found))}()")


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables that have all triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = ANY(%s) GROUP BY c.relname HAVING count(*) = %s",
            [[_trigger(event) for event in _EVENTS], len(_EVENTS)],
        )
        return {name for (name,) in cursor.fetchall()}


def statements(
    connection: BaseDatabaseWrapper, model: type[models.Model], there: Container[str]
) -> Iterable[str]:
    """The SQL that `install` runs; tables of fields only if they are `there`. Raises NoTrigger."""
    if groups_of_model(model) is None:
        raise NoTrigger(f"{model.__name__} declares no groups (docs/invalidation.md)")
    yield (
        f"CREATE TABLE IF NOT EXISTS {TABLE} (id bigserial PRIMARY KEY, groups text[] NOT NULL,"
        " noted timestamptz NOT NULL DEFAULT now())"
    )
    yield from _on_table(connection, model, _select)
    for through in _automatic_throughs(model):
        if through._meta.db_table in there:
            yield from _on_table(connection, through, _select_sides)


def _on_table(
    connection: BaseDatabaseWrapper, model: type[models.Model], select: _Select
) -> Iterable[str]:
    quote = connection.ops.quote_name
    table, function = quote(model._meta.db_table), quote(_function(model))
    old, new = select(connection, model, "old_rows"), select(connection, model, "new_rows")
    branches = {
        "INSERT": new,
        "UPDATE": f"{old} UNION {new}",
        "DELETE": old,
        "TRUNCATE": select(connection, model, table),
    }
    # all names are quoted, and come from models; more names than that purge everything anyway
    body = " ".join(
        f"IF TG_OP = '{event}' THEN SELECT array_agg(g) INTO found"  # noqa: S608
        f" FROM ({names} LIMIT {MAX_NAMES + 1}) q; END IF;"
        for event, names in branches.items()
    )
    yield (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $twopass$"  # noqa: S608
        f" DECLARE found text[]; BEGIN {body} IF found IS NOT NULL THEN"
        f" INSERT INTO {TABLE} (groups) VALUES (found);"
        f" PERFORM pg_notify('{CHANNEL}', ''); END IF; RETURN NULL; END $twopass$"
    )
    for event, when in _EVENTS.items():
        name = quote(_trigger(event))
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield (
            f"CREATE TRIGGER {name} {when.format(table=table)}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def _select(connection: BaseDatabaseWrapper, model: type[models.Model], rows: str) -> str:
    """The names of the groups of `rows`, which are of `model`."""
    groups = groups_of_model(model)
    if groups is None or groups.functions:
        raise NoTrigger(
            f"{model.__name__} computes groups in Python (two_pass_groups is a method, or a "
            "function was declared), which a trigger cannot: name them by fields, such as "
            f"{model.__name__.lower() + ':{pk}'!r}, or call invalidate_groups() after raw SQL"
        )
    names = (_expression(connection, model, name) for name in groups.names)
    return " UNION ".join(
        f"SELECT {name} AS g FROM {rows} WHERE {name} IS NOT NULL"  # noqa: S608  # quoted below
        for name in names
    )


def _select_sides(connection: BaseDatabaseWrapper, through: type[models.Model], rows: str) -> str:
    """The names of the groups of both sides of `rows`, which are of an automatic table."""
    quote, selects = connection.ops.quote_name, []
    for field, end in _ends(through):
        table, key = quote(end._meta.db_table), quote(field.target_field.column)
        found = f"SELECT * FROM {table} WHERE {key} IN (SELECT {quote(field.column)} FROM {rows})"  # noqa: S608
        # what Python computes of the other side is refused when triggers for it are asked for
        with contextlib.suppress(NoTrigger):
            selects.append(_select(connection, end, f"({found}) side"))
    return " UNION ".join(selects)


def _automatic_throughs(model: type[models.Model]) -> Iterable[type[models.Model]]:
    """The tables that Django made for its many-to-many fields, from either side."""
    for relation in model._meta.get_fields(include_hidden=True):
        through: Any = relation.related_model
        if relation.auto_created and relation.one_to_many and through._meta.auto_created:
            yield through


def _ends(through: type[models.Model]) -> Iterable[tuple[Any, type[models.Model]]]:
    """The foreign keys of an automatic table, and the models with groups they point to."""
    for field in through._meta.local_concrete_fields:
        end = field.remote_field.model if field.remote_field else None
        if isinstance(end, type) and groups_of_model(end) is not None:
            yield field, end


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
