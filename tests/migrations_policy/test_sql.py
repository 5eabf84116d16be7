"""The adapter over the parser: statements as values."""

import pytest

from migrations_policy.sql.parse import parse, tables_of
from migrations_policy.sql.statement import TypeName

KINDS = {
    "ALTER TABLE a RENAME TO b": "rename-table",
    "ALTER TABLE a RENAME COLUMN x TO y": "rename-column",
    "ALTER TABLE a RENAME CONSTRAINT x TO y": "rename-constraint",
    "ALTER SCHEMA a RENAME TO b": "rename-schema",
    "ALTER INDEX i RENAME TO j": "rename-index",
    "ALTER TYPE t RENAME TO u": "rename-type",
    "ALTER TYPE t ADD VALUE 'x'": "alter-enum",
    "CREATE TYPE t AS ENUM ('x')": "create-enum",
    "CREATE DOMAIN d AS text CHECK (VALUE <> '')": "create-domain",
    "DROP TABLE IF EXISTS a, b CASCADE": "drop-table",
    "DROP SCHEMA s": "drop-schema",
    "DROP DATABASE d": "drop-database",
    "TRUNCATE a": "truncate",
    "VACUUM FULL a": "vacuum-full",
    "VACUUM a": "vacuum",
    "ANALYZE a": "analyze",
    "CLUSTER a": "cluster",
    "REINDEX INDEX i": "reindex",
    "BEGIN": "transaction",
    "SET lock_timeout = '2s'": "set",
    "DO $$ BEGIN END $$": "do",
    "CREATE EXTENSION hstore": "create-extension",
    "CREATE POLICY p ON a": "create-policy",
    "SELECT f(1)": "select",
    "COMMENT ON TABLE a IS 'x'": "comment",
    "NONSENSE": "unparsed",
}


@pytest.mark.parametrize(("sql", "kind"), KINDS.items())
def test_kinds(sql: str, kind: str) -> None:
    (statement,) = parse(sql)

    assert statement.kind == kind
    assert statement.text == sql


def test_several_statements_and_characters_outside_ascii() -> None:
    first, second = parse("UPDATE a SET x = 'größer'; DROP INDEX CONCURRENTLY IF EXISTS größe;")

    assert first.text == "UPDATE a SET x = 'größer'"
    assert (second.name, second.concurrently, second.if_exists) == ("größe", True, True)


def test_columns_with_types_defaults_and_constraints() -> None:
    (statement,) = parse(
        "ALTER TABLE s.a ADD COLUMN IF NOT EXISTS x numeric(10, 2)[] DEFAULT f(g(1)) NOT NULL "
        "REFERENCES b (id) CHECK (x IS NOT NULL)"
    )
    (action,) = statement.actions
    column = action.column

    assert (statement.schema, statement.table, action.if_exists) == ("s", "a", True)
    assert column is not None
    assert column.type == TypeName("numeric", (10, 2), is_array=True)
    assert str(column.type) == "numeric(10, 2)[]"
    assert column.default is not None
    assert set(column.default.functions) == {"f", "g"}
    assert [c.kind for c in column.constraints] == ["foreign-key", "check"]
    assert column.constraints[0].references == "b"


BOUNDS = {
    "UPDATE a SET x = 1": False,
    "UPDATE a SET x = 1 WHERE y IS NULL": False,
    "UPDATE a SET x = 1 WHERE id BETWEEN 1 AND 100": True,
    "UPDATE a SET x = 1 WHERE id > 5 AND id <= 10": True,
    "UPDATE a SET x = 1 WHERE id = 5": True,
    "UPDATE a SET x = 1 WHERE id IN (SELECT id FROM a WHERE x IS NULL LIMIT 100)": True,
    "DELETE FROM a": False,
    "INSERT INTO a VALUES (1)": True,
    "INSERT INTO a SELECT * FROM b": False,
}


@pytest.mark.parametrize(("sql", "limited"), BOUNDS.items())
def test_data_changes_know_whether_they_are_bounded(sql: str, limited: bool) -> None:
    (statement,) = parse(sql)

    assert statement.is_data_change
    assert statement.is_limited is limited


def test_tables_of_a_query() -> None:
    assert tables_of("SELECT 1 FROM a JOIN b ON true WHERE id IN (SELECT id FROM c)") == (
        {"a", "b", "c"},
        False,
    )
    assert tables_of("UPDATE a SET x = $1") == ({"a"}, True)
    assert tables_of("nonsense") == (frozenset(), False)
