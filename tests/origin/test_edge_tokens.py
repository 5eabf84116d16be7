"""Tokens that the edge makes, posted to Django's own CsrfViewMiddleware under all its settings."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from django.conf import settings as conf
from django.core.asgi import get_asgi_application
from django.test import override_settings

from edge.app import create_app
from edge.settings import Settings
from fragments.csrf import mask, unmask

TOKEN = re.compile(r"[A-Za-z0-9]{64}")
SECRET = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0fX"
OTHERS = mask("z" * 32, bytes(range(32))).decode()
"""A token of somebody else's secret."""

DEFAULT: dict[str, Any] = {}
COOKIES = [
    pytest.param(DEFAULT, id="default"),
    pytest.param({"CSRF_COOKIE_NAME": "__Own-csrf"}, id="name"),
    pytest.param({"CSRF_COOKIE_AGE": None}, id="session-cookie"),
    pytest.param({"CSRF_COOKIE_AGE": 600}, id="age"),
    pytest.param({"CSRF_COOKIE_PATH": "/shop/"}, id="path"),
    pytest.param({"CSRF_COOKIE_PATH": "/shop/take/"}, id="path-of-the-form"),
    pytest.param({"CSRF_COOKIE_DOMAIN": ".shop.test"}, id="domain"),
    pytest.param({"CSRF_COOKIE_HTTPONLY": True}, id="httponly"),
    pytest.param({"CSRF_COOKIE_SAMESITE": "Strict"}, id="samesite-strict"),
    pytest.param({"CSRF_COOKIE_SAMESITE": "None"}, id="samesite-none"),
    pytest.param({"CSRF_COOKIE_SAMESITE": False}, id="samesite-off"),
    pytest.param({"CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN"}, id="header-name"),
    pytest.param({"CSRF_TRUSTED_ORIGINS": ["https://*.other.test"]}, id="trusted-origins"),
]
SECURE = pytest.param({"CSRF_COOKIE_SECURE": True}, id="secure")


class Browser(httpx.AsyncClient):
    """Keeps cookies by their Domain, Path and Secure, and says where a form was."""

    def __init__(self, edge: Any, page: str = "http://www.shop.test") -> None:
        super().__init__(transport=httpx.ASGITransport(edge), base_url=page)

    async def page(self) -> httpx.Response:
        """The page with the form, from the store."""
        await self.get("/shop/page/")
        self.cookies.clear()
        return await self.get("/shop/page/")

    async def submit(self, token: str, how: str = "form", to: str = "", **headers: str) -> int:
        """The status of a form posted with that token, or of a script's request."""
        fields = {name.title(): value for name, value in headers.items() if value}
        data = {"csrfmiddlewaretoken": token} if how == "form" else {}
        if how != "form":
            fields[how] = token
        answer = await self.post(f"{to}/shop/take/", data=data, headers=fields)
        return answer.status_code


