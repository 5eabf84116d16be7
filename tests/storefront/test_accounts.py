"""Signing up, in and out."""

from django.test import Client

from examples.storefront.accounts.models import Customer
from examples.storefront.demo.pages import form_to

from .small_shop import PASSWORD, Shop, log_in

NEW = {
    "first_name": "Grace",
    "last_name": "",
    "email": "Grace@Example.com",
    "password1": "tide-and-tin-42",
    "password2": "tide-and-tin-42",
}


def test_signing_up_logs_in(shop: Shop, client: Client) -> None:
    response = client.post("/en/account/sign-up/", NEW, follow=True)

    assert Customer.objects.get().email == "grace@example.com"
    assert "Hello, Grace" in response.content.decode()


def test_an_address_has_one_account_whatever_its_case(shop: Shop, client: Client) -> None:
    shop.customer("grace@example.com")

    response = client.post("/en/account/sign-up/", NEW)

    assert "There is an account with this address" in response.content.decode()
    assert Customer.objects.count() == 1


def test_the_address_is_compared_without_case(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client, "ADA@example.com")


def test_a_wrong_password_is_refused(shop: Shop, client: Client) -> None:
    shop.customer()
    form = {"username": "ada@example.com", "password": "wrong"}
    response = client.post("/en/account/login/", form)

    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_back_to_the_page_that_led_here(shop: Shop, client: Client) -> None:
    shop.customer()
    page = client.get(
        "/en/account/login/", headers={"referer": "http://testserver/en/c/mugs/?page=2"}
    )
    assert page.context["next"] == "/en/c/mugs/?page=2"

    form = {"username": "ada@example.com", "password": PASSWORD, "next": page.context["next"]}
    assert client.post("/en/account/login/", form)["Location"] == "/en/c/mugs/?page=2"


def test_logging_in_right_from_a_page_leads_back_to_it(shop: Shop) -> None:
    """The form in the header stands on pages that are kept for everybody."""
    shop.customer()
    careful = Client(enforce_csrf_checks=True)
    html = careful.get("/en/c/mugs/?sort=new").content.decode()
    form = form_to(html, "/en/account/login/").fields

    response = careful.post(
        "/en/account/login/",
        form | {"username": "ada@example.com", "password": PASSWORD},
        headers={"referer": "http://testserver/en/c/mugs/?sort=new"},
    )

    assert response["Location"] == "/en/c/mugs/?sort=new"
    assert "Hello, Ada" in careful.get(response["Location"]).content.decode()


def test_never_to_somebody_elses_page(shop: Shop, client: Client) -> None:
    for referer in (
        "https://elsewhere.example/x",
        "http://testserver//elsewhere.example/",
        "http://testserver.elsewhere.example/",
        "http://testserver/en/account/sign-up/",
    ):
        page = client.get("/en/account/login/", headers={"referer": referer})
        assert page.context["next"] == "", referer


def test_logging_out_takes_a_post(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client)

    assert client.get("/en/account/logout/").status_code == 405
    page = client.post("/en/account/logout/", follow=True).content.decode()
    assert "You are logged out" in page
    assert "Hello, Ada" not in page


def test_customers_change_their_own_details(shop: Shop, client: Client) -> None:
    customer, other = shop.customer(), shop.customer("eve@example.com")
    log_in(client)

    client.post("/en/account/", {"first_name": "Augusta", "last_name": "L"})

    customer.refresh_from_db()
    other.refresh_from_db()
    assert (customer.first_name, other.first_name) == ("Augusta", "Ada")


def test_the_log_in_page_asks_once(shop: Shop, client: Client) -> None:
    """No second form in its header, with the same labels."""
    for url in ("/en/account/login/", "/en/account/sign-up/"):
        html = client.get(url).content.decode()
        assert html.count('type="email"') == 1
        assert "log-in-box" not in html
