"""Asks django-migration-linter, django-safe-migrations and squawk about the same migrations.

The bad set is the examples of our rules, the good set their recipes. Runs in this project's
environment; the peers live in one of their own (see corpus.py), named by --peers.

    python -m benchmarks.migrations.peers --peers /tmp/peers/bin
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("twopass", "django-migration-linter", "django-safe-migrations", "squawk")
# These fire on nearly every statement, so they say nothing about it, except where they are asked.
GENERAL = {
    "require-lock-timeout": "no-lock-timeout",
    "require-statement-timeout": "no-statement-timeout",
    "no-lock-timeout": "no-lock-timeout",
    "no-statement-timeout": "no-statement-timeout",
}
STYLE = "prefer-"
FILES_ONLY = {"twin", "deleted", "edited"}

KINDS = ("bad", "good")
Verdict = dict[str, dict[str, dict[str, list[str]]]]


def write_cases(folder: Path) -> dict[str, Any]:
    """Write each rule's history with the bad migration and with the recipe; lint them ourselves."""
    from migrations_policy.rules import ALL
    from migrations_policy.violation import Severity
    from tests.migrations_policy.test_rules_lint import judge

    cases: dict[str, Any] = {}
    for rule in ALL:
        if rule.example.attributes in FILES_ONLY:
            continue
        bad, good = (_shop(folder, f"{rule.name}_{kind}") for kind in ("bad", "good"))
        names = [bad.write_example(rule.example)]
        found = judge(bad, rule).violations
        recipe = next(v for v in found if v.rule == rule.name).recipe
        good.remove(good.write_example(rule.example))
        steps = [name for name, _ in good.write_recipe(recipe, rule.example.preamble)]
        after = [
            v.rule
            for v in judge(good, rule).violations
            if v.migration in steps and v.severity >= Severity.WARNING
        ]
        cases[rule.name] = {
            "bad": _described(bad, names),
            "good": _described(good, steps),
            "ours": {
                "bad": [v.rule for v in found if v.migration in names],
                "good": [name for name in after if name not in rule.example.keeps],
            },
        }
    return cases


def _shop(folder: Path, name: str) -> Any:
    from tests.migrations_policy.workbench import Shop

    home = folder / name.replace("-", "_")
    home.mkdir()
    sys.path.insert(0, str(home))
    return Shop(home)


def _described(shop: Any, names: list[str]) -> dict[str, Any]:
    """Return where a history lies, which of its migrations are asked about, and their SQL."""
    from django.db.migrations.loader import MigrationLoader

    from migrations_policy.plan import Scope, load_plan

    with shop.in_use():
        plan = load_plan(Scope(frozenset({"shop"})), loader=MigrationLoader(None))
    chosen = [m for m in plan.migrations if m.name in names]
    return {
        "path": str(shop.folder),
        "package": shop.package,
        "names": names,
        "sql": [[[s.text for _, s in m.statements()], m.atomic] for m in chosen],
    }


def ask_django_peers(cases: dict[str, Any], dsn: dict[str, str]) -> Verdict:
    """Ask the two Django linters; runs inside the peers' environment."""
    import django
    from django.conf import settings

    sys.path.insert(0, str(ROOT / "tests" / "migrations_policy" / "apps"))
    settings.configure(
        SECRET_KEY="peers",
        INSTALLED_APPS=["shop", "django_migration_linter", "django_safe_migrations"],
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **dsn}},
        MIGRATION_MODULES={},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    verdict: Verdict = {name: {} for name in cases}
    for case in cases.values():
        for kind in KINDS:
            sys.path.insert(0, case[kind]["path"])
    for name, case in cases.items():
        said: dict[str, dict[str, list[str]]] = {tool: {} for tool in TOOLS[1:3]}
        for kind in KINDS:
            settings.MIGRATION_MODULES = {"shop": case[kind]["package"]}
            said["django-migration-linter"][kind] = _ask_linter(case[kind]["names"])
            said["django-safe-migrations"][kind] = _ask_safe(case[kind]["names"])
        verdict[name] = said
    return verdict


