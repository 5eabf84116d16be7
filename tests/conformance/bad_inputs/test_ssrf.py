"""Bad inputs 18 to 27: includes that lead where they must not."""

from __future__ import annotations

import asyncio

import pytest

from fragments.manifest import PATH as MANIFEST
from tests.conformance.bad_inputs.site import Reply, Site, esi, page
from tests.conformance.own_edge import Edge


async def leads_nowhere(site: Site, src: str, **headers: str) -> None:
    """The include costs its place; nobody is asked; the one beside it works."""
    site.serve("/ok", page("[OK]"))
    site.serve("/page", esi(f"<esi:include src='{src}'/><esi:include src='{site.base}/ok'/>."))
    before = len(site.origin.requests)
    text = await asyncio.wait_for(site.text(**headers), 30)

    assert text == "[OK]."
    asked = {request.target for request in site.origin.requests[before:]}
    asked.discard(MANIFEST)  # the edge asks for it by its own clock, whoever visits
    assert asked <= {f"{site.base}/page", f"{site.base}/ok"}


@pytest.mark.parametrize("path", ["", "latest/meta-data/"])
async def test_18_the_metadata_address(site: Site, path: str) -> None:
    await leads_nowhere(site, f"http://169.254.169.254/{path}")


@pytest.mark.parametrize(
    "host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "127.1", "0x7f.1", "0", "10.1"]
)
async def test_19_addresses_in_odd_spellings(site: Site, host: str) -> None:
    await leads_nowhere(site, f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["[::ffff:10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[fe80::1%25eth0]", "[::1]", "[::]"]
)
async def test_20_addresses_in_ipv6(site: Site, host: str) -> None:
    await leads_nowhere(site, f"http://{host}/")


@pytest.mark.parametrize("host", ["localhost.", "localhost", "LOCALHOST", "localhost:81"])
async def test_21_localhost(site: Site, host: str) -> None:
    await leads_nowhere(site, f"http://{host}/")


@pytest.mark.parametrize(
    "authority", ["user@127.0.0.1", "127.0.0.1@evil.test", "[::1]evil.test", "a:b@c", "\\evil.test"]
)
async def test_22_odd_authorities(site: Site, authority: str) -> None:
    await leads_nowhere(site, f"http://{authority}/")


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "dict", "javascript", "data", "ldap"])
async def test_23_other_schemes(site: Site, scheme: str) -> None:
    await leads_nowhere(site, f"{scheme}:///etc/passwd")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_24_a_redirect_is_not_followed(site: Site, status: int) -> None:
    site.serve("/ok", page("[OK]"))
    to = {"location": "http://169.254.169.254/", "cache-control": "no-store"}
    site.serve("/away", Reply(b"moved", status, to))
    body = f"<esi:include src='{site.base}/away'/><esi:include src='{site.base}/ok'/>."
    site.serve("/page", esi(body))

    assert await asyncio.wait_for(site.text(), 30) == "[OK]."
    assert len(site.asked("/away")) == 1


async def test_25_a_name_that_is_not_allowed_is_not_even_resolved(site: Site) -> None:
    await leads_nowhere(site, "http://rebind.test/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
async def test_26_the_edges_own_admin_port(site: Site, edge: Edge, host: str) -> None:
    await leads_nowhere(site, f"http://{host}:{edge.admin_port}/status")


@pytest.mark.parametrize(
    "src", ["http://$(HTTP_X_HOST)/", "//$(HTTP_X_HOST)/", "$(HTTP_X_URL)", "http://x$(HTTP_X_AT)/"]
)
async def test_27_a_host_made_of_a_header(site: Site, src: str) -> None:
    site.serve("/ok", page("[OK]"))
    site.serve("/page", esi(f"<esi:include src='{src}'/><esi:include src='{site.base}/ok'/>."))
    text = await asyncio.wait_for(
        site.text(x_host="evil.test", x_url="http://evil.test/", x_at="@evil.test"), 30
    )

    assert text == "[OK]."
    assert not any("evil" in (request.get("host") or "") for request in site.origin.requests)
