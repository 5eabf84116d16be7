"""One visitor's bytes never reach another: thousands of mixed requests, side by side."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import httpx
import pytest

from tests.end_to_end.shells import fetch_shell
from tests.end_to_end.shopper import BADGE, GREETING, Seen, Shopper, links_on, products_on
from tests.end_to_end.stack import Stack

NAMES = ("Aquila", "Borealis", "Cygnus", "Draco", "Eridanus", "Fornax")
REQUESTS_EACH = 400


class Pages:
    """What there is to visit, found once."""

    def __init__(self, base: str) -> None:
        with Shopper(base) as visitor:
            home = visitor.get("/en/").response.text
            self.categories = links_on(home, "c")[:6]
            listing = visitor.get(self.categories[0]).response.text
            self.products = links_on(listing, "p")[:12]
            self.for_sale = products_on(listing)[:12]
        self.all = ["/en/", "/en/journal/", "/en/search/?q=lamp", *self.categories, *self.products]


@pytest.fixture(scope="module")
def pages(shop: Stack) -> Pages:
    return Pages(shop.edge)


def shop_around(
    shopper: Shopper, pages: Pages, requests: int, chance: random.Random, everybody: list[str]
) -> int:
    """Browse, add, log in and out, in random order; every page is checked. The pages seen."""
    others = [name for name in everybody if name != shopper.name]
    seen_pages = 0
    while seen_pages < requests:
        point = chance.random()
        if point < 0.05 and shopper.pieces < 20:
            shopper.add(pages.categories[0], chance.choice(pages.for_sale))
        elif point < 0.06 and shopper.signed_in:
            shopper.log_out()
        elif point < 0.10 and not shopper.signed_in:
            shopper.client.cookies.clear()
            shopper.pieces = 0
            shopper.log_in()
            # what lay in the account's basket is back: learn it from the origin's own page
            basket = Seen.of(shopper.client.get("/en/basket/"))
            shopper.pieces = basket.pieces
        seen = shopper.see(chance.choice(pages.all))
        text = seen.response.text
        assert not [name for name in others if name in text], "another visitor's name"
        seen_pages += 1
    return seen_pages


@pytest.mark.timeout(900)  # thousands of pages, on whatever machine
def test_side_by_side_visitors_see_only_themselves(shop: Stack, pages: Pages) -> None:
    def visit(number: int) -> int:
        with Shopper(shop.edge, f"{NAMES[number]}{number}") as shopper:
            shopper.sign_up()
            everybody = [f"{name}{place}" for place, name in enumerate(NAMES)]
            return shop_around(shopper, pages, REQUESTS_EACH, random.Random(number), everybody)

    with ThreadPoolExecutor(len(NAMES)) as pool:
        seen = sum(pool.map(visit, range(len(NAMES))))

    assert seen >= len(NAMES) * REQUESTS_EACH


def test_cookies_swapped_on_one_connection(shop: Stack, pages: Pages) -> None:
    """A proxy in front may send several visitors down one keep-alive connection."""
    with Shopper(shop.edge, "Gemini") as first, Shopper(shop.edge, "Hydra") as second:
        first.sign_up()
        second.sign_up()
        second.add(pages.categories[0], pages.for_sale[0])
        limits = httpx.Limits(max_connections=1)
        with httpx.Client(base_url=shop.edge, limits=limits, timeout=30) as line:
            for step in range(200):
                who = (first, second, None)[step % 3]
                cookies = (
                    "; ".join(f"{k}={v}" for k, v in who.client.cookies.items()) if who else ""
                )
                headers = {"Cookie": cookies} if cookies else {}
                line.cookies.clear()
                page = pages.all[step % len(pages.all)]
                seen = Seen.of(line.get(page, headers=headers))
                assert seen.greeting == (who.name if who else None)
                assert seen.pieces == (who.pieces if who else 0)


def test_the_same_page_at_the_same_moment(shop: Stack, pages: Pages) -> None:
    """All ask for one cold page at once: a collapsed fill never goes to another visitor."""
    shoppers = [Shopper(shop.edge, f"Lyra{number}x") for number in range(8)]
    for number, shopper in enumerate(shoppers):
        shopper.sign_up()
        for _ in range(number % 3):
            shopper.add(pages.categories[0], pages.for_sale[number])
    lock = Lock()
    wrong: list[str] = []

    def look(shopper: Shopper, path: str) -> None:
        try:
            shopper.see(path)
        except AssertionError as error:
            with lock:
                wrong.append(str(error))

    with ThreadPoolExecutor(len(shoppers)) as pool:
        for path in pages.products:
            shop.purge(all=True)
            list(pool.map(look, shoppers, [path] * len(shoppers)))
    for shopper in shoppers:
        shopper.client.close()

    assert wrong == []


def _conditional(shop: Stack, path: str, shopper: Shopper, tag: str) -> httpx.Response:
    return shopper.client.get(path, headers={"If-None-Match": tag})


@pytest.mark.parametrize("ask", ["tag", "range", "head"])
def test_no_answer_to_one_visitor_is_made_of_another(shop: Stack, pages: Pages, ask: str) -> None:
    """A 304, a Range or a HEAD is about the page of whoever asks."""
    path = pages.products[0]
    with Shopper(shop.edge, f"Vela{ask}") as first, Shopper(shop.edge, f"Volans{ask}") as second:
        first.sign_up()
        second.sign_up()
        second.add(pages.categories[0], pages.for_sale[0])
        tag = first.see(path).response.headers.get("etag", '"x"')
        if ask == "tag":
            assert _conditional(shop, path, second, tag).status_code == 200
            assert Seen.of(_conditional(shop, path, second, "*, " + tag)).greeting in (
                second.name,
                None,
            )
        elif ask == "range":
            second.see(path)  # what was to be said once has been said
            whole = second.see(path).response
            part = second.client.get(path, headers={"Range": "bytes=0-99"})
            assert part.status_code == 200
            assert len(part.content) == len(whole.content)
            second.check(Seen.of(part))
        else:
            head = second.client.head(path)
            assert head.content == b""
            assert first.name not in str(head.headers)


def test_what_may_be_shared_downstream_holds_nobody(shop: Stack, pages: Pages) -> None:
    with Shopper(shop.edge, "Taurus") as shopper:
        shopper.sign_up()
        for path in pages.all:
            response = shopper.see(path).response
            assert "private" in response.headers["cache-control"], path
            assert "s-maxage" not in response.headers["cache-control"]
            assert not any(name.startswith("twopass-") for name in response.headers)
            assert "Taurus" not in str(response.headers)


def test_the_admin_port_shows_no_private_byte(shop: Stack, pages: Pages) -> None:
    with Shopper(shop.edge, "Pavo") as shopper, shop.admin() as admin:
        shopper.sign_up()
        shopper.see(pages.products[0])
        session = shopper.client.cookies["sessionid"]
        shown = "".join(
            admin.get(path).text
            for path in ("/status", "/objects?limit=1000", "/visits?limit=10000", "/metrics", "/")
        )
        log = shop.edges[0].log.read_text()

    for secret in ("Pavo", session, shopper.client.cookies["csrftoken"]):
        assert secret not in shown
        assert secret not in log


def test_forged_sessions_leave_nothing_behind(shop: Stack, pages: Pages) -> None:
    def private_bytes() -> int:
        with shop.admin() as admin:
            text = admin.get("/metrics").text
        (line,) = [row for row in text.splitlines() if row.startswith("twopass_edge_private_bytes")]
        return int(float(line.split()[1]))

    before = private_bytes()
    with httpx.Client(base_url=shop.edge, timeout=30) as client:
        for number in range(300):
            headers = {"Cookie": f"sessionid=forged{number:032d}"}
            page = client.get(pages.products[number % 12], headers=headers)
            assert page.status_code == 200
            assert not GREETING.search(page.text)
            assert not BADGE.search(page.text)

    assert private_bytes() - before < 64 * 1024


@pytest.mark.parametrize(
    "path", ["/_twopass/manifest", "/_twopass/fragments", "/%5ftwopass/manifest"]
)
def test_internal_addresses_are_closed(shop: Stack, path: str) -> None:
    for base in (shop.edge, shop.origin_url):
        assert httpx.get(base + path).status_code == 404
        assert httpx.post(base + path, content=b"x").status_code == 404


def test_a_visitor_cannot_speak_to_the_origin_as_the_edge(shop: Stack, pages: Pages) -> None:
    headers = {
        "TwoPass-Proof": "1 1790000000 first " + "A" * 48,
        "Surrogate-Capability": 'twopass="TwoPass/1.0", esi="ESI/1.0"',
        "TwoPass-Min-Lsn": "F/FFFFFFFF",
        "X-TwoPass-Surrogate": "guess",
    }
    page = httpx.get(shop.edge + pages.products[1], headers=headers)

    assert page.headers["content-type"].startswith("text/html")
    assert b"<esi:" not in page.content
    assert b"[[2p:" not in page.content


def test_a_stored_page_carries_no_token_and_no_cookie(shop: Stack, pages: Pages) -> None:
    """Ask the origin for the shells themselves, as the edge does."""
    for path in pages.all:
        shell = fetch_shell(shop, path)
        literal = b"".join(part for part in shell.body if isinstance(part, bytes))
        assert b"csrfmiddlewaretoken" in literal or path == "/en/journal/"
        assert not [name for name, _ in shell.headers if name == "set-cookie"]
        assert not re.search(rb"[A-Za-z0-9]{64}", literal), path
