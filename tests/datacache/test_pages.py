"""What pages learn from the data they show, from the database to the visitor."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

import devstack
from origin.conf import get_settings
from origin.datacache import layers
from origin.datacache.panel import DataCachePanel
from origin.report.asking import ask
from tests.datacache.conftest import Begin
from tests.datacache.shop.models import Shelf, Shoe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shelf() -> None:
    shelf = Shelf.objects.create(pk=1, name="top")
    Shoe.objects.create(pk=1, shelf=shelf, name="Rain", price=Decimal("1.00"))


def test_groups_and_the_strictest_age_go_up_to_the_shell(shared: layers.Levels) -> None:
    for _ in range(2):  # loaded, and at hand
        shell = ask(Client(), "/shoe/1/", "first", get_settings()).shell

        assert shell is not None
        assert "shoe:1" in shell.groups
        assert 0 < shell.max_age <= 60


@pytest.mark.parametrize("has_redis", [True, False])
def test_a_changed_price_is_on_the_page_at_the_next_request(
    redis_server: devstack.RedisServer, begin: Begin, has_redis: bool
) -> None:
    """Database, data caches, shell: nobody named a group by hand."""
    redis_server.flush()
    begin(redis_server if has_redis else None)
    client = Client()
    assert client.get("/shoe/1/").content == b"<p>costs 1.00</p>"
    for price in ("2.00", "3.00"):
        Shoe.objects.filter(pk=1).update(price=Decimal(price))

        assert client.get("/shoe/1/").content == f"<p>costs {price}</p>".encode()


def test_the_report_shows_what_a_page_is_made_of(shared: layers.Levels) -> None:
    for _ in range(2):  # also when all of it is cached
        out = StringIO()
        call_command("two_pass_report", "--explain", "/shoe/1/", stdout=out)
        text = out.getvalue()

        assert "made of     tests.datacache.shop.cached.price_of(1): shoe:1" in text
        assert "made of         tests.datacache.shop.cached.Shoes(1): shoe:1, fresh 300 s" in text


def test_a_request_knows_what_was_invalidated_before_it_began(
    shared: layers.Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a process that has not been told yet: its shell would be kept for long."""
    conf = get_settings()
    ask(Client(), "/shoe/1/", "first", conf)
    monkeypatch.setattr(shared.clock, "_on_message", shared._heard)
    other = layers.Levels(shared.conf)
    assert shared._listener
    shared._listener.close()
    Shoe._base_manager.filter(pk=1).update(price=Decimal("2.00"))  # as another process would

    other.invalidate(["shoe:1"])
    shell = ask(Client(), "/shoe/1/", "first", conf).shell

    assert shell is not None
    assert b"costs 2.00" in shell.body[0]
    other.close()


def test_the_debug_toolbar_panel_counts_levels(shared: layers.Levels, rf) -> None:
    from tests.datacache.shop.cached import price_of

    class Toolbar:
        def __init__(self) -> None:
            self.stats: dict[str, object] = {}

    panel = DataCachePanel.__new__(DataCachePanel)
    recorded: dict[str, object] = {}
    panel.record_stats = recorded.update  # type: ignore[method-assign]
    panel.get_stats = lambda: recorded  # type: ignore[method-assign]
    panel.enable_instrumentation()
    price_of(1), price_of(1)
    panel.disable_instrumentation()
    panel.generate_stats(rf.get("/"), None)  # type: ignore[arg-type]

    assert panel.nav_subtitle == "0 request, 1 process, 0 redis, 2 loader"
    assert "price_of" in panel.content