def _ask_linter(names: list[str]) -> list[str]:
    from django_migration_linter import MigrationLinter

    said = []
    for name in names:
        linter = MigrationLinter(no_cache=True, no_output=True)
        migration = linter.migration_loader.disk_migrations["shop", name]
        try:
            linter.lint_migration(migration)
        except Exception as error:  # noqa: BLE001  # a peer may fail in any way; it is counted
            said.append(f"crash: {type(error).__name__}")
            continue
        if linter.nb_erroneous or linter.nb_warnings:
            said.append("error" if linter.nb_erroneous else "warning")
    return said


def _ask_safe(names: list[str]) -> list[str]:
    from django_safe_migrations.analyzer import MigrationAnalyzer

    issues = MigrationAnalyzer(db_vendor="postgresql").analyze_app("shop")
    return [
        issue.rule_id
        for issue in issues
        if issue.migration_name in names and issue.severity.name != "INFO"
    ]


def ask_squawk(program: Path, case: dict[str, Any]) -> list[str]:
    """Ask squawk about the SQL of the migrations."""
    said: list[str] = []
    for statements, atomic in case["sql"]:
        if not statements:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write("".join(f"{text.rstrip(';')};\n" for text in statements))
            file.flush()
            options = ["--assume-in-transaction"] if atomic else []
            done = subprocess.run(
                [program, "--reporter", "json", *options, file.name],
                capture_output=True,
                text=True,
                check=False,
            )
        said += [item["rule_name"] for item in json.loads(done.stdout or "[]")]
    return said


def counted(rule: str, names: list[str]) -> list[str]:
    """Return what counts as said about this rule's example."""
    kept = [name for name in names if GENERAL.get(name, rule) == rule]
    return [n for n in kept if not n.startswith(STYLE) or rule == "narrow-type"]


def table(cases: dict[str, Any], verdicts: dict[str, dict[str, dict[str, list[str]]]]) -> str:
    """Return the Markdown table and the sums under it."""
    lines = [f"| Rule | {' | '.join(TOOLS)} |", "|---|" + "---|" * len(TOOLS)]
    sums = {tool: {"found": 0, "missed": 0, "false": 0} for tool in TOOLS}
    for rule in cases:
        row = []
        for tool in TOOLS:
            said = verdicts[rule][tool]
            bad, good = counted(rule, said["bad"]), counted(rule, said["good"])
            if tool == "twopass":
                bad = [name for name in bad if name == rule]
            crashed = any(name.startswith("crash") for name in bad + good)
            sums[tool]["found" if bad and not crashed else "missed"] += 1
            sums[tool]["false"] += bool(good) and not crashed
            text = "crash" if crashed else "found" if bad else "missed"
            row.append(text + (", false alarm" if good and not crashed else ""))
        lines.append(f"| {rule} | {' | '.join(row)} |")
    for what in ("found", "missed", "false"):
        cells = " | ".join(str(sums[tool][what]) for tool in TOOLS)
        lines.append(f"| **{what}** | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the cases, ask everybody, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="bin folder of the peers")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--details", action="store_true", help="print what each one said")
    options = parser.parse_args()
    if options.inside:
        given = json.loads(options.inside.read_text())
        sys.stdout.write(json.dumps(ask_django_peers(given["cases"], given["dsn"])))
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.migrations_policy.settings"
    sys.path.insert(0, str(ROOT / "tests" / "migrations_policy" / "apps"))
    import django

    import devstack

    django.setup()
    with tempfile.TemporaryDirectory() as temporary, devstack.postgres(replicas=0) as cluster:
        folder = Path(temporary)
        cases = write_cases(folder)
        given = {"cases": cases, "dsn": cluster.primary.django_settings("postgres")}
        (folder / "cases.json").write_text(json.dumps(given))
        command = [options.peers / "python", "-m", "benchmarks.migrations.peers"]
        command += ["--peers", options.peers, "--inside", folder / "cases.json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.stderr)
        verdicts = json.loads(done.stdout[done.stdout.index("{") :])
        for rule, case in cases.items():
            verdicts[rule]["twopass"] = case["ours"]
            squawk = options.peers / "squawk"
            verdicts[rule]["squawk"] = {kind: ask_squawk(squawk, case[kind]) for kind in KINDS}
    if options.details:
        sys.stdout.write(json.dumps(verdicts, indent=1) + "\n")
    sys.stdout.write(table(cases, verdicts))


if __name__ == "__main__":
    main()
