"""A price from the database through data caches and shells to the visitor, and a rebuild."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from devstack import RedisServer
from tests.end_to_end.stack import ROOT, Stack

MANAGE = (sys.executable, "-m", "examples.storefront.manage")
CHANGE = """
from decimal import Decimal
from examples.storefront.catalogue.models import Product
from origin.invalidation import collect_receipts, wait_for_receipts
with collect_receipts():
    {change}
    assert wait_for_receipts(20.0), "no receipt"
print(Product.objects.get(pk=1).get_absolute_url())
"""


@pytest.fixture
def cached_shop(
    stack_factory: Callable[..., Stack], fresh_redis_server: RedisServer, tmp_path: Path
) -> tuple[Stack, dict[str, str]]:
    """The storefront with the Redis level, and the environment of its commands."""
    return shop_of(stack_factory, fresh_redis_server.url, tmp_path)


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MANAGE, *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def change(environment: dict[str, str], statement: str) -> str:
    """Change something in a process of its own, as a job would; the first product's address."""
    done = manage(environment, "shell", "--no-imports", "-c", CHANGE.format(change=statement))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def shop_of(
    stack_factory: Callable[..., Stack], redis_url: str, tmp_path: Path
) -> tuple[Stack, dict[str, str]]:
    stack = stack_factory({"STOREFRONT_DATACACHE_URL": redis_url, "TMPDIR": str(tmp_path)})
    return stack, {**stack.origin.environment}


def passed(stack: Stack, path: str) -> httpx.Response:
    """The page from some worker of the origin, rendered whole: nothing but data is cached."""
    return httpx.get(stack.origin_url + path, headers={"Authorization": "Basic eDp5"}, timeout=30)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("with_redis", [True, False], ids=["redis", "no-redis"])
def test_a_price_is_on_the_page_by_the_next_request_after_the_receipt(
    stack_factory: Callable[..., Stack],
    fresh_redis_server: RedisServer,
    tmp_path: Path,
    with_redis: bool,
) -> None:
    """Database, data caches of two other processes, shell, edge."""
    url = fresh_redis_server.url if with_redis else ""
    stack, environment = shop_of(stack_factory, url, tmp_path)
    path = change(environment, "Product.objects.filter(pk=1).update(price=Decimal('1234.00'))")
    with httpx.Client(base_url=stack.edge, timeout=30) as visitor:
        for price in ("2345.00", "3456.00", "4567.00"):
            for _ in range(8):  # both workers have it at hand
                assert passed(stack, path).status_code == 200
            assert visitor.get(path).status_code == 200

            change(environment, f"Product.objects.filter(pk=1).update(price=Decimal('{price}'))")

            shown = f"€{int(float(price)):,}.00"
            assert shown in visitor.get(path).text
            for _ in range(8):
                assert shown in passed(stack, path).text


