"""The edge as an ASGI application on a server that shares no code with uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from bench import Bench, until
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import Framework

from fragments.csrf import CSRF, unmask
from origin import Answer, ScriptedOrigin, hole, shell

TEXT = b"<p>for all</p>" * 40


@pytest.fixture
async def url(origin: ScriptedOrigin) -> AsyncIterator[str]:
    app: Framework = Bench(origin).app  # type: ignore[assignment]  # its own names for the types
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config, stop = Config(), asyncio.Event()
    config.bind = [f"fd://{listener.detach()}"]
    config.include_server_header = config.include_date_header = False  # they are the origin's
    config.accesslog = config.errorlog = None
    running = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
    await until(lambda: any(seen.target == "/_twopass/manifest" for seen in origin.seen))
    yield f"http://127.0.0.1:{port}"
    stop.set()
    await running


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
async def test_pages_and_plain_responses(origin: ScriptedOrigin, url: str, version: str) -> None:
    origin.routes("^/page")
    origin.pages |= {
        "/page": shell(TEXT, hole("own"), CSRF),
        "/plain": Answer(200, [("cache-control", "max-age=60"), ("etag", '"v"')], b"plain"),
    }
    origin.fragments["own"] = lambda seen: f"for {seen.cookies.get('sessionid')}".encode()
    origin.hold["own"] = asyncio.Event()
    is_2 = version == "HTTP/2"
    async with httpx.AsyncClient(
        base_url=url, headers={"Host": "shop.test"}, http1=not is_2, http2=is_2
    ) as client:
        ann = {"Cookie": f"sessionid=ann; csrftoken={'a' * 32}"}
        async with client.stream("GET", "/page", headers=ann) as page:
            pieces = page.aiter_bytes()
            first = await anext(pieces)  # while the fragment is not there
            origin.hold["own"].set()
            rest = b"".join([piece async for piece in pieces])
        again = await client.get("/page", headers=ann)
        bob = await client.get("/page", headers={"Cookie": "sessionid=bob"})
        plain = [await client.get("/plain") for _ in range(2)]
        unchanged = await client.get("/plain", headers={"If-None-Match": '"v"'})
        head = await client.head("/plain")
        sent = await client.post("/plain", content=b"a=b")

    assert page.http_version == version
    assert TEXT.startswith(first)
    assert (first + rest)[: len(TEXT) + 7] == TEXT + b"for ann"
    assert unmask(again.text[-64:]) == "a" * 32
    assert "hit" in again.headers["cache-status"]
    assert bob.text[len(TEXT) : len(TEXT) + 7] == "for bob"
    assert [answer.text for answer in plain] == ["plain", "plain"]
    assert "hit" in plain[1].headers["cache-status"]
    assert len(plain[1].headers.get_list("date")) == 1
    assert "server" not in plain[1].headers
    assert (unchanged.status_code, head.headers["content-length"]) == (304, "5")
    assert sent.status_code == 200
    assert [seen.body for seen in origin.seen if seen.method == "POST"][-1] == b"a=b"