class Origin(httpx.ASGITransport):
    """Django's own ASGI application, asked as the edge asks a server."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(raw_path=request.extensions["target"])
        headers, stream = request.headers.raw, request.stream
        asked = httpx.Request(request.method, url, headers=headers, stream=stream)
        return await super().handle_async_request(asked)


@asynccontextmanager
async def edge_before_django(**settings: Any) -> AsyncIterator[Any]:
    """An edge whose origin is the shop under these settings, both in this process."""
    values = {
        "ROOT_URLCONF": "tests.origin.forms_urls",
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "USE_X_FORWARDED_PORT": True,
    }
    with override_settings(**{**values, **settings}):
        edge = create_app(
            Settings(origin="http://origin.test:8000", secret=conf.TWOPASS["SECRET"]),
            transport=Origin(get_asgi_application()),
        )
        async with edge.router.lifespan_context(edge):
            yield edge


def tokens_of(page: httpx.Response) -> str:
    """The one token that all forms of the page have."""
    (token,) = set(TOKEN.findall(page.text))
    return token


def how_to_send(settings: dict[str, Any]) -> list[str]:
    header = settings.get("CSRF_HEADER_NAME", "HTTP_X_CSRFTOKEN")
    return ["form", header.removeprefix("HTTP_").replace("_", "-")]


def cookie_set(response: httpx.Response) -> dict[str, Any]:
    """The attributes of the only cookie but for its value, and for Expires, which says Max-Age."""
    (morsel,) = SimpleCookie(response.headers["set-cookie"]).values()
    return {"name": morsel.key, **morsel, "expires": ""}


@pytest.mark.usefixtures("shop")
class TestAccepted:
    @pytest.mark.parametrize(
        ("scheme", "settings"),
        [
            *(pytest.param("http", *p.values, id=f"http-{p.id}") for p in COOKIES),
            *(pytest.param("https", *p.values, id=f"https-{p.id}") for p in [*COOKIES, SECURE]),
        ],
    )
    @pytest.mark.parametrize("cookie", ["none", "plain", "masked"])
    async def test_a_token_of_the_edge(
        self, scheme: str, settings: dict[str, Any], cookie: str
    ) -> None:
        """`masked` is what Django before 4.1 left with a visitor."""
        async with edge_before_django(**settings) as edge:
            site = f"{scheme}://www.shop.test"
            browser = Browser(edge, site)
            await browser.page()
            browser.cookies.clear()
            path = settings.get("CSRF_COOKIE_PATH", "/")
            if cookie != "none":
                name = settings.get("CSRF_COOKIE_NAME", "csrftoken")
                value = SECRET if cookie == "plain" else mask(SECRET, bytes(range(7, 39))).decode()
                browser.cookies.set(name, value, domain=".shop.test", path=path)
            page = await browser.get("/shop/page/")
            token = tokens_of(page)
            wheres = [{"referer": f"{site}/shop/page/"}, {"origin": site}]

            assert "hit" in page.headers["cache-status"]
            if cookie == "none" or path == "/shop/take/":  # the page's request is without it
                assert "set-cookie" in page.headers
            else:
                assert "set-cookie" not in page.headers
                assert unmask(token) == SECRET
            for how in how_to_send(settings):
                for where in wheres:
                    assert await browser.submit(token, how, **where) == 200
                    assert await browser.submit(OTHERS, how, **where) == 403
                assert await browser.submit(token, how, origin=f"{scheme}://evil.test") == 403
            stranger = Browser(edge, site)
            assert await stranger.submit(token, **wheres[1]) == 403
            if scheme == "https":
                assert await browser.submit(token) == 403  # neither Referer nor Origin

    @pytest.mark.parametrize("settings", [*COOKIES, SECURE])
    async def test_the_cookie_is_the_one_that_django_sets(self, settings: dict[str, Any]) -> None:
        async with edge_before_django(**settings) as edge:
            browser = Browser(edge, "https://www.shop.test")
            page = await browser.page()
            browser.cookies.clear()
            by_django = await browser.get("/shop/django-cookie/")

        assert "hit" in page.headers["cache-status"]
        assert cookie_set(page) == cookie_set(by_django)

    async def test_the_secret_itself_as_scripts_send_it(self) -> None:
        async with edge_before_django() as edge:
            browser = Browser(edge)
            await browser.page()

            assert await browser.submit(browser.cookies["csrftoken"], "X-CSRFToken") == 200

    async def test_another_port(self) -> None:
        async with edge_before_django() as edge:
            browser = Browser(edge, "https://www.shop.test:8443")
            token = tokens_of(await browser.page())

            for port, status in ((":8443", 200), ("", 403)):
                origin = f"https://www.shop.test{port}"
                assert await browser.submit(token, origin=origin) == status
                assert await browser.submit(token, referer=f"{origin}/shop/page/") == status


@pytest.mark.usefixtures("shop")
class TestSubdomains:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("cookie", ["none", "masked"])
    async def test_a_form_of_another_host_of_the_site(self, scheme: str, cookie: str) -> None:
        async with edge_before_django(
            CSRF_COOKIE_DOMAIN=".shop.test", CSRF_TRUSTED_ORIGINS=[f"{scheme}://*.shop.test"]
        ) as edge:
            browser, to = Browser(edge, f"{scheme}://www.shop.test"), f"{scheme}://api.shop.test"
            await browser.page()
            browser.cookies.clear()
            if cookie == "masked":
                value = mask(SECRET, bytes(range(32))).decode()
                browser.cookies.set("csrftoken", value, domain=".shop.test")
            token = tokens_of(await browser.get("/shop/page/"))

            for how in ("form", "X-CSRFToken"):
                for host, status in (("www.shop.test", 200), ("evil.test", 403)):
                    origin = f"{scheme}://{host}"
                    assert await browser.submit(token, how, to, origin=origin) == status
                assert (
                    await browser.submit(OTHERS, how, to, origin=f"{scheme}://www.shop.test") == 403
                )
            # both hosts have pages with tokens of the same secret
            other = tokens_of(await browser.get(f"{to}/shop/page/"))
            assert unmask(other) == unmask(token)

    async def test_a_referer_within_the_cookies_domain(self) -> None:
        """Django trusts it without CSRF_TRUSTED_ORIGINS, where there is no Origin."""
        async with edge_before_django(CSRF_COOKIE_DOMAIN=".shop.test") as edge:
            browser, to = Browser(edge, "https://www.shop.test"), "https://api.shop.test"
            token = tokens_of(await browser.page())

            for host, status in (("www.shop.test", 200), ("evil.test", 403)):
                assert await browser.submit(token, to=to, referer=f"https://{host}/") == status
            assert await browser.submit(token, to=to, origin="https://www.shop.test") == 403

    async def test_hosts_whose_cookies_are_their_own(self) -> None:
        async with edge_before_django(CSRF_TRUSTED_ORIGINS=["https://*.shop.test"]) as edge:
            browser, to = Browser(edge, "https://www.shop.test"), "https://api.shop.test"
            token = tokens_of(await browser.page())

            assert await browser.submit(token, to=to, origin="https://www.shop.test") == 403
            own = tokens_of(await browser.get(f"{to}/shop/page/"))
            assert unmask(own) != unmask(token)
            assert await browser.submit(own, to=to, origin=to) == 200


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_secrets_in_the_session_are_the_origins(scheme: str) -> None:
    """CSRF_USE_SESSIONS: the edge makes no token and sets no cookie; a fragment shows it."""
    async with edge_before_django(CSRF_USE_SESSIONS=True) as edge:
        site = f"{scheme}://www.shop.test"
        browser, stranger = Browser(edge, site), Browser(edge, site)
        page = await browser.page()
        token = tokens_of(page)
        others = tokens_of(await stranger.page())

        assert "hit" in page.headers["cache-status"]
        assert "csrftoken" not in browser.cookies
        assert unmask(token) != unmask(others)
        for how in ("form", "X-CSRFToken"):
            for where in ({"referer": f"{site}/shop/page/"}, {"origin": site}):
                assert await browser.submit(token, how, **where) == 200
                assert await browser.submit(others, how, **where) == 403
                assert await browser.submit(OTHERS, how, **where) == 403
