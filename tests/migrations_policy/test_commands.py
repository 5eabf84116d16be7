"""The commands as a user runs them: reports, exit statuses, changed files, baseline, make_safe."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from migrations_policy.checks import check_migrations
from migrations_policy.project import lint_project
from tests.migrations_policy.workbench import Shop, migration

BAD = 'migrations.RemoveField("order", "note")'
INDEX = 'migrations.AddIndex("order", models.Index(fields=["status"], name="status_idx"))'


@pytest.fixture
def project(shop_files: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A project folder whose migrations Django uses and commands run in."""
    folder = shop_files.folder
    (folder / "pyproject.toml").write_text("[tool.migrations_policy]\n")
    # Only folders called migrations count as such for git.
    package = folder / shop_files.package
    home = folder / f"{shop_files.package}_app" / "migrations"
    home.parent.mkdir()
    (home.parent / "__init__.py").write_text("")
    package.rename(home)
    shop_files.package = f"{home.parent.name}/migrations"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(
        "django.conf.settings.MIGRATION_MODULES",
        {"shop": f"{home.parent.name}.migrations"},
    )
    return shop_files


def lint(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("lint_migrations", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def reload_migrations() -> None:
    """Forget the imported migration files, as a new process would."""
    for name in [name for name in sys.modules if ".migrations." in name and "_app" in name]:
        del sys.modules[name]
    importlib.invalidate_caches()


def git(folder: Path, *arguments: str) -> None:
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_clean_project_exits_with_0(project: Shop) -> None:
    status, text = lint()

    assert status == 0
    assert text == "1 migrations: nothing to report\n"


def test_text_quotes_the_line_and_ends_in_the_recipe(project: Shop) -> None:
    project.write("0002_drop", migration(BAD))

    status, text = lint()

    assert status == 1
    assert (
        ': error [drop-column] shop.0002_drop\n    | migrations.RemoveField("order", "note")'
        in text
    )
    assert "Every SELECT" not in text.splitlines()[0]
    assert 'RemoveFieldSafely("order", "note")' in text
    assert 'DropColumnSafely("shop_order", "note", "text")' in text
    assert "PostgreSQL 14" not in text


def test_unknown_apps_levels_and_settings_are_clear_errors(project: Shop) -> None:
    (project.folder / "pyproject.toml").write_text('[tool.migrations_policy.rules]\nnope = "off"\n')

    with pytest.raises(CommandError, match="no rule is called 'nope'") as caught:
        call_command("lint_migrations")

    assert caught.value.returncode == 2


def test_json_sarif_github_gitlab_and_junit_hold_the_finding(project: Shop) -> None:
    project.write("0002_drop", migration(BAD))

    document = json.loads(lint("--format", "json")[1])
    assert {v["rule"] for v in document["violations"]} == {"drop-column", "no-lock-timeout"}
    assert document["violations"][0]["line"] > 1

    run = json.loads(lint("--format", "sarif")[1])["runs"][0]
    result = next(r for r in run["results"] if r["ruleId"] == "drop-column")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "drop-column"
    assert result["level"] == "error"

    assert "::error file=" in lint("--format", "github")[1]

    issues = json.loads(lint("--format", "gitlab")[1])
    assert issues[0]["check_name"] == "drop-column"
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)

    suite = ElementTree.fromstring(lint("--format", "junit")[1])  # our own output
    assert suite.get("failures") == "2"


def test_since_looks_at_changed_files_only_and_finds_deleted_ones(project: Shop) -> None:
    project.write("0002_drop", migration(BAD))
    project.write("0003_gone", migration(INDEX.replace("status_idx", "gone_idx")))
    git(project.folder, "init", "-q")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-qm", "release")
    project.remove("0003_gone")
    project.write("0003_index", migration(INDEX))

    _, text = lint("--since", "HEAD", "--format", "json")
    found = {(v["rule"], v["migration"]) for v in json.loads(text)["violations"]}

    assert ("blocking-index", "0003_index") in found
    assert ("deleted-migration", "0003_gone") in found
    assert not [rule for rule, name in found if name == "0002_drop"]

    with pytest.raises(CommandError, match="nowhere"):
        call_command("lint_migrations", "--since", "nowhere")


def test_baseline_accepts_old_sins_and_reports_new_ones(project: Shop) -> None:
    (project.folder / "pyproject.toml").write_text(
        '[tool.migrations_policy]\nbaseline = "known.txt"\n'
    )
    project.write("0002_drop", migration(BAD))

    assert "written to" in lint("--write-baseline")[1]
    status, text = lint()
    assert (status, "in the baseline" in text) == (0, True)

    project.write("0003_index", migration(INDEX))
    status, text = lint()
    assert (status, "[blocking-index]" in text) == (1, True)


def test_suppressions_need_a_reason_a_known_rule_and_a_cause(project: Shop) -> None:
    reason = "# policy: allow drop-column -- the column was never deployed"
    project.write("0002_drop", migration(f"{reason}\n{BAD}"))
    status, text = lint()
    assert status == 0
    assert "allowed [drop-column] because the column was never deployed" in text

    project.remove("0002_drop")
    project.write("0002_drop", migration(f"# policy: allow drop-column\n{BAD}"))
    assert "[unexplained-suppression]" in lint()[1]
    assert "[drop-column]" in lint()[1]

    project.remove("0002_drop")
    project.write("0002_drop", migration(f"# policy: allow everything -- hurry\n{BAD}"))
    assert "no rule is called 'everything'" in lint()[1].lower()

    project.remove("0002_drop")
    comment = "# policy: allow json-column -- old"
    project.write("0002_index", migration(f"{comment}\n{INDEX}"))
    assert "[unused-suppression]" in lint()[1]


def test_severities_by_rule_app_and_table(project: Shop) -> None:
    project.write("0002_drop", migration(BAD))
    toml = project.folder / "pyproject.toml"

    toml.write_text('[tool.migrations_policy.rules]\ndrop-column = "warning"\n')
    assert lint()[0] == 0
    toml.write_text('[tool.migrations_policy.apps.shop.rules]\ndrop-column = "off"\n')
    assert "drop-column" not in lint()[1]
    toml.write_text('[tool.migrations_policy.tables.shop_order.rules]\ndrop-column = "info"\n')
    assert "info [drop-column]" in lint()[1]
    assert lint("--fail-level", "info")[0] == 1


def test_library_and_checks_say_the_same(project: Shop) -> None:
    project.write("0002_drop", migration(BAD))

    result = lint_project()
    messages = check_migrations()

    assert [v.rule for v in result.violations] == [m.msg.split(":")[0] for m in messages]
    assert "migrations_policy.E080" in {message.id for message in messages}


@pytest.mark.usefixtures("unreachable")
def test_make_safe_shows_the_diff_and_writes_clean_migrations(project: Shop) -> None:
    plain = 'migrations.AddField("order", "gift", models.BooleanField(null=True))'
    unique = (
        'migrations.AddConstraint("order", models.UniqueConstraint('
        'fields=["number"], name="number_unique"))'
    )
    project.write("0002_both", migration(f"{plain},\n{INDEX},\n{unique}"))
    assert lint()[0] == 1

    out = StringIO()
    call_command("make_safe", "shop", "0002", stdout=out)
    assert "+        AddIndexConcurrently(" in out.getvalue()
    assert "Nothing was written" in out.getvalue()
    assert lint()[0] == 1

    call_command("make_safe", "shop", "0002", "--write", stdout=StringIO())
    reload_migrations()
    status, text = lint()
    assert status == 0, text
