"""What rules make of a real database: versions, sizes, heat, columns; and what they assume."""

import pytest

from migrations_policy.database import assumed_database, read_database
from migrations_policy.facts import Database
from migrations_policy.linter import lint
from migrations_policy.plan import Scope, load_plan
from migrations_policy.settings import Settings
from tests.migrations_policy.workbench import ROWS, Shop, migration

INDEX = 'migrations.AddIndex("order", models.Index(fields=["status"], name="status_idx"))'
NOT_NULL = 'migrations.AlterField("order", "note", models.TextField())'
GENERATED = (
    'migrations.AddField("order", "doubled", models.GeneratedField(expression='
    'models.F("number") * 2, output_field=models.IntegerField(), db_persist=True))'
)


def rules(shop: Shop, database: Database, settings: Settings | None = None) -> set[str]:
    with shop.in_use():
        plan = load_plan(Scope(frozenset({"shop"})))
    return {
        v.rule for v in lint(plan, database, settings).violations if v.migration != "0001_initial"
    }


def test_the_database_tells_rows_columns_versions_and_invalid_indexes(shop: Shop) -> None:
    shop.query(
        "CREATE INDEX broken ON shop_order (status); "
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass"
    )
    database = read_database(shop.connection, Settings(hot_tables=frozenset({"shop_customer"})))

    assert database.connected
    assert database.version >= 14
    assert database.rows("shop_order").value == ROWS
    assert not database.rows("shop_order").assumed
    assert database.tables["shop_order"].invalid_indexes == ("broken",)
    column = database.column("shop_order", "note")
    assert column is not None
    assert (column.nullable, column.type) == (True, "text")
    assert database.is_hot("shop_customer").value
    assert database.exists("shop_nothing") is False
    assert database.replicas == 0


def test_small_tables_may_be_scanned(shop: Shop) -> None:
    shop.write("0002_index", migration(f"{INDEX},\n{NOT_NULL}"))
    small = read_database(shop.connection, Settings())

    assert rules(shop, small) & {"blocking-index", "set-not-null"} == set()
    big = read_database(shop.connection, Settings(table_rows={"shop_order": 10**7}))
    assert rules(shop, big) >= {"blocking-index", "set-not-null"}


def test_a_column_that_is_not_null_already_needs_no_proof(shop: Shop) -> None:
    shop.write("0002_null", migration(NOT_NULL))
    settings = Settings(table_rows={"shop_order": 10**7})
    assert "set-not-null" in rules(shop, read_database(shop.connection, settings))

    shop.query("UPDATE shop_order SET note = ''; ALTER TABLE shop_order ALTER note SET NOT NULL")
    assert "set-not-null" not in rules(shop, read_database(shop.connection, settings))


def test_tables_that_do_not_exist_yet_are_free(shop: Shop) -> None:
    shop.write(
        "0002_tag",
        migration('migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))])'),
    )
    shop.write("0003_name", migration('migrations.AddField("tag", "n", models.IntegerField())'))

    assert "add-required-column" in rules(shop, Database())
    assert "add-required-column" not in rules(shop, read_database(shop.connection, Settings()))


def test_assumptions_are_reported(shop_files: Shop) -> None:
    shop_files.write("0002_index", migration(f"{INDEX},\n{GENERATED}"))

    result = shop_files.lint(database=assumed_database(Settings(assumed_rows=5_000_000)))

    assert "shop_order has 5,000,000 rows" in result.assumptions
    assert "PostgreSQL 14" in result.assumptions


def test_recipes_follow_the_version(shop_files: Shop) -> None:
    shop_files.write("0002_generated", migration(GENERATED))

    def recipe(version: int) -> str:
        found = shop_files.lint(database=Database(version=version)).violations
        return next(v.recipe_text for v in found if v.rule == "stored-generated-column")

    assert "VIRTUAL" not in recipe(17)
    assert "VIRTUAL" in recipe(18)


@pytest.mark.parametrize(
    ("version", "is_broken"),
    [
        ("13.20", False),
        ("14.0", True),
        ("14.3", True),
        ("14.4", False),
        ("14.10", False),
        ("15.0", False),
        ("18.1", False),
        ("", False),  # nobody was asked
    ],
)
def test_broken_minor_versions_are_told_apart(
    shop_files: Shop, version: str, is_broken: bool
) -> None:
    build = 'AddIndexConcurrently("order", models.Index(fields=["status"], name="status_idx"))'
    shop_files.write("0002_index", migration(build, atomic=False))

    found = shop_files.lint(database=Database(server_version=version)).violations

    assert ("concurrent-index-on-14-0" in {v.rule for v in found}) == is_broken


def test_configured_limits_quiet_the_timeout_rules(shop_files: Shop) -> None:
    shop_files.write("0002_index", migration(INDEX))
    rule = {"no-lock-timeout"}

    assert rule <= {v.rule for v in shop_files.lint().violations}
    for quiet in (Settings(uses_guard=True), Settings(lock_timeout_ms=2000)):
        assert not rule & {v.rule for v in shop_files.lint(quiet).violations}
    limited = Database(lock_timeout_ms=2000)
    assert not rule & {v.rule for v in shop_files.lint(database=limited).violations}


@pytest.mark.parametrize("setting", ["separate_data_and_schema", "reversible"])
def test_standing_rules_can_be_switched_off(shop_files: Shop, setting: str) -> None:
    shop_files.write(
        "0002_both",
        migration(
            'migrations.AddField("order", "gift", models.BooleanField(null=True)),\n'
            'migrations.RunSQL("UPDATE shop_order SET gift = false WHERE id = 1")'
        ),
    )
    rule = {"separate_data_and_schema": "schema-with-data", "reversible": "irreversible"}[setting]

    assert rule in {v.rule for v in shop_files.lint().violations}
    off = Settings(**{setting: False})  # type: ignore[arg-type]
    assert rule not in {v.rule for v in shop_files.lint(off).violations}


def test_collecting_sql_never_touches_a_database(shop_files: Shop) -> None:
    """A default that would query is not called; an operation that asks is reported as opaque."""
    preamble = (
        "def first_customer():\n    from shop.models import Customer\n"
        "    return Customer.objects.get().pk\n\n\n"
        "class Asks(migrations.RunSQL):\n"
        "    def database_forwards(self, app, editor, before, after):\n"
        "        editor.connection.cursor().execute('SELECT 1')\n"
    )
    shop_files.write(
        "0002_ask",
        migration(
            'migrations.AddField("order", "buyer", models.ForeignKey("shop.customer", '
            'models.CASCADE, default=first_customer, related_name="+")),\nAsks("SELECT 1", "")',
            preamble=preamble,
        ),
    )

    result = shop_files.lint()
    opaque = [v.message for v in result.violations if v.rule == "opaque-sql"]

    assert "dropped-default" in {v.rule for v in result.violations}
    assert len(opaque) == 1
    assert "the linter collects SQL without a database connection" in opaque[0]
