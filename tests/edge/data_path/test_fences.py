"""What was asked for before an invalidation is never shown to whoever asks after it."""

from __future__ import annotations

import asyncio

from bench import Bench, until

from fragments.csrf import CSRF, unmask
from origin import ScriptedOrigin, Seen, shell


async def test_a_shell_rendered_before_a_purge_is_not_stored_after_it(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """The origin had read the old price when the purge came, and answers with it afterwards."""
    origin.pages["/p"] = shell(b"10", groups=("p:1",))
    origin.hold["/p"] = asyncio.Event()
    old = asyncio.create_task(bench.get("/p"))
    await until(lambda: len(origin.seen) == 1)
    bench.purge(groups=("p:1",))
    origin.hold.pop("/p").set()
    assert (await old).text == "10", "who asked before the purge may see what was true then"

    origin.pages["/p"] = shell(b"9", groups=("p:1",))

    assert (await bench.get("/p")).text == "9"
    assert bench.edge.tally.stored.values[("shell", "refused")] == 1


async def test_a_purge_of_something_else_refuses_nothing(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/p"] = shell(b"10", groups=("p:1",))
    origin.hold["/p"] = asyncio.Event()
    asked = asyncio.create_task(bench.get("/p"))
    await until(lambda: len(origin.seen) == 1)
    bench.purge(groups=("p:2",))
    origin.hold.pop("/p").set()
    await asked

    assert (await bench.get("/p")).cache_status.startswith("twopass; hit")


async def test_new_visitors_get_secrets_of_their_own(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(CSRF)
    secrets = set()
    for _ in range(5):
        page = await bench.get("/")
        secret = page.set_cookies["csrftoken"]
        assert unmask(page.text) == secret
        secrets.add(secret)

    assert len(secrets) == 5


async def test_a_first_pass_carries_nothing_of_who_asked(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """The manifest knows the page, so that the very first request strips the visitor."""
    seen_first: list[Seen] = []

    def page(seen: Seen) -> object:
        seen_first.append(seen)
        return shell(b"x")

    origin.pages["/p"] = page  # type: ignore[assignment]
    await bench.get("/p")
    bench.purge(everything=False, urls=("http://shop.test/p",))
    visitor = bench.visitor(sessionid="secret-session", basket="secret-basket")
    await visitor.get("/p", User_Agent="secret-agent", X_Own="secret-field", Referer="secret-page")

    told = repr(seen_first[-1])
    assert seen_first[-1].kind == "first"
    assert "secret" not in told
