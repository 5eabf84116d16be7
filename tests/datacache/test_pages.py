"""What pages learn from the data they show, from the database to the visitor."""

import json
import re
from decimal import Decimal
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.cache.utils import make_template_fragment_key
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client

import devstack
from dbrouting import metrics
from origin.conf import get_settings
from origin.datacache import cached, layers
from origin.datacache.dependencies import collecting
from origin.report.asking import ask
from tests.datacache.conftest import Begin
from tests.datacache.shop.cached import price_of
from tests.datacache.shop.models import Shelf, Shoe
from tests.datacache.shop.urls import block_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shelf() -> None:
    cache.clear()
    shelf = Shelf.objects.create(pk=1, name="top")
    Shoe.objects.create(pk=1, shelf=shelf, name="Rain", price=Decimal("1.00"))


def test_groups_and_the_strictest_age_go_up_to_the_shell(shared: layers.Levels) -> None:
    for _ in range(2):  # loaded, and at hand
        shell = ask(Client(), "/shoe/1/", "first", get_settings()).shell

        assert shell is not None
        assert "shoe:1" in shell.groups
        assert 0 < shell.max_age <= 60


def groups_and_age(path: str) -> tuple[set[str], float]:
    shell = ask(Client(), path, "first", get_settings()).shell

    assert shell is not None
    return set(shell.groups), shell.max_age


def test_a_hit_of_a_cached_block_brings_groups_and_age(shared: layers.Levels) -> None:
    """Also in a process whose data caches are empty: nothing but the block is read."""
    for _ in range(2):
        groups, age = groups_and_age("/block/1/")
        layers.get_levels().process.clear()
        shared.link.call([("FLUSHALL",)])

        assert {"shoe:1", "by-hand:1"} <= groups
        assert 0 < age <= 60


def test_a_block_that_a_job_filled_brings_them_too(shared: layers.Levels) -> None:
    block_of(1)

    assert "shoe:1" in groups_and_age("/block/1/")[0]


def test_a_cached_function_learns_what_a_block_in_it_holds(shared: layers.Levels) -> None:
    block_of(1)

    @cached(max_age=600)
    def shown() -> str:
        return block_of(1)

    with collecting() as found:
        shown()
    assert "shoe:1" in found.groups
    assert found.left is not None
    assert found.left <= 60


@pytest.mark.parametrize("beside", [None, "something", ["a digest", ["shoe:2"], None]])
def test_a_block_whose_groups_are_not_known_is_rendered_anew(
    shared: layers.Levels, beside: object
) -> None:
    """As one that a release before has filled, or whose groups were evicted."""
    block_of(1)
    key = make_template_fragment_key("outer", [1])
    cache.set(key, "old")
    cache.set(f"{key}.twopass", beside)

    groups, _ = groups_and_age("/block/1/")

    assert "shoe:1" in groups
    assert cache.get(key) == "<b>1.00</b>"
    assert "shoe:1" in cache.get(f"{key}.twopass")[1]


def test_a_block_in_a_cache_of_its_own_keeps_its_groups_there(shared: layers.Levels) -> None:
    template = Template(
        '{% load cache %}{% cache None own using="default" %}{{ price }}{% endcache %}'
    )
    context = Context({"price": lambda: price_of(1)})
    for _ in range(2):
        with collecting() as found:
            assert template.render(context) == "1.00"

        assert "shoe:1" in found.groups
    assert "shoe:1" in cache.get(f"{make_template_fragment_key('own')}.twopass")[1]


def test_outside_of_pages_a_block_is_what_lies_in_the_cache(shared: layers.Levels) -> None:
    cache.set(make_template_fragment_key("outer", [1]), "by hand")

    assert block_of(1) == "by hand"


def test_the_report_looks_into_cached_blocks(shared: layers.Levels) -> None:
    out = StringIO()
    for _ in range(2):
        call_command("two_pass_report", "--explain", "/block/1/", stdout=out)

    assert out.getvalue().count("{% cache %} price(): ") == 2
    assert out.getvalue().count("tests.datacache.shop.cached.Shoes(1): shoe:1") == 2


def test_what_there_is_none_of_or_cannot_be_stored_brings_its_groups() -> None:
    for _ in range(2):
        groups, age = groups_and_age("/rating/1/")

        assert {"rating:1", "unstorable:1", "shoe:1"} <= groups
        assert 0 < age <= 60


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


def test_the_report_lists_what_is_declared() -> None:
    out = StringIO()
    call_command("two_pass_report", "--data", stdout=out)
    block = out.getvalue().partition("tests.datacache.shop.cached.Ratings\n")[2].splitlines()[:4]
    call_command("two_pass_report", "--data", "--json", stdout=(out := StringIO()))
    rows = {row["name"]: row for row in json.loads(out.getvalue())}
    row = rows["tests.datacache.shop.cached.Ratings"]

    assert block == [
        "    max_age     120 s",
        "    stale       0 s",
        "    groups      rating:{key}",
        f"    schema      {row['schema']}",
    ]
    assert rows["tests.datacache.shop.cached.Shoes"]["groups"] == ["shelf:{shelf_id}", "shoe:{pk}"]
    assert rows["tests.datacache.shop.cached.Shoes.list"]["groups"] == ["rows:shop.shoe"]
    assert rows["tests.datacache.shop.cached.unstorable"]["groups"] == ["unstorable:{pk}"]


def test_the_page_of_metrics_has_what_was_counted(shared: layers.Levels) -> None:
    for _ in range(2):
        price_of(1)
    text = metrics.render()

    name = "tests.datacache.shop.cached.price_of"
    for sample in [
        'twopass_datacache_values_total{level="process"} 1',
        'twopass_datacache_values_total{level="loader"} 2',
        f'twopass_datacache_loads_total{{declaration="{name}"}} 1',
        'twopass_datacache_events_total{event="lost"} 0',
        "twopass_datacache_stampedes_prevented_total 0",
        "twopass_datacache_evictions_total 0",
        "twopass_datacache_held_values 2",
    ]:
        assert f"{sample}\n" in text
    for sample in [
        f'twopass_datacache_load_seconds_total{{declaration="{name}"}}',
        "twopass_datacache_written_bytes_total",
        "twopass_datacache_held_bytes",
    ]:
        (found,) = re.findall(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        assert float(found) > 0


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
