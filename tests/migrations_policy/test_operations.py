"""Safe operations on real PostgreSQL: forwards, back, and again after a crash half-way."""

import logging

import psycopg
import pytest
from django.db import NotSupportedError
from django.db.migrations.writer import MigrationWriter

from migrations_policy import operations
from migrations_policy.progress import Progress
from tests.migrations_policy.workbench import Shop, migration

UNIQUE = (
    'AddUniqueConcurrently("order", models.UniqueConstraint('
    'fields=["number"], name="number_unique"))'
)
INDEX = 'AddIndexConcurrently("order", models.Index(fields=["status"], name="status_idx"))'
CHECK = (
    'AddCheckNotValid("order", models.CheckConstraint('
    'condition=models.Q(number__gte=0), name="positive"))'
)
NOT_NULL = 'SetNotNullSafely("order", "note", models.TextField())'
FILL = 'BackfillInBatches("order", {"note": models.F("status")}, models.Q(note__isnull=True))'
LOOSE = (
    'migrations.AddField("order", "payer", models.ForeignKey("shop.customer", models.CASCADE, '
    'null=True, related_name="+", db_constraint=False, db_index=False))'
)
KEY = (
    'AddForeignKeyNotValid("order", "payer", models.ForeignKey("shop.customer", models.CASCADE, '
    'null=True, related_name="+"))'
)
VALIDATE = 'ValidateConstraint("order", field="payer")'
RENAME = 'RenameFieldSafely("order", "note", "remark")'
FINISH = 'FinishRenameField("order", "note", "remark")'
REMOVE = 'RemoveFieldSafely("order", "number")'
DROP = 'DropColumnSafely("shop_order", "number", "integer")'

CHAINS = {
    "unique": [UNIQUE],
    "unique field": ['SetUniqueSafely("order", "number", models.IntegerField(unique=True))'],
    "index": [INDEX],
    "check": [CHECK, 'ValidateConstraint("order", "positive")'],
    "not null": [FILL, NOT_NULL],
    "foreign key": [LOOSE, KEY, VALIDATE],
    "rename": [RENAME, FINISH],
    "update": ['UpdateInBatches("shop_order", "note = \'x\'", "note IS NULL")'],
    "remove model": [
        'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), '
        '("order", models.ForeignKey("shop.order", models.CASCADE))])',
        'RemoveModelSafely("Tag")',
    ],
}


def write(shop: Shop, *steps: str) -> list[str]:
    return [
        shop.write(f"{n:04}_step", migration(step, atomic=False))
        for n, step in enumerate(steps, start=2)
    ]


def schema(shop: Shop) -> str:
    """Return columns, constraints and indexes of the tables as text, for comparison."""
    return str(
        shop.query(
            "SELECT string_agg(line, chr(10) ORDER BY line) FROM ("
            "SELECT format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, "
            "attnotnull) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE "
            "relname LIKE 'shop_%' AND relkind = 'r') AND attnum > 0 AND NOT attisdropped "
            "UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE conrelid::regclass::text LIKE 'shop_%' "
            "UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'shop_%'"
            ") AS lines(line)"
        )
    )


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_forwards_back_and_again(shop: Shop, chain: list[str]) -> None:
    names = write(shop, *chain)
    before = schema(shop)

    shop.migrate(names[-1])
    after = schema(shop)
    shop.migrate("0001_initial")
    assert schema(shop) == before

    shop.migrate(names[-1])
    assert schema(shop) == after


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_every_statement_may_be_the_last_before_a_crash(shop: Shop, chain: list[str]) -> None:
    """Break off after the first, second, … statement of the last step; a new run completes it."""
    names = write(shop, *chain)
    if len(names) > 1:
        shop.migrate(names[-2])
    for survivors in range(4):
        count = 0

        def crash(execute, sql, params, many, context, survivors=survivors):  # type: ignore[no-untyped-def]
            nonlocal count
            if str(sql).lstrip().startswith(("ALTER", "CREATE", "DROP", "UPDATE")):
                if count == survivors:
                    raise RuntimeError("power cut")
                count += 1
            return execute(sql, params, many, context)

        with shop.connection.execute_wrapper(crash):
            try:
                shop.migrate(names[-1])
            except RuntimeError:
                continue
            break
    shop.connection.close()
    shop.migrate(names[-1])
    assert shop.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


def test_an_invalid_index_is_dropped_and_rebuilt(shop: Shop) -> None:
    (name,) = write(shop, INDEX)
    shop.query(
        "CREATE INDEX status_idx ON shop_order (number); "
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'status_idx'::regclass"
    )

    shop.migrate(name)

    definition = shop.query("SELECT pg_get_indexdef('status_idx'::regclass)")
    assert "(status)" in definition
    assert shop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'status_idx'::regclass")


