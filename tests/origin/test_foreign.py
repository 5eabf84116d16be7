"""Foreign surrogates: ESI markup for who knows the secret, whole pages for everybody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from fragments.csrf import unmask
from fragments.headers import SURROGATE_FIELD
from origin import counters
from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

SECRET = "the surrogate and the origin know this"
VARNISH = {SURROGATE_FIELD: SECRET, "Surrogate-Capability": 'varnish="ESI/1.0"'}
INCLUDE = re.compile(r'<esi:include src="([^"]+)"(?: alt="([^"]+)")?(?: onerror="continue")?/>')


@pytest.fixture(autouse=True)
def secret(shop: None) -> Any:
    with override_settings(
        TWOPASS={
            **django_settings.TWOPASS,
            "SURROGATE_SECRET": SECRET,
            "SURROGATE_CSRF": True,
            "STRICT": False,
        }
    ):
        yield


def assemble(client: Client, text: str) -> str:
    """What a surrogate makes of the markup."""

    def fetch(found: re.Match[str]) -> str:
        for address in found.groups():
            if address is not None:
                part = client.get(address, headers=VARNISH)
                if part.status_code == 200:
                    return part.content.decode()
        return ""

    return INCLUDE.sub(fetch, text)


def test_a_page_is_markup_for_everybody(client: Client) -> None:
    ann = Client()
    ann.force_login(User.objects.create_user("Ann"))

    response = ann.get("/product/1/", headers=VARNISH)
    text = response.content.decode()

    assert response.headers["Surrogate-Control"] == 'max-age=300+0, content="ESI/1.0"'
    assert response.headers["Surrogate-Key"] == response.headers["xkey"] == "product:1"
    assert response.headers["Cache-Tag"] == "product:1"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert not response.cookies
    assert "Ann" not in text
    assert len(INCLUDE.findall(text)) == 7


def test_the_assembled_page_is_the_page(client: Client) -> None:
    ann = Client()
    ann.force_login(User.objects.create_user("Ann"))
    ann.cookies["csrftoken"] = "s" * 32
    markup = client.get("/product/1/", headers=VARNISH).content.decode()

    def plain(text: str) -> str:
        for run in set(re.findall(r"[A-Za-z0-9]{64}", text)):
            assert unmask(run) == "s" * 32
            text = text.replace(run, "TOKEN")
        return text

    assert plain(assemble(ann, markup)) == plain(ann.get("/product/1/").content.decode())


def test_each_fragment_says_who_may_keep_it(client: Client) -> None:
    markup = client.get("/product/1/", headers=VARNISH).content.decode()
    said = {}
    for address, _ in INCLUDE.findall(markup):
        response = client.get(address, headers=VARNISH)
        said[response.content[:10]] = response.headers["Surrogate-Control"]
    assert said[b"<p>People "] == "max-age=300"
    assert said[b"<b>Basket:"] == "no-store"


def test_a_failed_fragment_leaves_its_place_to_the_alternative(client: Client) -> None:
    markup = client.get("/fragments/broken,stock/", headers=VARNISH).content.decode()
    text = assemble(client, markup)
    assert "<u>ask us</u>" in text
    assert "RuntimeError" not in text


def test_without_the_secret_there_is_no_markup(client: Client) -> None:
    for headers in ({}, {**VARNISH, SURROGATE_FIELD: "guessed"}):
        text = client.get("/product/1/", headers=headers).content.decode()
        assert "<esi:" not in text
        assert "Basket: empty" in text
    assert counters.read("refused") == {("refused", "surrogate"): 1}
    without_esi = {**VARNISH, "Surrogate-Capability": 'x="Other/1.0"'}
    assert b"<esi:" not in client.get("/product/1/", headers=without_esi).content
    with override_settings(TWOPASS={**django_settings.TWOPASS, "SURROGATE_SECRET": None}):
        assert b"<esi:" not in client.get("/product/1/", headers=VARNISH).content


@pytest.mark.parametrize("path", ["/club/", "/secured/"])
def test_what_esi_cannot_say_is_a_whole_page(client: Client, path: str) -> None:
    client.force_login(User.objects.create_user("Ann"))
    response = client.get(path, headers=VARNISH)
    assert b"<esi:" not in response.content
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Surrogate-Control" not in response.headers


def test_a_page_with_tokens_is_whole_unless_the_surrogate_passes_cookies_on(
    client: Client,
) -> None:
    with override_settings(TWOPASS={**django_settings.TWOPASS, "SURROGATE_CSRF": False}):
        response = client.get("/function/", headers=VARNISH)
    assert b"<esi:" not in response.content
    assert "csrftoken" in response.cookies
    markup = client.get("/function/", headers=VARNISH).content.decode()
    newcomer = Client(enforce_csrf_checks=True)
    (token,) = set(re.findall(r"[A-Za-z0-9]{64}(?=\")", assemble(newcomer, markup)))
    assert newcomer.post("/add/", {"csrfmiddlewaretoken": token}).status_code == 302


def test_text_that_a_surrogate_would_take_for_markup_is_passed(client: Client) -> None:
    response = client.get("/markup/", headers=VARNISH)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert counters.read("pass") == {("pass", "markup"): 1}


def test_addresses_of_fragments_cannot_be_made_up(client: Client) -> None:
    markup = client.get("/product/1/", headers=VARNISH).content.decode()
    address = INCLUDE.findall(markup)[0][0]
    assert client.get(address.replace("product", "club"), headers=VARNISH).status_code == 404
    assert client.get(address[:-1], headers=VARNISH).status_code == 404
    assert client.get(address).status_code == 404
    assert client.get("/_twopass/esi/x/y?page=/", headers=VARNISH).status_code == 404
    assert client.get("/_twopass/manifest", headers=VARNISH).status_code == 404


def test_what_is_passed_is_passed(client: Client) -> None:
    response = client.get("/echo/", headers={**VARNISH, "HX-Request": "true"})
    assert b"|true|" in response.content
    assert response.headers["Cache-Control"] == "private, no-store"
    posted = client.post("/comment/", {"text": "x"}, headers=VARNISH)
    assert b"got x" in posted.content


def test_the_secret_is_not_shown_to_views(client: Client) -> None:
    with override_settings(TWOPASS={**django_settings.TWOPASS, "SURROGATE_SECRET": SECRET}):
        response = client.get("/echo/", headers={**VARNISH, "HX-Request": "true"})
    assert b"SURROGATE" not in response.content


def test_a_shell_is_rendered_once_for_all_surrogates(client: Client) -> None:
    client.get("/product/1/", headers=VARNISH)
    client.get("/product/1/", headers=VARNISH)
    client.get("/product/1/")
    assert CALLS["product"] == 1
