"""Old code meets new schema: from a git ref or a recorded state, statically and by running it."""

import json
import pickle
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader

from migrations_policy.compat import OldColumn, OldModel, cached_shapes, compare, loads
from migrations_policy.facts import ColumnFacts
from migrations_policy.release import check_database, models_at, models_of, run_statements
from tests.migrations_policy.workbench import Shop, migration

ID = OldColumn("id", False, type="bigint")
OLD = OldModel(
    "shop.Order",
    "shop_order",
    (ID, OldColumn("number", False, type="integer"), OldColumn("note", True, type="text")),
)


def column(nullable: bool = True, has_default: bool = False) -> ColumnFacts:
    return ColumnFacts(nullable, has_default, "text")


SAME = {"id": column(False, True), "number": column(False), "note": column()}

CASES = {
    "nothing changed": (SAME, []),
    "table gone": (None, ["the table shop_order is gone"]),
    "column gone": ({k: v for k, v in SAME.items() if k != "note"}, ["shop_order.note is gone"]),
    "new required column": ({**SAME, "gift": column(False)}, ["INSERT leaves out shop_order.gift"]),
    "new column with default": ({**SAME, "gift": column(False, True)}, []),
    "new optional column": ({**SAME, "gift": column()}, []),
    "now required": ({**SAME, "note": column(False)}, ["shop_order.note is NOT NULL now"]),
    "now optional": ({**SAME, "number": column()}, ["shop_order.number may be NULL now"]),
}


@pytest.mark.parametrize(("columns", "expected"), CASES.values(), ids=CASES)
def test_static_comparison(columns: dict[str, ColumnFacts] | None, expected: list[str]) -> None:
    tables = {"shop_order": columns} if columns else {}

    found = [item.message for item in compare((OLD,), tables)]

    assert len(found) == len(expected)
    assert all(part in message for part, message in zip(expected, found, strict=True))


LIVE = {
    "add optional": ('migrations.AddField("order", "gift", models.BooleanField(null=True))', set()),
    "python default": (
        'migrations.AddField("order", "gift", models.BooleanField(default=False))',
        {"insert"},
    ),
    "db default": (
        'migrations.AddField("order", "gift", models.BooleanField(db_default=False))',
        set(),
    ),
    "remove": (
        'migrations.RemoveField("order", "note")',
        {"select", "insert", "update"},
    ),
    "rename": (
        'migrations.RenameField("order", "note", "remark")',
        {"select", "insert", "update"},
    ),
    "rename safely": ('RenameFieldSafely("order", "note", "remark")', set()),
    "remove safely": ('RemoveFieldSafely("order", "note")', set()),
    "drop table": (
        'migrations.RemoveField("order", "customer"),\nmigrations.DeleteModel("Customer")',
        {"select", "insert", "update", "delete"},
    ),
}


@pytest.mark.parametrize(("step", "broken"), LIVE.values(), ids=LIVE)
def test_statements_of_the_old_release_run_on_the_migrated_database(
    shop: Shop, step: str, broken: set[str]
) -> None:
    with shop.in_use():
        state = MigrationLoader(None).project_state(("shop", "0001_initial"))
        old = models_of(state, frozenset({"shop"}))
    assert run_statements(shop.connection, old) == []
    shop.migrate(shop.write("0002_step", migration(step, atomic="Safely(" not in step)))

    ran = run_statements(shop.connection, old)
    static = check_database(shop.connection, old)

    assert {item.kind for item in ran} == broken
    assert bool(static) == bool(broken)
    assert shop.query("SELECT count(*) FROM shop_order") == 2000


def test_cached_models_that_change_shape_are_told() -> None:
    new = OldModel("shop.Order", "shop_order", (*OLD.columns, OldColumn("gift", True)))

    (found,) = cached_shapes((OLD,), (new,), frozenset({"shop.order"}))

    assert "shop.Order is cached and changes shape (gift)" in found.message
    assert cached_shapes((OLD,), (new,), frozenset()) == []
    assert cached_shapes((OLD,), (OLD,), frozenset({"shop.order"})) == []


def test_why_cached_rows_of_the_old_shape_matter(shop: Shop) -> None:
    """An order pickled by the old models, read by the new ones, fails only where it is used."""
    with shop.in_use():
        old = MigrationLoader(None).project_state(("shop", "0001_initial")).apps
        row = old.get_model("shop", "Order")(number=7)
        cached = pickle.dumps(row.__dict__ | {"_state": None})
        name = shop.write(
            "0002_gift",
            migration('migrations.AddField("order", "gift", models.BooleanField(null=True))'),
        )
    with shop.in_use():
        new = MigrationLoader(None).project_state(("shop", name)).apps.get_model("shop", "Order")
        order = new.__new__(new)
        order.__dict__.update(pickle.loads(cached))  # our own bytes

    assert order.number == 7
    with pytest.raises(AttributeError):
        _ = order.gift


@pytest.fixture
def project(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop as a git repository whose first commit is the deployed release."""
    folder = shop.folder
    (folder / "pyproject.toml").write_text(
        '[tool.migrations_policy]\ncached_models = ["shop.Order"]\n'
    )
    monkeypatch.chdir(folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "release 1")
    with shop.in_use():
        yield shop


def git(folder: Path, *arguments: str) -> None:
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def check(*arguments: str) -> str:
    out = StringIO()
    try:
        call_command("check_release", *arguments, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_check_release_reads_the_old_models_from_git(project: Shop) -> None:
    path = project.folder / project.package / "0001_initial.py"
    project.write("0002_drop", migration('migrations.RemoveField("order", "note")'))
    # Even if the old file is edited meanwhile, the deployed one counts.
    path.write_text(path.read_text() + "\n# edited\n")

    models, keys = models_at("HEAD", project.folder, frozenset({"shop"}))
    assert [model.label for model in models] == ["shop.Customer", "shop.Order"]
    assert ("shop", "0002_drop") not in keys

    text = check("--release", "HEAD")
    assert "select: shop.Order: shop_order.note is gone or renamed" in text
    assert "cache: shop.Order is cached and changes shape (note)" in text
    assert "the deployed release breaks in" in text
    assert "Not a valid object name nowhere" in check("--release", "nowhere")


def test_check_release_leaves_out_what_runs_after_the_deploy(project: Shop) -> None:
    project.write("0002_state", migration('RemoveFieldSafely("order", "number")'))
    project.write(
        "0003_drop",
        migration(
            'DropColumnSafely("shop_order", "number", "integer")', extra='policy_phase = "after"'
        ),
    )
    (project.folder / "pyproject.toml").write_text("")

    text = check("--release", "HEAD")

    assert "may be NULL now" in text  # the new release may leave the number out
    assert "is gone" not in text


def test_a_recorded_state_does_as_well_as_a_git_ref(project: Shop) -> None:
    assert "2 models recorded" in check("--record", "state.json")
    models, keys = loads((project.folder / "state.json").read_text())
    assert (len(models), keys) == (2, {("shop", "0001_initial")})
    assert "2 models of the deployed release work" in check("--state", "state.json")

    project.write("0002_drop", migration('migrations.RemoveField("order", "note")'))
    assert "is gone or renamed" in check("--state", "state.json")

    (project.folder / "state.json").write_text(json.dumps({"models": 3}))
    assert "this is no recorded model state" in check("--state", "state.json")
    assert "name the deployed release" in check()