def test_both_names_stay_equal_during_a_rename(shop: Shop) -> None:
    rename, finish = write(shop, RENAME, FINISH)
    shop.query("UPDATE shop_order SET note = 'n' || id")
    shop.migrate(rename)
    assert shop.query("SELECT count(*) FROM shop_order WHERE remark IS DISTINCT FROM note") == 0

    shop.query("UPDATE shop_order SET note = 'by old code' WHERE id = 1")
    assert shop.query("SELECT remark FROM shop_order WHERE id = 1") == "by old code"
    shop.query("UPDATE shop_order SET remark = 'by new code' WHERE id = 1")
    assert shop.query("SELECT note FROM shop_order WHERE id = 1") == "by new code"
    insert = (
        "INSERT INTO shop_order (number, status, total, {}) VALUES (1, 'n', 1, 'x') RETURNING {}"
    )
    assert shop.query(insert.format("note", "remark")) == "x"
    assert shop.query(insert.format("remark", "note")) == "x"

    shop.migrate(finish)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        shop.query("SELECT note FROM shop_order")
    assert shop.query("SELECT remark FROM shop_order WHERE id = 1") == "by new code"


def test_a_removed_field_lets_both_releases_insert(shop: Shop) -> None:
    remove, drop = write(shop, REMOVE, DROP)

    shop.migrate(remove)
    shop.query("INSERT INTO shop_order (number, status, total) VALUES (7, 'old', 1)")
    shop.query("INSERT INTO shop_order (status, total) VALUES ('new', 1)")
    with pytest.raises(ValueError, match="has rows written without it"):
        shop.migrate("0001_initial")
    shop.query("UPDATE shop_order SET number = 0 WHERE number IS NULL")
    shop.migrate("0001_initial")

    shop.migrate(drop)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        shop.query("SELECT number FROM shop_order")


def test_backfill_goes_on_at_its_bookmark(shop: Shop) -> None:
    step = 'BackfillInBatches("order", {"number": models.F("number") + 100000}, batch_size=500)'
    (name,) = write(shop, step)
    batches = 0

    def crash(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal batches
        if str(sql).startswith('UPDATE "shop_order"'):
            batches += 1
            if batches == 3:
                raise RuntimeError("power cut")
        return execute(sql, params, many, context)

    with shop.connection.execute_wrapper(crash), pytest.raises(RuntimeError):
        shop.migrate(name)
    shop.connection.close()
    assert shop.query("SELECT count(*) FROM shop_order WHERE number > 100000") == 1000

    shop.migrate(name)
    # Every row was raised once, none twice, although the update is not idempotent.
    assert shop.query("SELECT count(*) FROM shop_order WHERE number > 100000") == 2000
    assert shop.query("SELECT max(number) FROM shop_order") == 102000


def test_a_backfill_tells_how_far_it_is(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "migrations_policy")
    (name,) = write(shop, 'BackfillInBatches("order", {"note": lambda: "x"}, batch_size=500)')

    shop.migrate(name)

    assert "shop.order: note: 500 of 2000 (25 %)" in caplog.text
    assert "shop.order: note: 2000 done" in caplog.text
    assert shop.query("SELECT count(*) FROM shop_order WHERE note = 'x'") == 2000


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("notes", 200)
    progress._is_terminal = True
    progress.advance(100)
    progress.finish(200)

    assert f"notes [{'#' * 15}{' ' * 15}]  50% 100" in capsys.readouterr().err


@pytest.mark.parametrize("step", [UNIQUE, INDEX, NOT_NULL, FILL, RENAME, FINISH])
def test_an_atomic_migration_is_refused_with_a_reason(shop: Shop, step: str) -> None:
    setup = [RENAME] if step is FINISH else []
    names = write(shop, *setup)
    if names:
        shop.migrate(names[-1])
    name = shop.write("0009_bad", migration(step))

    with pytest.raises(NotSupportedError, match="set atomic = False on the migration"):
        shop.migrate(name)


def test_rename_refuses_what_it_cannot_carry_over(shop: Shop) -> None:
    index, rename = write(
        shop,
        'migrations.AddIndex("order", models.Index(fields=["note"], name="note_idx"))',
        RENAME,
    )
    shop.migrate(index)

    with pytest.raises(ValueError, match="note_idx covers note: drop it before the rename"):
        shop.migrate(rename)


def test_wrong_constraints_are_refused() -> None:
    from django.db import models

    check = models.CheckConstraint(condition=models.Q(a=1), name="c")
    with pytest.raises(TypeError, match="takes a UniqueConstraint"):
        operations.AddUniqueConcurrently("order", check)  # type: ignore[arg-type]
    late = models.UniqueConstraint(fields=["a"], name="u", deferrable=models.Deferrable.DEFERRED)
    with pytest.raises(ValueError, match="deferrable"):
        operations.AddUniqueConcurrently("order", late)
    with pytest.raises(TypeError, match="name or a field"):
        operations.ValidateConstraint("order")


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_operations_can_be_written_into_migrations(shop_files: Shop, chain: list[str]) -> None:
    """Deconstruct and construct again, as squashmigrations does."""
    from django.db.migrations.loader import MigrationLoader

    names = write(shop_files, *chain)
    with shop_files.in_use():
        loader = MigrationLoader(None)
        for name in names:
            module = loader.disk_migrations["shop", name]
            text = MigrationWriter(module).as_string()
            assert type(module.operations[0]).__name__ in text
