"""Rules about files and history, shown by Django itself where it notices."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from migrations_policy import checksums
from migrations_policy.facts import Database, Plan
from migrations_policy.linter import lint
from migrations_policy.plan import Scope, load_plan
from tests.migrations_policy.workbench import Shop, migration

GIFT = 'migrations.AddField("order", "gift", models.BooleanField(null=True))'


def plan_of(shop: Shop) -> Plan:
    with shop.in_use():
        return load_plan(Scope(frozenset({"shop"})))


def test_several_leaves_are_found_and_migrate_refuses_them(shop: Shop) -> None:
    shop.write("0002_one", migration(GIFT))
    shop.write("0002_two", migration(GIFT.replace("gift", "wrap")), after="0001_initial")

    found = [v for v in lint(plan_of(shop), Database()).violations if v.rule == "several-leaves"]

    assert found[0].message == "shop has several last migrations: 0002_one, 0002_two"
    with shop.in_use(), pytest.raises(CommandError, match="Conflicting migrations detected"):
        call_command("migrate", "shop", verbosity=0)

    shop.remove("0002_two")
    shop.write("0003_two", migration(GIFT.replace("gift", "wrap")))
    assert not [v for v in lint(plan_of(shop), Database()).violations if v.rule == "several-leaves"]
    shop.migrate("0003_two")


def test_a_deleted_migration_is_found_by_the_database(shop: Shop) -> None:
    from dataclasses import replace

    from migrations_policy.database import missing_files

    shop.write("0002_one", migration(GIFT))
    shop.migrate("0002_one")
    shop.remove("0002_one")
    on_disk = {("shop", "0001_initial")}

    missing = missing_files(shop.connection, on_disk, {"shop"})
    plan = replace(plan_of(shop), missing=missing)
    found = [v for v in lint(plan, Database()).violations if v.rule == "deleted-migration"]

    assert "shop.0002_one is applied, but its file is gone" in found[0].message


def test_an_edited_migration_is_found_and_layout_does_not_count(shop_files: Shop) -> None:
    from dataclasses import replace

    shop_files.write("0002_one", migration(GIFT))
    record = shop_files.folder / "record.json"
    checksums.write(record, plan_of(shop_files).migrations)
    path = shop_files.folder / shop_files.package / "0002_one.py"

    path.write_text(path.read_text() + "\n# a comment\n")
    plan = replace(plan_of(shop_files), recorded_checksums=checksums.read(record))
    assert not [v for v in lint(plan, Database()).violations if v.rule == "edited-migration"]

    path.write_text(path.read_text().replace("gift", "wrap"))
    plan = replace(plan_of(shop_files), recorded_checksums=checksums.read(record))
    found = [v for v in lint(plan, Database()).violations if v.rule == "edited-migration"]
    assert [v.migration for v in found] == ["0002_one"]