@pytest.mark.timeout(600)
def test_a_rebuild_through_the_edge_killed_and_resumed(
    cached_shop: tuple[Stack, dict[str, str]], tmp_path: Path
) -> None:
    stack, environment = cached_shop
    # not the home pages, of which there is one for each A/B bucket that a visitor may draw
    sitemap = tmp_path / "sitemap.xml"
    products = manage(
        environment,
        *("shell", "--no-imports", "-c"),
        "from examples.storefront.catalogue.models import Product\n"
        "found = Product.objects.all()[:120]\n"
        "print(found[0].pk, *(product.get_absolute_url() for product in found))",
    ).stdout.split()
    first = products.pop(0)
    paths = [stack.edge + path for path in products]
    sitemap.write_text(
        "<urlset>" + "".join(f"<url><loc>{path}</loc></url>" for path in paths) + "</urlset>"
    )
    options = ("rebuild_cache", "--sitemap", str(sitemap), "--through", stack.edge)
    options += ("--processes", "1", "--batch", "5")
    killed = subprocess.Popen(
        [*MANAGE, *options],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        journals = Path(tmp_path)
        deadline = time.monotonic() + 120
        while not any(len(j.read_text().splitlines()) > 10 for j in journals.glob("*.journal")):
            assert time.monotonic() < deadline
            assert killed.poll() is None
            time.sleep(0.05)
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()

    resumed = manage(environment, *options)

    assert resumed.returncode == 0, resumed.stderr
    assert "going on after" in resumed.stderr
    assert not list(tmp_path.glob("*.journal"))
    stack.mark()
    again = manage(environment, *options)
    assert f"{len(paths)} fresh" in again.stdout, again.stdout
    assert stack.origin_requests() == []
    with httpx.Client() as visitor:
        assert "hit" in visitor.get(paths[50]).headers["Cache-Status"]

    # a price import: what shows the price is made anew, and nothing else
    change(environment, f"Product.objects.filter(pk={first}).update(price=Decimal('3210.00'))")
    partial = manage(environment, *options)
    assert partial.returncode == 0, partial.stderr
    found = re.search(r": (\d+) fresh, (\d+) made", partial.stdout)
    assert found, partial.stdout
    fresh, made = map(int, found.groups())
    assert (fresh + made, 1 <= made <= 12) == (len(paths), True), partial.stdout
    with httpx.Client() as visitor:
        shown = visitor.get(paths[0])
        assert "€3,210.00" in shown.text
        assert "hit" in shown.headers["Cache-Status"]

    forced = manage(environment, *options, "--only-group", f"product:{first}", "--force")
    assert forced.returncode == 0, forced.stderr
    assert "1 pages in" in forced.stdout
    assert "1 made" in forced.stdout

    # no source says which groups these pages have, and no edge holds any of them now
    stack.purge(all=True)
    learned = manage(environment, *options, "--only-group", f"product:{first}")
    assert learned.returncode == 0, learned.stderr
    found = re.search(r"(\d+) pages in .*: (\d+) made", learned.stdout)
    assert found, learned.stdout
    assert 1 <= int(found[1]) == int(found[2]) <= 12
    with httpx.Client() as visitor:
        assert "hit" in visitor.get(paths[0]).headers["Cache-Status"]


def some_products(environment: dict[str, str], count: int) -> list[str]:
    return manage(
        environment,
        *("shell", "--no-imports", "-c"),
        "from examples.storefront.catalogue.models import Product\n"
        f"print(*(p.get_absolute_url() for p in Product.objects.all()[:{count}]))",
    ).stdout.split()


def listing(tmp_path: Path, paths: list[str]) -> tuple[str, ...]:
    """Options for those pages, as visitors see them who come by TLS."""
    site = "https://localhost"
    entries = "".join(f"<url><loc>{site}{path}</loc></url>" for path in paths)
    (tmp_path / "sitemap.xml").write_text(f"<urlset>{entries}</urlset>")
    return ("rebuild_cache", "--sitemap", str(tmp_path / "sitemap.xml"), "--processes", "1")


@pytest.mark.timeout(300)
def test_what_is_rebuilt_for_visitors_behind_tls_is_what_they_hit(
    stack_factory: Callable[..., Stack], tmp_path: Path
) -> None:
    """TLS ends before the edge, which is told of it; the rebuild comes without TLS."""
    folder = {"TMPDIR": str(tmp_path)}
    stack = stack_factory(folder, edge_options=("--trusted-proxies", "127.0.0.1"))
    environment = {**stack.origin.environment}
    paths = some_products(environment, 3)
    options = listing(tmp_path, paths)

    made = manage(environment, *options, "--through", stack.edge)

    assert made.returncode == 0, made.stderr
    assert "3 made" in made.stdout, made.stdout
    told = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    stack.mark()
    for path in paths:
        page = httpx.get(stack.edge + path, headers=told, timeout=30)
        assert (page.status_code, page.headers["Cache-Status"][:11]) == (200, "twopass;hit")
    assert stack.origin_requests() == []


@pytest.mark.timeout(300)
def test_a_rebuild_into_an_edge_that_does_not_believe_it_says_so(
    shop: Stack, tmp_path: Path
) -> None:
    environment = {**shop.origin.environment, "TMPDIR": str(tmp_path)}
    paths = some_products(environment, 30)
    options = listing(tmp_path, paths)
    shop.mark()

    ended = manage(environment, *options, "--batch", "1", "--through", shop.edge)

    assert ended.returncode == 2
    assert f"{shop.edge} keeps https://localhost" in ended.stderr
    assert "as one of http://localhost" in ended.stderr
    assert "--trusted-proxies" in ended.stderr
    assert len([line for line in shop.origin_requests() if line.split()[1] in paths]) < 15


@pytest.mark.timeout(300)
def test_the_most_visited_pages_are_made_first_though_all_were_purged_just_now(
    stack_factory: Callable[..., Stack], fresh_redis_server: RedisServer, tmp_path: Path
) -> None:
    """Two workers have each seen a part of the visits, most of them answered by the fast path."""
    environment = {"STOREFRONT_DATACACHE_URL": fresh_redis_server.url, "TMPDIR": str(tmp_path)}
    stack = stack_factory(environment, edge_options=("--workers", "2"))
    environment = {**stack.origin.environment}
    found = some_products(environment, 6)
    assert len(found) == 6
    times = dict(zip(found, (1, 9, 0, 30, 0, 16), strict=True))
    expected = [found[at] for at in (3, 5, 1, 0, 2, 4)]
    for path, count in times.items():
        for number in range(count):
            # who comes anew meets either worker; nothing that a visitor adds makes another page
            url = f"{stack.edge}{path}?utm_source={number}"
            assert httpx.get(url, headers={"Connection": "close"}, timeout=30).status_code == 200
            with httpx.Client() as visitor:
                assert visitor.get(stack.edge + path, timeout=30).status_code == 200
    stack.purge(all=True)

    with stack.admin() as admin:
        assert not admin.get("/objects").json()
        visits = {row["url"]: row["visits"] for row in admin.get("/visits").json()}
        seen = admin.get("/status").json()["processes"].values()
    assert [process["store"]["visited_pages"] > 0 for process in seen] == [True, True]
    assert {url: round(number) for url, number in visits.items()} == {
        stack.edge + path: 2 * count for path, count in times.items() if count
    }

    sitemap = tmp_path / "sitemap.xml"
    sitemap.write_text(
        "<urlset>"
        + "".join(f"<url><loc>{stack.edge}{path}</loc></url>" for path in found)
        + "</urlset>"
    )
    stack.mark()
    made = manage(
        environment,
        *("rebuild_cache", "--sitemap", str(sitemap), "--through", stack.edge),
        *("--processes", "1"),
    )
    assert made.returncode == 0, made.stderr
    assert "6 made" in made.stdout
    asked = [line.split()[1] for line in stack.origin_requests() if line.split()[1] in times]
    assert asked == expected
    with stack.admin() as admin:  # the rebuild is no visitor
        after = {row["url"]: row["visits"] for row in admin.get("/visits").json()}
    assert after.keys() == visits.keys()
    assert all(after[url] <= visits[url] for url in visits)
