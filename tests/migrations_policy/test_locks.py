"""The lock table against the server: what it says of a statement is what PostgreSQL does."""

import pytest
from django.db import connections

from migrations_policy.column_types import is_shorter, shape, widens
from migrations_policy.locks import MODES, Lock, seconds, statement_locks, who_waits
from migrations_policy.sql.parse import parse
from migrations_policy.trace import needs_autocommit
from tests.migrations_policy.workbench import Shop, record

STATEMENTS = [
    "ALTER TABLE shop_order ADD COLUMN gift boolean",
    "ALTER TABLE shop_order ADD COLUMN gift boolean DEFAULT false NOT NULL",
    "ALTER TABLE shop_order ADD COLUMN token uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE shop_order ADD COLUMN n bigserial",
    "ALTER TABLE shop_order ADD COLUMN n int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE shop_order ADD COLUMN n int GENERATED ALWAYS AS (number * 2) STORED",
    "ALTER TABLE shop_order ADD COLUMN payer bigint REFERENCES shop_customer (id)",
    "ALTER TABLE shop_order DROP COLUMN note",
    "ALTER TABLE shop_order ALTER COLUMN number TYPE bigint",
    "ALTER TABLE shop_order ALTER COLUMN note DROP NOT NULL",
    "ALTER TABLE shop_order ALTER COLUMN note SET DEFAULT ''",
    "ALTER TABLE shop_order ALTER COLUMN note SET NOT NULL",
    "ALTER TABLE shop_order ADD CONSTRAINT c CHECK (number > 0)",
    "ALTER TABLE shop_order ADD CONSTRAINT c CHECK (number > 0) NOT VALID",
    "ALTER TABLE shop_order ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES shop_customer NOT VALID",
    "ALTER TABLE shop_order ADD CONSTRAINT u UNIQUE (number)",
    "ALTER TABLE shop_order SET UNLOGGED",
    "ALTER TABLE shop_order SET TABLESPACE slow",
    "ALTER TABLE shop_order SET (fillfactor = 90)",
    "ALTER TABLE shop_order ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE shop_order RENAME TO orders",
    "ALTER TABLE shop_order RENAME COLUMN note TO remark",
    "CREATE INDEX i ON shop_order (status)",
    "CREATE UNIQUE INDEX i ON shop_order (number)",
    "REINDEX TABLE shop_order",
    "CLUSTER shop_order USING shop_order_pkey",
    "TRUNCATE shop_order",
    "CREATE TRIGGER t BEFORE UPDATE ON shop_order FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "UPDATE shop_order SET note = 'x'",
    "DELETE FROM shop_order WHERE id = 1",
    "CREATE TABLE t (order_id bigint REFERENCES shop_order (id))",
]
# Reading a row of it to check a key takes this on the parent too; it stops nobody.
WEAK = {"ACCESS SHARE", "ROW SHARE"}


@pytest.mark.parametrize("sql", STATEMENTS, ids=lambda sql: " ".join(sql.split()[2:6]))
def test_locks_and_work_are_as_measured(shop: Shop, sql: str) -> None:
    shop.query("UPDATE shop_order SET customer_id = NULL, note = ''")

    def run() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(sql)

    moment = record(shop, None, run)[-1]
    said = statement_locks(parse(sql)[0])

    for table in {"shop_order", "shop_customer"}:
        held = moment.modes(table) - WEAK
        strongest = max(held, key=MODES.index) if held else None
        claimed = next((lock.mode for lock in said if lock.table == table), None)
        renamed = "RENAME TO" in sql
        assert claimed == strongest or renamed
    works = {lock.table for lock in said if lock.work != "catalog"}
    measured = set(moment.works) - ({"shop_customer"} if "REFERENCES" in sql else set())
    if "TRUNCATE" not in sql and "REFERENCES" not in sql and "id = 1" not in sql:
        assert works == measured


CHANGES = {
    ("varchar(20)", "varchar(30)"): True,
    ("varchar(20)", "varchar"): True,
    ("varchar(20)", "text"): True,
    ("text", "varchar"): True,
    ("varchar(20)", "varchar(10)"): False,
    ("text", "varchar(10)"): False,
    ("integer", "bigint"): False,
    ("bigint", "integer"): False,
    ("numeric(10,2)", "numeric(12,2)"): True,
    ("numeric(10,2)", "numeric"): True,
    ("numeric(10,2)", "numeric(12,4)"): False,
    ("numeric(10,2)", "numeric(8,2)"): False,
    ("cidr", "inet"): True,
    ("inet", "cidr"): False,
    ("timestamptz(3)", "timestamptz(6)"): True,
    ("timestamptz(6)", "timestamptz(3)"): False,
    ("text", "jsonb"): False,
    ("date", "timestamp"): False,
}


@pytest.mark.full
@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_free_type_changes_are_free_on_the_server(shop: Shop, old: str, new: str) -> None:
    shop.query(f"ALTER TABLE shop_order ADD COLUMN value {old}")

    def run() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE shop_order ALTER COLUMN value TYPE {new} USING value::text::{new}"
                if (old, new) in {("inet", "cidr"), ("text", "jsonb")}
                else f"ALTER TABLE shop_order ALTER COLUMN value TYPE {new}"
            )

    moment = record(shop, None, run)[-1]

    assert CHANGES[old, new] == widens(old, new)
    assert widens(old, new) == (moment.rewritten == frozenset())


def test_shortening_is_told_apart() -> None:
    assert is_shorter("varchar(20)", "varchar(10)")
    assert is_shorter("text", "varchar(10)")
    assert not is_shorter("varchar(10)", "varchar(20)")
    assert not is_shorter("integer", "varchar(20)")
    assert shape("character varying(20)[]") == ("varchar[]", (20,))


def test_concurrent_and_vacuum_need_autocommit() -> None:
    outside = [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "VACUUM t",
    ]

    assert all(needs_autocommit(parse(sql)[0]) for sql in outside)
    assert not needs_autocommit(parse("CREATE INDEX i ON t (a)")[0])


def test_words_and_durations() -> None:
    assert who_waits("ACCESS EXCLUSIVE").startswith("every SELECT")
    assert who_waits("SHARE") == "every INSERT, UPDATE and DELETE"
    assert who_waits("SHARE UPDATE EXCLUSIVE").startswith("no query")
    assert seconds("catalog", 10**12) == 0.0
    assert seconds("rewrite", 600 * 10**6) == 10.0
    assert Lock("t", "SHARE").blocks_writes
    assert not Lock("t", "SHARE").blocks_reads
