"""Whole histories: what is found in a careless and in a careful shop, and that both really run."""

import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from migrations_policy.database import assumed_database
from migrations_policy.linter import Result, lint
from migrations_policy.plan import Scope, load_plan
from migrations_policy.settings import Settings
from migrations_policy.violation import Severity
from tests.migrations_policy.workbench import Shop

CORPUS = Path(__file__).parent / "corpus"
CARELESS = {
    "0001_initial": {"narrow-type"},
    "0002_isbn_unique": {"add-unique", "unthrottled-rewrite"},
    "0003_longer_titles": set(),
    "0004_language": {"dropped-default"},
    "0005_guess_language": {"unbatched-update"},
    "0006_price_in_cents": {
        "drop-column",
        "irreversible",
        "mixed-phases",
        "schema-with-data",
        "set-not-null",
        "unbatched-update",
        "work-while-locked",
    },
    "0007_stock_in_warehouse": {"rename-column"},
    "0008_language_index": {"blocking-index"},
}
TIMEOUTS = {"no-lock-timeout", "no-statement-timeout"}


@pytest.fixture
def history(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.syspath_prepend(str(CORPUS))
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]
    monkeypatch.setattr(settings, "MIGRATION_MODULES", {"shop": name})
    return name


def judge(options: Settings | None = None) -> Result:
    plan = load_plan(Scope(frozenset({"shop"})), loader=MigrationLoader(None))
    return lint(plan, assumed_database(options or Settings(), "UTC"), options)


@pytest.mark.parametrize("history", ["bookshop"], indirect=True)
def test_the_careless_shop_is_told_everything(history: str) -> None:
    found: dict[str, set[str]] = {name: set() for name in CARELESS}
    for violation in judge().violations:
        found[violation.migration].add(violation.rule)

    assert {name: rules - TIMEOUTS for name, rules in found.items()} == CARELESS


@pytest.mark.parametrize("history", ["subscriptions"], indirect=True)
def test_the_careful_shop_is_left_alone(history: str) -> None:
    result = judge(Settings(uses_guard=True))

    assert [v for v in result.violations if v.severity >= Severity.WARNING] == []
    assert [v.suppressed for v in result.suppressed] == [
        "the table has 300 rows, it takes a millisecond"
    ]


@pytest.mark.parametrize("history", ["bookshop", "subscriptions"], indirect=True)
def test_the_histories_run(shop: Shop, history: str) -> None:
    shop.query("DROP TABLE shop_order, shop_customer; DELETE FROM django_migrations")
    executor = MigrationExecutor(shop.connection)

    executor.migrate(executor.loader.graph.leaf_nodes())

    applied = shop.query("SELECT count(*) FROM django_migrations WHERE app = 'shop'")
    assert applied == len(list((CORPUS / history).glob("0*.py")))
