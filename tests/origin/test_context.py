"""The context cookie: signed for one session, set with it, gone with it."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from fragments.bundle import BundleRequest
from fragments.dimensions import CONTEXT_COOKIE, open_context
from tests.origin.edge_side import HOST, KEYRING, include, post_bundle
from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("Sue", is_staff=True)


def sign_in(client: Client, user: User) -> None:
    assert client.post("/login/", {"username": user.username}).status_code == 302


def test_a_login_sets_it_for_its_session_only(client: Client, staff: User) -> None:
    sign_in(client, staff)
    cookie, session = client.cookies[CONTEXT_COOKIE], client.cookies["sessionid"].value
    assert open_context(KEYRING, session, cookie.value) == {"tier": "trade"}
    assert open_context(KEYRING, "another", cookie.value) == {}
    assert cookie["httponly"]


def test_pages_differ_by_it(client: Client, staff: User) -> None:
    sign_in(client, staff)
    client.cookies["ab_banner"] = "a"
    other = Client()
    other.cookies["ab_banner"] = "a"
    assert client.get("/varied/").content == b"EUR a desktop trade a"
    assert other.get("/varied/").content == b"EUR a desktop retail a"
    assert client.get("/varied/").content == b"EUR a desktop trade a"
    assert CALLS["varied"] == 2


def test_a_stolen_or_forged_cookie_is_nothing(client: Client, staff: User) -> None:
    sign_in(client, staff)
    thief = Client()
    thief.cookies[CONTEXT_COOKIE] = client.cookies[CONTEXT_COOKIE].value
    assert b" retail " in thief.get("/varied/").content


def test_a_logout_takes_it_away(client: Client, staff: User) -> None:
    sign_in(client, staff)
    client.get("/logout/")
    assert client.cookies[CONTEXT_COOKIE].value == ""
    assert client.cookies["sessionid"].value == ""


def test_it_can_be_asked_for_again(client: Client, staff: User) -> None:
    sign_in(client, staff)
    User.objects.update(is_staff=False)
    assert CONTEXT_COOKIE not in client.get("/login/").cookies
    renewed = client.get("/login/?refresh=1").cookies[CONTEXT_COOKIE].value
    session = client.cookies["sessionid"].value
    assert open_context(KEYRING, session, renewed) == {"tier": "retail"}


def test_without_the_hook_there_is_none(client: Client, staff: User) -> None:
    with override_settings(TWOPASS={**django_settings.TWOPASS, "CONTEXT": None}):
        sign_in(client, staff)
    assert CONTEXT_COOKIE not in client.cookies


def test_a_session_that_ends_in_a_bundle_takes_it_along(client: Client, staff: User) -> None:
    sign_in(client, staff)
    staff.set_password("another")
    staff.save()
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    request = BundleRequest(f"http://{HOST}/echo/", (include("greeting"),))
    response = post_bundle(request, cookies)
    assert response.cookies[CONTEXT_COOKIE].value == ""
