"""The documentation's rule pages are what the rules say; WRITE_RULE_PAGES=1 writes them anew."""

import os
from pathlib import Path

import pytest

from migrations_policy.documentation import index, page
from migrations_policy.rule import Rule
from migrations_policy.rules import ALL
from tests.migrations_policy.test_rules_lint import judge
from tests.migrations_policy.workbench import Shop

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "migration-rules"
WRITE = bool(os.environ.get("WRITE_RULE_PAGES"))


def compare(path: Path, text: str) -> None:
    if WRITE:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    assert path.read_text() == text, "run WRITE_RULE_PAGES=1 pytest tests/migrations_policy"


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_page_is_up_to_date(shop_files: Shop, rule: Rule) -> None:
    shop_files.write_example(rule.example)
    found = [v for v in judge(shop_files, rule).violations if v.rule == rule.name]

    compare(FOLDER / f"{rule.name}.md", page(rule, found[0] if found else None))


def test_index_lists_every_rule_and_no_page_is_left_over() -> None:
    compare(FOLDER / "README.md", index(ALL))
    names = {path.stem for path in FOLDER.glob("*.md")}

    assert names == {rule.name for rule in ALL} | {"README"}


def test_every_row_of_the_reference_has_a_rule() -> None:
    assert {rule.row for rule in ALL} >= set(range(1, 66))
    assert all(rule.title and rule.why and rule.lock and rule.versions for rule in ALL)
