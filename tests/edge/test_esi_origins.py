"""Origins of their own for hosts of fragments, and where they must not be."""

from __future__ import annotations

import httpx
import pytest

from edge.configuration import ConfigurationError, load
from edge.esi_origins import GuardedTransport, is_public
from edge.esi_rules import EsiRules
from edge.settings import Settings
from fragments.esi import RefusedDestination
from fragments.esi.destination import resolve


class Recorder(httpx.AsyncBaseTransport):
    """Keeps what it is asked to send."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200)


def resolving(*addresses: str) -> tuple[GuardedTransport, Recorder]:
    async def resolve_name(_name: str, _port: int) -> list[str]:
        return list(addresses)

    recorder = Recorder()
    return GuardedTransport(recorder, resolve_name), recorder


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1",
    "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("beside", [[], PUBLIC])
async def test_a_name_that_leads_inside_is_not_asked(address: str, beside: list[str]) -> None:
    transport, recorder = resolving(*beside, address)
    with pytest.raises(httpx.ConnectError, match="not public"):
        await transport.handle_async_request(httpx.Request("GET", "https://news.example/"))
    assert recorder.sent == []


async def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    transport, recorder = resolving("93.184.216.34", "93.184.216.35")
    request = httpx.Request("GET", "https://news.example:8443/a")
    await transport.handle_async_request(request)

    sent = recorder.sent[0]
    assert str(sent.url) == "https://93.184.216.34:8443/a"
    assert sent.headers["host"] == "news.example:8443"
    assert sent.extensions["sni_hostname"] == "news.example"


async def test_an_address_given_by_the_operator_is_not_resolved() -> None:
    transport, recorder = resolving()
    await transport.handle_async_request(httpx.Request("GET", "http://10.0.0.7:8000/"))
    assert recorder.sent[0].url.host == "10.0.0.7"


async def test_a_name_without_addresses() -> None:
    transport, _ = resolving()
    with pytest.raises(httpx.ConnectError, match="has no address"):
        await transport.handle_async_request(httpx.Request("GET", "http://news.example/"))


async def test_localhost_is_resolved_and_refused() -> None:
    transport = GuardedTransport(Recorder())
    with pytest.raises(httpx.ConnectError, match="not public"):
        await transport.handle_async_request(httpx.Request("GET", "http://localhost:1/"))


class TestRules:
    @pytest.mark.parametrize(
        ("host", "may"),
        [
            ("shop.example", True), ("img.shop.example", True), ("a.b.shop.example", True),
            ("other.example", False), ("shop.example.evil.test", False), ("10.0.0.1", False),
            ("10.0.0.9", True), ("shop.example:9000", False), ("news.example", True),
        ],
    )  # fmt: skip
    def test_where_includes_may_lead(self, host: str, may: bool) -> None:
        rules = EsiRules.of(
            Settings(
                origin="http://origin.test",
                esi_host=("shop.example", "*.shop.example", "10.0.0.9"),
                esi_origin=("news.example=https://1.2.3.4",),
            )
        )
        destination = resolve(f"http://{host}/", "http://page.example/")
        if may:
            rules.guard.check(destination, "page.example")
        else:
            with pytest.raises(RefusedDestination):
                rules.guard.check(destination, "page.example")

    def test_a_wildcard_for_all_names_allows_no_address(self) -> None:
        rules = EsiRules.of(Settings(origin="http://origin.test", esi_host=("*",)))
        rules.guard.check(resolve("http://any.example/", "http://p.example/"), "p.example")
        with pytest.raises(RefusedDestination, match="address"):
            rules.guard.check(resolve("http://127.0.0.1/", "http://p.example/"), "p.example")

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("esi_host", "http://shop.example"), ("esi_host", "shop.*.example"),
            ("esi_origin", "news.example"), ("esi_origin", "news.example=ftp://x"),
            ("esi_origin", "=http://x"), ("esi_origin", "a b=http://x"),
            ("esi_origin", "news.example=http://x/path"),
        ],
    )  # fmt: skip
    def test_settings_that_cannot_be_meant_are_told(self, setting: str, value: str) -> None:
        with pytest.raises(ConfigurationError, match=setting):
            load({"origin": "http://origin.test", setting: [value]}, {}, None)
