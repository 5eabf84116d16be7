"""Raw SQL, COPY and other programs: triggers note what Django does not see."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction

from origin import invalidation, purge
from origin.datacache import layers, relay, triggers
from origin.datacache.redis_link import Away
from origin.outbox import Outbox, get_outbox
from tests.datacache.postgresql import aliases
from tests.datacache.shop.cached import shoes
from tests.datacache.shop.models import Plain, Shelf, Shoe, Tag
from tests.datacache.test_levels import wait_until
from tests.origin.fake_edge import FakeEdge


@pytest.fixture
def shop(monkeypatch, django_db_blocker, postgres_database, shared) -> Iterator[Shelf]:
    node = postgres_database.cluster.primary
    values = node.django_settings(postgres_database.name)
    primary = {**values, "ENGINE": "django.db.backends.postgresql"}
    with django_db_blocker.unblock(), aliases(monkeypatch, {"default": primary}):
        with connection.schema_editor() as editor:
            for model in (Shelf, Shoe, Tag):
                editor.create_model(model)
        shelf = Shelf.objects.create(name="top")
        for number in (1, 2):
            Shoe.objects.create(pk=number, shelf=shelf, name="Rain", price=Decimal("1.00"))
        yield shelf
        layers.reset_levels()


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def noted() -> list[set[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT groups FROM twopass_changes ORDER BY id")
        found = [groups for (groups,) in cursor.fetchall()]
    return [{name for name in groups if not name.startswith("rows:")} for groups in found]


def test_one_statement_is_noted_once_before_and_after(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    other = Shelf.objects.create(name="low")
    here, there = f"shelf:{shop.pk}", f"shelf:{other.pk}"

    sql(f"UPDATE shop_shoe SET shelf_id = {other.pk} WHERE id = 1")
    sql("DELETE FROM shop_shoe WHERE id = 2", "UPDATE shop_shoe SET name = 'x' WHERE id = 99")
    columns = "(id, name, price, size, notes, shelf_id)"
    sql(f"INSERT INTO shop_shoe {columns} VALUES (3, 'x', 1, 's', '', {shop.pk})")

    assert noted() == [{"shoe:1", here, there}, {"shoe:2", here}, {"shoe:3", here}]


def test_raw_sql_drops_what_is_cached_and_a_rollback_does_not(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    assert shoes.get(1).price == 1
    with transaction.atomic():
        sql("UPDATE shop_shoe SET price = 9")
        transaction.set_rollback(True)
    changes = relay.Relay("default")
    assert changes.pass_on() == 0

    sql("UPDATE shop_shoe SET price = 2")
    assert shoes.get(1).price == 1
    assert changes.pass_on() == 1

    assert shoes.get(1).price == 2
    assert noted() == []


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[FakeEdge]:
    """One that does not answer yet."""
    edge = FakeEdge()
    settings.TWOPASS = {**settings.TWOPASS, "EDGES": [edge.url], "ADMIN_TOKEN": "t"}
    monkeypatch.setattr("origin.outbox._outbox", Outbox())
    yield edge
    get_outbox().close(0.0)
    edge.stop()


def test_a_note_stays_until_every_edge_has_taken_its_purge(
    shop: Shelf, edge: FakeEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay that is killed takes its outbox with it: the next one begins from the table."""
    call_command("relay_changes", install=["shop.Shoe"])
    killed = relay.Relay("default")
    sql("UPDATE shop_shoe SET price = 2 WHERE id = 1")
    assert killed.pass_on() == 1
    sql("UPDATE shop_shoe SET price = 2 WHERE id = 2")
    assert killed.pass_on() == 1  # what was passed on is not passed on again
    assert killed.settle() == len(noted()) == 2

    get_outbox().close(0.0)
    monkeypatch.setattr("origin.outbox._outbox", Outbox())
    edge.start()
    changes = relay.Relay("default")
    assert changes.pass_on() == 2
    wait_until(lambda: changes.settle() == 0)

    assert {"shoe:1", "shoe:2"} <= edge.groups
    assert noted() == []


