"""Every rule on real PostgreSQL: the bad migration stops visitors or breaks the old release, the
recipe does neither, while a reader and a writer keep trying.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, assert_never

import psycopg
import pytest
from django.db import connections

from migrations_policy.recipe import Paste
from migrations_policy.rule import Blocks, BreaksOldCode, Fails, Leaves, NotShown, Queues, Rule
from migrations_policy.rules import ALL
from tests.migrations_policy.test_rules_lint import judge
from tests.migrations_policy.workbench import Shop, Visitors, record, stopped

SHOWN_ELSEWHERE = {"twin", "deleted", "edited"}  # test_history_rules.py
CORE_ROWS = 12
LIVE = [
    pytest.param(rule, id=rule.name, marks=[] if rule.row <= CORE_ROWS else [pytest.mark.full])
    for rule in ALL
    if not isinstance(rule.example.shown, NotShown)
    and rule.example.attributes not in SHOWN_ELSEWHERE
]


def prepare(shop: Shop, rule: Rule) -> tuple[str, list[Any]]:
    """Write setup and bad migration, lint, migrate up to the setup; return bad and recipe."""
    bad = shop.write_example(rule.example)
    found = [v for v in judge(shop, rule).violations if v.rule == rule.name]
    if rule.example.setup:
        shop.migrate("0002_setup")
    return bad, list(found[0].recipe)


def use_recipe(shop: Shop, rule: Rule, bad: str, recipe: list[Any]) -> list[tuple[str, Paste]]:
    shop.remove(bad)
    return shop.write_recipe(tuple(recipe), rule.example.preamble)


@pytest.mark.parametrize("rule", LIVE)
def test_bad_migration_does_harm(shop: Shop, rule: Rule) -> None:
    bad, _ = prepare(shop, rule)
    shown = rule.example.shown

    match shown:
        case Blocks():
            visitors = Visitors(shop, shown.table)
            moments = record(shop, visitors, lambda: shop.migrate(bad))
            if shown.long:
                assert stopped(moments, visitors, shown.table) == (shown.reads, shown.writes)
            else:
                assert bool(visitors.reads_blocked) == shown.reads
                assert bool(visitors.writes_blocked) == shown.writes
        case BreaksOldCode():
            if shown.worked_before:
                shop.query(shown.statement, keep=False)
            shop.migrate(bad)
            with pytest.raises(psycopg.Error):
                shop.query(shown.statement)
        case Fails():
            fails(shop, bad, shown)
        case Leaves():
            assert leaves(shop, shown, lambda: shop.migrate(bad)) == shown.bad
        case Queues():
            assert queue(shop, shown.table, lambda: shop.migrate(bad)) is True
        case NotShown():
            raise AssertionError("not live")
        case _:
            assert_never(shown)


@pytest.mark.parametrize("rule", LIVE)
def test_recipe_does_no_harm(shop: Shop, rule: Rule) -> None:
    bad, recipe = prepare(shop, rule)
    steps = use_recipe(shop, rule, bad, recipe)
    shown = rule.example.shown
    keeps = bool(rule.example.keeps)

    for name, step in steps:
        match shown:
            case Blocks():
                visitors = Visitors(shop, shown.table)
                moments = record(shop, visitors, lambda name=name: shop.migrate(name))
                assert visitors.attempts or not moments
                assert stopped(moments, visitors, shown.table) == (keeps, keeps)
            case BreaksOldCode():
                shop.migrate(name)
                statement = shown.statement if step.phase == "before" else shown.new_statement
                if statement:
                    shop.query(statement, keep=False)
            case Fails():
                shop.migrate(name)
                if shown.on_retry:
                    shop.query(f"DELETE FROM django_migrations WHERE name = '{name}'")
                    shop.migrate(name)
                if shown.backwards:
                    shop.migrate("0001_initial")
            case Leaves():
                value = leaves(shop, shown, lambda name=name: shop.migrate(name))
                assert value == shown.good or name != steps[-1][0]
            case Queues():
                assert queue(shop, shown.table, lambda name=name: shop.migrate(name)) is False
            case NotShown():
                raise AssertionError("not live")
            case _:
                assert_never(shown)


def fails(shop: Shop, bad: str, shown: Fails) -> None:
    """Run the bad migration and expect its error: at once, the second time, or on the way back."""
    if shown.on_retry:
        shop.migrate(bad)
        shop.query(f"DELETE FROM django_migrations WHERE name = '{bad}'")
    if shown.backwards:
        shop.migrate(bad)
    with pytest.raises(Exception, match=shown.error):
        shop.migrate("0001_initial" if shown.backwards else bad)


def leaves(shop: Shop, shown: Leaves, action: Callable[[], None]) -> Any:
    """Run a migration, failing or not, and return what the query says afterwards."""
    if shown.query == "rewrites of shop_order":
        moments = record(shop, None, action)
        return sum("shop_order" in moment.rewritten for moment in moments)
    if shown.query == "current_setting":
        return setting_during(shop, action)
    try:
        action()
    except Exception:
        shop.connection.close()
    return shop.query(shown.query)


def setting_during(shop: Shop, action: Callable[[], None]) -> str:
    """Return statement_timeout as it is while the migration's heavy statement runs."""
    seen: list[str] = []

    def look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "TYPE bigint" in str(sql):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                seen.append(cursor.fetchone()[0])
        return result

    with shop.connection.execute_wrapper(look):
        action()
    return seen[0]


def queue(shop: Shop, table: str, action: Callable[[], None]) -> bool:
    """Run a migration behind a long transaction; return whether a plain SELECT or write waits too.

    The visitor comes when the migration waits for its lock, or is through, or has given up.
    """
    report = shop.session()
    report.autocommit = False
    report.execute(f"SELECT 1 FROM {table} LIMIT 1".encode())
    report.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE false".encode())
    ended = threading.Event()

    def migrate() -> None:
        try:
            action()
        except Exception:
            pass  # it gave up: lock_timeout
        finally:
            connections.close_all()
            ended.set()

    thread = threading.Thread(target=migrate, daemon=True)
    thread.start()
    try:
        waits = wait_for_lock(shop, ended)
        return waits and visitor_waits(shop, table, ended)
    finally:
        report.rollback()
        report.close()
        thread.join(30)


def wait_for_lock(shop: Shop, ended: threading.Event) -> bool:
    """Wait until the migration waits for a lock or a transaction, or has ended; return which."""
    waiting = (
        "SELECT true FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with shop.session() as session:
        while not ended.is_set():
            if session.execute(waiting).fetchone():
                return True
            time.sleep(0.005)
    return False


def visitor_waits(shop: Shop, table: str, ended: threading.Event) -> bool:
    """Return whether a visitor waits beyond the time in which a careful migration gives up."""
    with shop.session() as session:
        session.execute("SET lock_timeout = '3s'")
        try:
            session.execute(f"SELECT 1 FROM {table} LIMIT 1".encode())
            session.execute(f"UPDATE {table} SET id = id WHERE id = 1".encode())
        except psycopg.errors.LockNotAvailable:
            return True
    return False
