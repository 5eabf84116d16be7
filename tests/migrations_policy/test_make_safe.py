"""make_safe: what it writes ends in the same models and schema, runs both ways, and lints clean."""

import importlib
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader

from migrations_policy.migration_source import MigrationFile, UnreadableMigration
from migrations_policy.violation import Severity
from tests.migrations_policy.workbench import Shop, migration

PAYER = '"order", "payer", models.ForeignKey("shop.customer", models.CASCADE, related_name="+"'
EMPTY = 'migrations.RunSQL("TRUNCATE shop_order", migrations.RunSQL.noop)'
QUICK = {"foreign key column", "not null with a default", "rename"}
# name: (operations, what is there before)
CASES: dict[str, tuple[str, str]] = {
    "index": (
        'migrations.AddIndex("order", models.Index(fields=["status"], name="status_idx"))',
        "",
    ),
    "unique constraint": (
        'migrations.AddConstraint("order", models.UniqueConstraint('
        'fields=["number"], name="number_unique"))',
        "",
    ),
    "unique constraint with a condition": (
        'migrations.AddConstraint("order", models.UniqueConstraint('
        'fields=["number"], name="number_unique", condition=models.Q(status="new")))',
        "",
    ),
    "unique text": (
        'migrations.AlterField("customer", "name", models.CharField(max_length=50, unique=True))',
        "",
    ),
    "unique column": (
        'migrations.AddField("order", "code", models.CharField('
        "max_length=9, null=True, unique=True))",
        "",
    ),
    "one to one": (
        'migrations.AddField("customer", "last", models.OneToOneField('
        '"shop.order", models.SET_NULL, null=True, related_name="+"))',
        "",
    ),
    "foreign key column": (f"migrations.AddField({PAYER}, null=True))", ""),
    "required foreign key column": (
        f"migrations.AddField({PAYER}, default=1), preserve_default=False)",
        "",
    ),
    "foreign key": (
        f"migrations.AlterField({PAYER}, null=True))",
        f"migrations.AddField({PAYER}, null=True, db_constraint=False, db_index=False))",
    ),
    "check": (
        'migrations.AddConstraint("order", models.CheckConstraint('
        'condition=models.Q(number__gte=0), name="positive"))',
        "",
    ),
    "not null": ('migrations.AlterField("customer", "email", models.TextField())', ""),
    "not null with a default": (
        'migrations.AlterField("order", "note", models.TextField(default="-"), '
        "preserve_default=False)",
        "",
    ),
    "default of a value": (
        'migrations.AddField("order", "priority", models.IntegerField(default=5))',
        "",
    ),
    "default for old rows": (
        'migrations.AddField("order", "priority", models.IntegerField(default=5), '
        "preserve_default=False)",
        "",
    ),
    "default of a function": (
        'migrations.AddField("order", "placed", models.DateTimeField(default=timezone.now))',
        "",
    ),
    "unique default of a function": (
        'migrations.AddField("order", "token", models.UUIDField(default=uuid.uuid4, unique=True))',
        EMPTY,  # with rows the original fails
    ),
    "removed field": ('migrations.RemoveField("order", "note")', ""),
    "removed required field": ('migrations.RemoveField("order", "number")', EMPTY),
    "removed foreign key": ('migrations.RemoveField("order", "customer")', ""),
    "rename": ('migrations.RenameField("order", "note", "remark")', ""),
    "removed index": (
        'migrations.RemoveIndex("order", "status_idx")',
        'migrations.AddIndex("order", models.Index(fields=["status"], name="status_idx"))',
    ),
    "update in SQL": (
        "migrations.RunSQL(\"UPDATE shop_order SET note = 'old' WHERE note IS NULL\")",
        "",
    ),
    "index in SQL": (
        'migrations.RunSQL("CREATE INDEX by_status ON shop_order (status)", '
        '"DROP INDEX by_status")',
        "",
    ),
    "check in SQL": (
        'migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT positive CHECK (number >= 0)", '
        '"ALTER TABLE shop_order DROP CONSTRAINT positive")',
        "",
    ),
    "reindex in SQL": (
        'migrations.RunSQL("REINDEX TABLE shop_order", migrations.RunSQL.noop)',
        "",
    ),
}
RUN = [
    pytest.param(*case, id=name, marks=[] if name in QUICK else [pytest.mark.full])
    for name, case in CASES.items()
]


