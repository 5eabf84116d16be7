"""Every rule finds its bad migration, says so in its own words, and is content with its recipe."""

import pytest

from migrations_policy.facts import Database
from migrations_policy.linter import Result
from migrations_policy.recipe import Paste
from migrations_policy.rule import Rule
from migrations_policy.rules import ALL
from migrations_policy.settings import Settings
from migrations_policy.violation import Severity
from tests.migrations_policy.workbench import Shop

# Rules about files and history have tests of their own (test_history_rules.py).
BY_OPERATIONS = [
    rule for rule in ALL if rule.example.attributes not in {"twin", "deleted", "edited"}
]


def judge(shop: Shop, rule: Rule) -> Result:
    example = rule.example
    options = Settings(cached_models=frozenset(example.cached))
    database = Database(
        hot_tables=frozenset(example.hot),
        replicas=example.replicas,
        server_version=example.server,
    )
    return shop.lint(options, database)


@pytest.mark.parametrize("rule", BY_OPERATIONS, ids=lambda rule: rule.name)
def test_bad_migration_is_found_and_its_recipe_is_clean(shop_files: Shop, rule: Rule) -> None:
    bad = shop_files.write_example(rule.example)

    found = [
        violation
        for violation in judge(shop_files, rule).violations
        if violation.rule == rule.name and violation.migration == bad
    ]

    assert found, f"{rule.name} did not find its own example"
    assert found[0].severity == rule.severity
    assert rule.example.message in found[0].message
    assert found[0].recipe, "no recipe"

    shop_files.remove(bad)
    names = [name for name, _ in shop_files.write_recipe(found[0].recipe, rule.example.preamble)]
    assert names or not any(isinstance(step, Paste) for step in found[0].recipe)
    left = [v for v in judge(shop_files, rule).violations if v.migration in names]

    assert [v for v in left if v.rule == rule.name] == []
    errors = [v for v in left if v.severity is Severity.ERROR and v.rule not in rule.example.keeps]
    assert errors == []
