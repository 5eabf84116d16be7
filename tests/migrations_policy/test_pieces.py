"""Small parts: configuration, phases, recipes, paste-able code, reports of nothing."""

from dataclasses import fields
from pathlib import Path

import pytest

from migrations_policy import configuration
from migrations_policy.configuration import ConfigurationError
from migrations_policy.facts import FieldSource, Migration, Operation, Source
from migrations_policy.linter import Result
from migrations_policy.paste import literal, run_sql
from migrations_policy.phases import infer, phase_of, statement_phase
from migrations_policy.recipe import Note, Paste, merged_imports, render
from migrations_policy.report import FORMATS
from migrations_policy.rule import NotShown
from migrations_policy.rules import ALL
from migrations_policy.settings import Settings
from migrations_policy.sql.parse import parse
from migrations_policy.violation import Severity

SOURCE = Source("x.py")


def migration(*statements: str, phase: str | None = None) -> Migration:
    operations = tuple(
        Operation(n, "RunSQL", "", SOURCE, parse(sql)) for n, sql in enumerate(statements)
    )
    return Migration("shop", "0002_x", SOURCE, operations, declared_phase=phase)


PHASES = {
    "ALTER TABLE a ADD COLUMN x int": "before",
    "CREATE TABLE a (x int)": "before",
    "ALTER TABLE a DROP COLUMN x": "after",
    "DROP TABLE a": "after",
    "ALTER TABLE a ALTER COLUMN x SET NOT NULL": "after",
    "ALTER TABLE a RENAME COLUMN x TO y": "after",
    "CREATE INDEX CONCURRENTLY i ON a (x)": "anytime",
    "UPDATE a SET x = 1": "anytime",
}


@pytest.mark.parametrize(("sql", "phase"), PHASES.items())
def test_phases_of_statements(sql: str, phase: str) -> None:
    assert statement_phase(parse(sql)[0]) == phase
    assert phase_of(migration(sql)) == phase


def test_phases_of_migrations() -> None:
    both = ("ALTER TABLE a ADD COLUMN x int", "ALTER TABLE a DROP COLUMN y")

    assert infer(migration(*both)) == {"before", "after"}
    assert phase_of(migration(*both)) is None
    assert phase_of(migration(*both, phase="after")) == "after"
    with pytest.raises(ValueError, match="use before, after, anytime"):
        phase_of(migration(phase="later"))


CONFIGURATIONS = {
    'colour = "red"': "unknown setting 'colour'",
    '[tool.migrations_policy.rules]\nnope = "off"': "rules: no rule is called 'nope'",
    '[tool.migrations_policy.rules]\ndrop-column = "loud"': "unknown severity 'loud'",
    '[tool.migrations_policy.apps.shop.rules]\nnope = "off"': "apps.shop.rules: no rule",
    "x = ": "Invalid value",
}


@pytest.mark.parametrize(("text", "message"), CONFIGURATIONS.items())
def test_wrong_configuration_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text if text.startswith("[") else f"[tool.migrations_policy]\n{text}\n")

    with pytest.raises(ConfigurationError, match=message):
        configuration.load(path)


def test_configuration_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[tool.migrations_policy]\nguarded = true\nhot_tables = ["a"]\nfail_level = "warning"\n'
        'cached_models = ["shop.Order"]\ntarget_version = 18\nhooks = ["a.b"]\n'
        "[tool.migrations_policy.tables.b]\nhot = true\nrows = 5\n"
        '[tool.migrations_policy.tables.b.rules]\ndrop-column = "off"\n'
    )

    settings = configuration.load(path)

    assert settings.hot_tables == {"a", "b"}
    assert settings.table_rows == {"b": 5}
    assert settings.uses_guard
    assert settings.fail_level is Severity.WARNING
    assert settings.cached_models == {"shop.order"}
    # settings.MIGRATIONS_POLICY
    over = configuration.load(path, {"cached_models": ["shop.Customer"]})
    assert over.cached_models == {"shop.customer"}
    assert over.hooks == ("a.b",)
    assert settings.target_version == 18
    assert settings.hooks == ("a.b",)
    assert settings.severity("drop-column", Severity.ERROR, "shop", "b") is Severity.OFF
    assert settings.severity("drop-column", Severity.ERROR, "shop", "a") is Severity.ERROR
    assert configuration.load(None) == Settings()
    assert configuration.find(tmp_path / "deep") == path


def test_field_source_takes_and_loses_options() -> None:
    field = FieldSource("models.CharField", (), (("default", "'x'"), ("max_length", "9")))

    changed = field.with_options(default=None, null="True")

    assert str(changed) == "models.CharField(max_length=9, null=True)"
    assert field.option("default") == "'x'"
    assert changed.option("default") is None


def test_recipes_render_as_code_that_compiles() -> None:
    recipe = (
        Paste('AddIndexConcurrently("order", models.Index(fields=["a"], name="i"))', atomic=False),
        Note("Deploy."),
        Paste(run_sql("SELECT 1", 'SELECT "two"'), "after", irreversible="why not"),
    )

    text = render(recipe)

    compile(text, "recipe", "exec")
    assert "# 2. Deploy." in text
    assert "    atomic = False\n" in text
    assert '    policy_irreversible = "why not"\n' in text
    assert "from migrations_policy.operations import AddIndexConcurrently" in text


def test_imports_of_one_module_share_a_line() -> None:
    lines = ["from a import c", "import z", "from a import b", "from b import *"]

    assert merged_imports(lines) == ["import z", "from b import *", "from a import b, c"]


def test_sql_constants_as_python() -> None:
    assert literal("1") == "1"
    assert literal("'x'") == "'x'"
    assert literal("true") == "True"
    assert literal("now()") is None


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "migrations_policy.md").read_text()
    spelled = {"uses_guard": "guarded", "app_rules": "apps.<label>.rules"}
    spelled |= {"table_rules": "tables.<table>.rules", "table_rows": "tables.<table>.rows"}

    missing = [f.name for f in fields(Settings) if f"`{spelled.get(f.name, f.name)}`" not in text]

    assert missing == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_say_nothing(name: str) -> None:
    assert FORMATS[name](Result((), migrations=3))


def test_rules_are_named_after_their_files_and_say_why_if_not_shown() -> None:
    names = [rule.name for rule in ALL]

    assert len(names) == len(set(names))
    for rule in ALL:
        assert not rule.name.startswith(("no-use", "prefer", "dont"))
        if isinstance(rule.example.shown, NotShown):
            assert len(rule.example.shown.reason) > 40
