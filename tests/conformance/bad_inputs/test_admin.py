"""Bad input 67: purging without the right to."""

from __future__ import annotations

import json
import time

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, esi, page
from tests.conformance.own_edge import TOKEN, Edge
from tests.conformance.wire import Request, Response, ask


async def purge(edge: Edge, body: object, token: str | None = TOKEN) -> Response:
    fields = [("Content-Type", "application/json")]
    if token is not None:
        fields.append(("Authorization", f"Bearer {token}"))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ask("127.0.0.1", edge.admin_port, "POST", "/purge", fields, raw)


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper()])
async def test_67_without_the_token(site: Site, edge: Edge, token: str | None) -> None:
    site.serve("/page", page("page"))
    await site.text()
    response = await purge(edge, {"all": True}, token)

    assert response.status in (401, 403)
    await site.text()
    assert len(site.asked("/page")) == 1


async def test_67_with_the_token(site: Site, edge: Edge) -> None:
    site.serve("/page", page("page"))
    await site.text()
    url = f"http://{edge.host}:{edge.port}{site.base}/page"
    assert (await purge(edge, {"urls": [url]})).status == 200

    await site.text()
    assert len(site.asked("/page")) == 2


@pytest.mark.parametrize(
    "path", ["/purge", "/status", "/metrics", "/objects", "/_twopass/fragments"]
)
async def test_67_from_the_public_port(site: Site, edge: Edge, path: str) -> None:
    for host in (f"127.0.0.1:{edge.admin_port}", "localhost", f"127.0.0.1:{edge.port}"):
        fields = [("Host", host), ("Authorization", f"Bearer {TOKEN}")]
        response = await ask(edge.host, edge.port, "POST", path, fields, b'{"all": true}')
        assert response.status in (400, 403, 404, 405, 421)


@pytest.mark.parametrize("method", ["PURGE", "BAN", "PURGEALL"])
async def test_67_by_method(site: Site, method: str) -> None:
    """A method of another cache's means nothing here; the origin's refusal changes nothing."""

    def handler(request: Request) -> Reply:
        return page("page") if request.method == "GET" else Reply(b"", 405)

    site.serve("/page", handler)
    await site.text()
    assert (await site.get("/page", method)).status in (400, 403, 405, 501)

    await site.text()
    assert len([r for r in site.asked("/page") if r.method == "GET"]) == 1


async def test_67_by_an_include(site: Site, edge: Edge) -> None:
    site.serve("/other", page("other"))
    await site.text("/other")
    target = f"http://127.0.0.1:{edge.admin_port}/purge?all=1"
    site.serve("/page", esi(f"<esi:include src='{target}'/>."))

    assert await site.text() == "."
    await site.text("/other")
    assert len(site.asked("/other")) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"{}", {"urls": "x"}, {"urls": [1]}, {"regex": ".*"}, {"all": "yes"},
     {"urls": ["*"]}, {"groups": [""]}, {"unknown": 1}],
)  # fmt: skip
async def test_67_nonsense_purges_nothing(site: Site, edge: Edge, body: object) -> None:
    site.serve("/page", page("page"))
    await site.text()
    response = await purge(edge, body)

    assert 400 <= response.status < 500 or body == {"urls": ["*"]}
    await site.text()
    assert len(site.asked("/page")) == 1


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*"])
async def test_67_a_pattern_is_text(site: Site, edge: Edge, pattern: str) -> None:
    site.serve("/page", page("page"))
    await site.text()
    start = time.monotonic()
    await purge(edge, {"groups": [pattern], "prefixes": [f"http://{pattern}"]})

    assert time.monotonic() - start < 5
    await site.text()
    assert len(site.asked("/page")) == 1


async def test_67_a_million_keys(site: Site, edge: Edge) -> None:
    response = await purge(edge, {"groups": [f"g{number}" for number in range(1_000_000)]})

    assert response.status in (400, 413, 422)
    assert (await purge(edge, {"groups": ["one"]})).status == 200