@pytest.fixture(autouse=True)
def without_database(request: pytest.FixtureRequest) -> None:
    """Tests of files alone have no database to ask."""
    if "shop" not in request.fixturenames:
        request.getfixturevalue("unreachable")


def write(shop: Shop, operations: str, setup: str = "") -> str:
    """Write a migration the way people have them: with imports of its own."""
    if setup:
        shop.write("0002_setup", migration(setup))
    source = migration(operations)
    head = "from django.utils import timezone\n" if "timezone" in operations else ""
    return shop.write("0003_bad", head + source)


def make_safe(*arguments: str) -> str:
    out = StringIO()
    call_command("make_safe", "shop", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@contextmanager
def reloaded(shop: Shop) -> Iterator[None]:
    """Use the migrations as a new process would."""
    for name in [n for n in sys.modules if n.split(".")[0] == shop.package]:
        del sys.modules[name]
    importlib.invalidate_caches()
    with shop.in_use():
        yield


def rewritten(shop: Shop, name: str = "0003") -> list[str]:
    """Rewrite for good; return the names of what was written."""
    with reloaded(shop):
        make_safe(name, "--write")
    found = sorted(path.stem for path in (shop.folder / shop.package).glob("0*.py"))
    fresh = [n for n in found if n >= name]
    shop.names[:] = [n for n in found if n < name] + fresh
    return fresh


def text_of(shop: Shop, name: str) -> str:
    return (shop.folder / shop.package / f"{name}.py").read_text()


def state(shop: Shop) -> Any:
    with reloaded(shop):
        loader = MigrationLoader(None)
        return loader.project_state(loader.graph.leaf_nodes("shop"))


def errors(shop: Shop) -> list[str]:
    """Return what the linter forbids in the files, reloaded."""
    with reloaded(shop):
        result = shop.lint()
    found = [v for v in result.violations if v.migration != "0002_setup"]
    return [repr(v) for v in found if v.severity >= Severity.ERROR]


# Names of constraints and indexes may differ: PostgreSQL's own for what stands in ADD COLUMN.
SCHEMA = """
SELECT string_agg(line, chr(10) ORDER BY line) FROM (
SELECT format('%s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
              attnotnull, pg_get_expr(adbin, adrelid))
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'shop_%' AND relkind = 'r')
AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text LIKE 'shop_%'
UNION ALL SELECT regexp_replace(indexdef, 'INDEX \\S+', 'INDEX') FROM pg_indexes
WHERE tablename LIKE 'shop_%'
UNION ALL SELECT tgname || ' ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal
) AS lines(line)
"""


@pytest.mark.parametrize(("operations", "setup"), RUN)
def test_it_ends_in_the_same_models_and_schema_and_has_a_way_back(
    shop: Shop, operations: str, setup: str
) -> None:
    bad = write(shop, operations, setup)
    before = shop.names[-2]
    shop.migrate(before)
    base = shop.query(SCHEMA)
    assert errors(shop), "nothing is wrong with it"
    wanted_state = state(shop)
    shop.migrate(bad)
    wanted = shop.query(SCHEMA)
    if "UPDATE" in operations:
        shop.query("DELETE FROM django_migrations WHERE name = '0003_bad'")
    else:
        shop.migrate(before)

    names = rewritten(shop)

    assert errors(shop) == []
    assert state(shop) == wanted_state
    shop.migrate(names[-1])
    assert shop.query(SCHEMA) == wanted
    assert shop.query("SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == 0
    shop.migrate(before)
    # A foreign key that comes back is checked for new rows; the old ones had none to go by.
    assert shop.query(SCHEMA).replace(" NOT VALID", "") == base
    shop.migrate(names[-1])
    assert shop.query(SCHEMA) == wanted


@pytest.mark.parametrize(("operations", "setup"), RUN)
def test_the_diff_is_shown_and_nothing_is_written_without_being_told(
    shop_files: Shop, operations: str, setup: str
) -> None:
    name = write(shop_files, operations, setup)
    before = text_of(shop_files, name)

    with reloaded(shop_files):
        said = make_safe("0003")

    assert said.startswith("--- a/")
    assert "\n-" in said
    assert "\n+" in said
    assert "Still found" not in said
    assert "Nothing was written" in said
    assert text_of(shop_files, name) == before
    assert len(list((shop_files.folder / shop_files.package).glob("0003*"))) == 1


@pytest.mark.parametrize(("operations", "setup"), RUN)
def test_a_second_time_changes_nothing(shop_files: Shop, operations: str, setup: str) -> None:
    write(shop_files, operations, setup)
    names = rewritten(shop_files)
    texts = [text_of(shop_files, name) for name in names]

    with reloaded(shop_files):
        for name in names:
            assert "nothing to rewrite" in make_safe(name, "--write")

    assert [text_of(shop_files, name) for name in names] == texts
    assert errors(shop_files) == []


def test_a_dropped_table_is_dropped_a_release_later(shop: Shop) -> None:
    model = (
        'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), '
        '("order", models.ForeignKey("shop.order", models.CASCADE))])'
    )
    write(shop, 'migrations.DeleteModel("Tag")', model)
    shop.migrate("0002_setup")
    first, last = rewritten(shop)

    shop.migrate(first)
    assert shop.query("SELECT count(*) FROM shop_tag") == 0
    shop.migrate("0002_setup")
    shop.migrate(last)

    assert shop.query("SELECT to_regclass('shop_tag')::text") is None
    assert "policy_irreversible" in text_of(shop, last)
    assert errors(shop) == []


HISTORY = '''\
"""What the shop learned in May."""

# Generated by hand.
import datetime

from django.db import migrations, models

LIMIT = 10  # of notes


def helper(model):
    return model.objects.filter(pk__lte=LIMIT)


# Runs after the new column.
def fill(apps, schema_editor):
    helper(apps.get_model("shop", "order")).update(note="x")


def unused():  # kept: nobody knows why
    return datetime.date.today()


class Migration(migrations.Migration):
    """May."""

    operations = [
        # the gift first
        migrations.AddField("order", "gift", models.BooleanField(null=True)),  # optional
        # policy: allow unbatched-update -- ten rows
        migrations.RunPython(
            fill,   # spaced
            migrations.RunPython.noop,
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[],
            state_operations=[],
        ),
        # for the list of orders
        migrations.AddIndex("order", models.Index(fields=["status"], name="status_idx")),
        migrations.RunSQL("""
            SELECT 1
        """, migrations.RunSQL.noop),
        migrations.RemoveField("order", "note"),
        migrations.AddField("order", "wrap", models.BooleanField(null=True)),
        # the end
    ]
'''


def test_a_mixed_migration_is_split_and_the_rest_of_the_file_survives(shop: Shop) -> None:
    shop.write("0003_bad", HISTORY)

    names = rewritten(shop)

    first = text_of(shop, names[0])
    for line in HISTORY.partition("class Migration")[0].splitlines():
        gone = ("LIMIT", "helper", "Runs after", "fill", "return model")
        assert line in first or any(word in line for word in gone)
    assert '"""May."""' in first
    assert "        # the gift first\n" in first
    assert "models.BooleanField(null=True)),  # optional\n" in first
    everything = "".join(text_of(shop, name) for name in names)
    for piece in (
        "            fill,   # spaced\n",
        "# policy: allow unbatched-update -- ten rows\n",
        "# for the list of orders\n",
        '"""\n            SELECT 1\n        """',
        "# the end\n",
        "LIMIT = 10  # of notes",
        "# Runs after the new column.\ndef fill",
    ):
        assert everything.count(piece) == 1, piece
    for before, after in itertools.pairwise(names):
        assert f'dependencies = [("shop", "{before}")]' in text_of(shop, after)
    assert errors(shop) == []
    phases = ['policy_phase = "after"' in text_of(shop, name) for name in names]
    assert phases == sorted(phases), "a step for before the deploy waits for one after it"
    shop.migrate(names[-1])
    assert shop.query("SELECT count(gift) FROM shop_order") == 0
    shop.migrate("0001_initial")


def test_two_required_columns_share_the_steps_that_can_be_shared(shop_files: Shop) -> None:
    add = 'migrations.AddField("order", "{}", models.UUIDField(default=uuid.uuid4))'
    write(shop_files, f"{add.format('first')},\n{add.format('second')}")

    names = rewritten(shop_files)

    assert text_of(shop_files, names[0]).count("migrations.AddField(") == 2
    assert errors(shop_files) == []


def test_what_it_cannot_rewrite_it_says(shop_files: Shop) -> None:
    write(shop_files, 'migrations.AlterField("order", "number", models.BigIntegerField())')
    with reloaded(shop_files), pytest.raises(CommandError) as caught:
        make_safe("0003")
    assert "cannot be rewritten; follow the recipes" in str(caught.value)
    assert "[change-type]" in str(caught.value)

    index = CASES["index"][0]
    shop_files.remove("0003_bad")
    bad = 'migrations.AddField("order", "priority", models.IntegerField())'
    write(shop_files, f"{index},\n{bad}")
    with reloaded(shop_files):
        said = make_safe("0003")
    assert "AddIndexConcurrently" in said
    assert "Left as it is: [add-required-column]" in said
    assert "a value that only you know" in said


@pytest.mark.parametrize(
    "operations",
    [
        # two statements, of which the recipe has one
        'migrations.RunSQL("CREATE INDEX a ON shop_order (status); CREATE INDEX b ON shop_order '
        '(number)", "")',
        # something the recipe does not have
        'migrations.RunSQL("CREATE INDEX a ON shop_order (status)", "", state_operations='
        '[migrations.AlterModelOptions("order", {})])',
        # a way back, which a backfill has not
        "migrations.RunSQL(\"UPDATE shop_order SET note = 'x'\", \"SELECT 'back'\")",
        # not null, and another type
        'migrations.AlterField("order", "note", models.CharField(max_length=9))',
        'migrations.SeparateDatabaseAndState(database_operations=[migrations.AddIndex("order", '
        'models.Index(fields=["status"], name="a"))], state_operations=[])',
        'migrations.AlterUniqueTogether("order", {("number", "status")})',
    ],
)
def test_it_leaves_alone_what_its_recipe_would_only_do_in_part(
    shop_files: Shop, operations: str
) -> None:
    name = write(shop_files, operations)
    before = text_of(shop_files, name)

    with reloaded(shop_files), pytest.raises(CommandError, match="cannot be rewritten"):
        make_safe("0003", "--write")

    assert text_of(shop_files, name) == before


def test_applied_and_recorded_migrations_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder)
    name = write(shop, CASES["index"][0])
    shop.migrate(name)
    with reloaded(shop), pytest.raises(CommandError, match="has been applied to 'default'"):
        make_safe("0003", "--write")

    shop.migrate("0001_initial")
    (shop.folder / "pyproject.toml").write_text(
        '[tool.migrations_policy]\nchecksums = "released.json"\n'
    )
    with reloaded(shop):
        call_command("lint_migrations", "shop", "--record", stdout=StringIO())
        with pytest.raises(CommandError, match="was released"):
            make_safe("0003", "--write")


def test_migrations_that_others_depend_on_and_files_in_the_way_are_refused(
    shop_files: Shop,
) -> None:
    name = write(shop_files, f"{CASES['index'][0]},\n{CASES['check'][0]}")
    before = text_of(shop_files, name)
    shop_files.write("0004_next", migration("migrations.RunSQL('SELECT 1', '')"))
    with reloaded(shop_files), pytest.raises(CommandError, match="0004_next would need other"):
        make_safe("0003", "--write")

    shop_files.remove("0004_next")
    folder = shop_files.folder / shop_files.package
    again = migration("migrations.RunSQL('SELECT 1', '')")
    shop_files.write("0005_bad_step3", again, after="0001_initial")
    with reloaded(shop_files), pytest.raises(CommandError, match=r"step3\.py exists already"):
        make_safe("0003", "--write")
    assert text_of(shop_files, name) == before
    assert not (folder / "0004_bad_step2.py").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Other: pass", "no class Migration"),
        ("class Migration:\n    operations = [*others]", "unpacks another list"),
        ("class Migration:\n    operations = make()", "not one plain list"),
        ("class Migration:\n    operations = []\n    operations = []", "not one plain list"),
    ],
)
def test_files_written_otherwise_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnreadableMigration, match=message):
        MigrationFile(text)
