"""What pages learn from the data they show, from the database to the visitor."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client

import devstack
from origin.conf import get_settings
from origin.datacache import layers
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


def test_the_debug_toolbar_panel_counts_levels(shared: layers.Levels, rf, settings) -> None:
    """In the toolbar itself, around a request, as it calls its panels."""
    settings.STATIC_URL = "/static/"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "debug_toolbar"]
    settings.DEBUG_TOOLBAR_PANELS = ["origin.datacache.panel.DataCachePanel"]
    from debug_toolbar.toolbar import DebugToolbar

    from tests.datacache.shop.cached import price_of

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{price_of(1)} {price_of(1)}")

    request = rf.get("/")
    toolbar = DebugToolbar(request, view)
    (panel,) = [item for item in toolbar.panels if item.panel_id == "TwoPassDataCache"]
    panel.enable_instrumentation()
    response = panel.process_request(request)
    panel.disable_instrumentation()
    panel.generate_stats(request, response)

    assert panel.nav_subtitle == "0 request, 1 process, 0 redis, 2 loader"
    assert "loader: tests.datacache.shop.cached.price_of" in panel.content
    assert "<th>hits_process</th><td>1</td>" in panel.content