def test_once_says_what_did_not_arrive(
    shop: Shelf, edge: FakeEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    sql("UPDATE shop_shoe SET price = 2 WHERE id = 1")
    with pytest.raises(CommandError, match="1 of them"):
        call_command("relay_changes", once=True)

    edge.start()
    call_command("relay_changes", once=True)
    assert noted() == []
    assert "shoe:1" in edge.groups


def test_a_note_stays_until_redis_has_taken_its_purge(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    changes, levels = relay.Relay("default"), layers.get_levels()
    sql("UPDATE shop_shoe SET price = 2 WHERE id = 1")
    assert levels.link
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels.link, "call", _away)
        assert changes.pass_on() == 1
        assert changes.settle() == len(noted()) == 1

    assert changes.settle() == 0
    assert noted() == []


def _away(commands: object) -> list[object]:
    raise Away("it does not answer")


def test_the_relay_runs_as_a_service_and_ends_when_told(shop: Shelf, postgres_database) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    shoes.get(1)
    conf = layers.get_levels().conf
    script = (
        "import os, json; from tests.datacache import settings as s;"
        "s.DATABASES = {'default': json.loads(os.environ['DB'])};"
        "s.DATACACHE = {'REDIS': os.environ['REDIS']};"
        "import django; django.setup(); from django.core.management import call_command;"
        "call_command('relay_changes')"
    )
    values = postgres_database.cluster.primary.django_settings(postgres_database.name)
    database = {**values, "ENGINE": "django.db.backends.postgresql"}
    process = subprocess.Popen(
        [sys.executable, "-uc", script],
        env={**os.environ, "DB": json.dumps(database, default=str), "REDIS": conf.redis},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "passing on changes\n"
        sql("UPDATE shop_shoe SET price = 5")
        wait_until(lambda: shoes.get(1).price == 5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_triggers_come_and_go(shop: Shelf) -> None:
    with pytest.raises(CommandError, match="--install"):
        call_command("relay_changes", once=True)
    call_command("relay_changes", install=["shop.Shoe"])
    call_command("relay_changes", install=["shop.Shoe"])
    assert triggers.installed(connection) == {"shop_shoe", "shop_tag_shoes"}
    call_command("relay_changes", install=["shop.Tag"])
    call_command("relay_changes", remove=["shop.Shoe"])
    assert triggers.installed(connection) == {"shop_tag", "shop_tag_shoes"}
    call_command("relay_changes", remove=["shop.Tag"])
    assert triggers.installed(connection) == set()


def test_a_table_that_is_emptied_is_noted(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    assert shoes.get(1).price == 1

    sql("TRUNCATE shop_shoe CASCADE")

    assert noted() == [{"shoe:1", "shoe:2", f"shelf:{shop.pk}"}]
    relay.Relay("default").pass_on()
    assert shoes.get(1) is None


def test_what_foreign_keys_of_the_database_do_is_noted(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    sql(
        "ALTER TABLE shop_shoe ADD FOREIGN KEY (shelf_id)"
        " REFERENCES shop_shelf (id) ON DELETE CASCADE",
        "DELETE FROM shop_shelf",
    )

    assert noted() == [{"shoe:1", "shoe:2", f"shelf:{shop.pk}"}]


def test_more_names_than_anybody_sends_purge_everything(shop: Shelf, monkeypatch) -> None:
    for module in (triggers, purge):
        monkeypatch.setattr(module, "MAX_NAMES", 5)
    purged: list[purge.Purge] = []
    call_command("relay_changes", install=["shop.Shoe"])
    sql(
        "INSERT INTO shop_shoe (id, name, price, size, notes, shelf_id)"
        f" SELECT n, 'x', 1, 's', '', {shop.pk} FROM generate_series(3, 50) n"
    )
    monkeypatch.setattr(invalidation, "_listeners", [purged.append])
    assert relay.Relay("default").pass_on() == 1
    sql("TRUNCATE shop_shoe CASCADE")
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(groups) FROM twopass_changes")
        assert cursor.fetchall() == [(6,)]
    relay.Relay("default").pass_on()

    assert [one.everything for one in purged] == [True, True]


def test_many_to_many_tables_note_both_sides(shop: Shelf) -> None:
    call_command("relay_changes", install=["shop.Shoe"])
    tag = Tag.objects.create(name="wet")
    here = {"shoe:1", f"shelf:{shop.pk}", f"tag:{tag.pk}"}

    for _ in range(2):
        sql(f"INSERT INTO shop_tag_shoes (tag_id, shoe_id) VALUES ({tag.pk}, 1)")
        sql("DELETE FROM shop_tag_shoes")
    sql(f"INSERT INTO shop_tag_shoes (tag_id, shoe_id) VALUES ({tag.pk}, 1)")
    sql("TRUNCATE shop_tag_shoes")

    assert noted() == [here] * 6


def test_groups_that_python_computes_are_said_to_be_out_of_reach(shop: Shelf, monkeypatch) -> None:
    monkeypatch.setattr(Tag, "two_pass_groups", lambda tag: [f"tag:{tag.pk}"])
    with pytest.raises(CommandError, match=r"Tag computes groups in Python.*'tag:\{pk\}'"):
        call_command("relay_changes", install=["shop.Tag"])
    call_command("relay_changes", install=["shop.Shoe"])
    tag = Tag.objects.create(name="wet")

    sql(f"INSERT INTO shop_tag_shoes (tag_id, shoe_id) VALUES ({tag.pk}, 1)")

    assert noted() == [{"shoe:1", f"shelf:{shop.pk}"}]


def test_a_many_to_many_table_that_is_not_there_yet_waits_for_the_next_install(shop: Shelf) -> None:
    sql("ALTER TABLE shop_tag_shoes RENAME TO elsewhere")
    call_command("relay_changes", install=["shop.Shoe"])
    sql("ALTER TABLE elsewhere RENAME TO shop_tag_shoes")
    assert triggers.installed(connection) == {"shop_shoe"}

    call_command("relay_changes", install=["shop.Shoe"])

    assert triggers.installed(connection) == {"shop_shoe", "shop_tag_shoes"}


def test_what_a_trigger_cannot_name_is_refused(shop: Shelf) -> None:
    class Dated(models.Model):
        two_pass_groups = ("day:{day}",)
        day = models.DateField()

        class Meta:
            app_label = "shop"

        def __str__(self) -> str:
            return str(self.day)

    with pytest.raises(triggers.NoTrigger, match="is not Python's"):
        triggers.install(connection, Dated)
    with pytest.raises(triggers.NoTrigger, match="declares no groups"):
        triggers.install(connection, Plain)
    with pytest.raises(CommandError, match="is no model"):
        call_command("relay_changes", install=["shop.Nothing"])
