"""Baskets of visitors and customers, and what becomes of one at log-in."""

from django.test import Client

from examples.storefront.basket.store import COOKIE

from .small_shop import Shop, add, log_in


def lines(client: Client) -> list[tuple[str, int]]:
    """Names and quantities on the basket page."""
    basket = client.get("/en/basket/").context["basket"]
    return [(line.product.name, line.quantity) for line in basket.lines]


def test_a_visitor_has_a_basket_without_a_session(shop: Shop, client: Client) -> None:
    add(client, shop.product(), 2)

    assert lines(client) == [("Mug 1", 2)]
    assert "sessionid" not in client.cookies
    assert client.cookies[COOKIE]["httponly"]


def test_adding_again_adds_pieces(shop: Shop, client: Client) -> None:
    mug = shop.product()
    add(client, mug, 2)
    add(client, mug, 3)

    assert lines(client) == [("Mug 1", 5)]


def test_no_more_than_stock(shop: Shop, client: Client) -> None:
    response = add(client, shop.product(stock=3), 5, follow=True)

    assert lines(client) == [("Mug 1", 3)]
    assert "Only 3 of Mug 1 are in stock" in response.content.decode()


def test_sold_out_is_said_and_not_added(shop: Shop, client: Client) -> None:
    response = add(client, shop.product(stock=0), follow=True)

    assert lines(client) == []
    assert "Mug 1 is sold out" in response.content.decode()


def test_a_forged_cookie_is_an_empty_basket(shop: Shop, client: Client) -> None:
    mug = shop.product()
    client.cookies[COOKIE] = f"{mug.pk}x5:forged-signature"

    assert lines(client) == []


def test_emptying_takes_the_cookie_away(shop: Shop, client: Client) -> None:
    mug = shop.product()
    add(client, mug)
    response = client.post("/en/basket/change/", {"product": mug.pk, "quantity": 0})

    assert response.cookies[COOKIE]["max-age"] == 0


def test_merged_at_login(shop: Shop, client: Client) -> None:
    customer = shop.customer()
    first, second = shop.product(), shop.product()
    customer.basket_lines.create(product=first, quantity=1)
    add(client, first, 3)
    add(client, second, 2)

    log_in(client)

    assert lines(client) == [("Mug 1", 3), ("Mug 2", 2)]
    assert client.cookies[COOKIE].value == ""
    assert dict(customer.basket_lines.values_list("product_id", "quantity")) == {
        first.pk: 3,
        second.pk: 2,
    }


def test_what_is_not_sold_any_more_is_left_behind_at_login(shop: Shop, client: Client) -> None:
    customer = shop.customer()
    gone, there = shop.product(), shop.product()
    add(client, gone)
    add(client, there)
    gone.is_active = False
    gone.save()

    log_in(client)

    assert list(customer.basket_lines.values_list("product_id", flat=True)) == [there.pk]


def test_merged_at_sign_up(shop: Shop, client: Client) -> None:
    add(client, shop.product(), 2)
    client.post(
        "/en/account/sign-up/",
        {
            "first_name": "Grace",
            "last_name": "H",
            "email": "grace@example.com",
            "password1": "tide-and-tin-42",
            "password2": "tide-and-tin-42",
        },
    )

    assert lines(client) == [("Mug 1", 2)]


def test_after_logout_the_basket_stays_with_its_owner(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client)
    add(client, shop.product())
    client.post("/en/account/logout/")

    assert lines(client) == []
    log_in(client)
    assert lines(client) == [("Mug 1", 1)]


def test_goes_back_to_pages_of_this_shop_only(shop: Shop, client: Client) -> None:
    mug = shop.product()
    data = {"product": mug.pk, "quantity": 1}

    inside = client.post("/en/basket/add/", data | {"next": "/en/c/mugs/?page=1"})
    outside = client.post("/en/basket/add/", data | {"next": "https://elsewhere.example/"})
    twisted = client.post("/en/basket/add/", data | {"next": "//elsewhere.example/"})

    assert inside["Location"] == "/en/c/mugs/?page=1"
    assert outside["Location"] == "/en/basket/"
    assert twisted["Location"] == "/en/basket/"


def test_a_form_without_token_is_refused(shop: Shop) -> None:
    careful = Client(enforce_csrf_checks=True)

    assert add(careful, shop.product()).status_code == 403
