"""Categories, listings, searches, reviews."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from examples.storefront.catalogue.listing import PAGE_SIZE, Listing
from examples.storefront.catalogue.models import Category, Product, Review
from examples.storefront.catalogue.search_text import fold

from .small_shop import Shop, log_in


def names(client: Client, url: str) -> list[str]:
    """The products of a listing, in order."""
    return [product.name for product in client.get(url).context["products"]]


def test_a_shelf_shows_what_lies_below_it(shop: Shop, client: Client) -> None:
    shop.product(name="Lamp", category=shop.lamps)
    shop.product(name="Mug")

    assert names(client, "/en/c/lighting/") == ["Lamp"]
    assert names(client, "/en/c/lighting/lamps/") == ["Lamp"]
    assert client.get("/en/c/lighting/mugs/").status_code == 404


def test_a_path_that_only_begins_alike_is_another_shelf(shop: Shop) -> None:
    neighbour = Category(slug="lighting-old", name="Old", artwork="mug/ink-1")
    neighbour.save()

    assert neighbour not in Category.objects.within(shop.lighting)


def test_renaming_a_shelf_moves_those_below_it(shop: Shop) -> None:
    shop.lighting.slug = "light"
    shop.lighting.save()

    shop.lamps.refresh_from_db()
    assert shop.lamps.path == "light/lamps"


def test_a_shelf_cannot_stand_below_itself(shop: Shop) -> None:
    shop.lighting.parent = shop.lamps
    with pytest.raises(ValidationError, match="below itself"):
        shop.lighting.clean()


def test_pages_hold_eighteen_with_a_form_each(shop: Shop, client: Client) -> None:
    for _ in range(PAGE_SIZE + 2):
        shop.product()

    first = client.get("/en/c/mugs/").content.decode()

    assert first.count('action="/en/basket/add/"') == 18
    assert first.count('name="csrfmiddlewaretoken"') >= 18
    assert len(names(client, "/en/c/mugs/?page=2")) == 2
    assert client.get("/en/c/mugs/?page=3").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Dear", "Cheap", "Sold"]),
        ("?sort=cheap", ["Cheap", "Sold", "Dear"]),
        ("?sort=dear", ["Dear", "Sold", "Cheap"]),
        ("?sort=new", ["Sold", "Dear", "Cheap"]),
        ("?sort=nonsense", ["Dear", "Cheap", "Sold"]),
        ("?colour=ink", ["Dear"]),
        ("?price=to-25", ["Cheap"]),
        ("?price=25-60", ["Sold"]),
        ("?stock=1", ["Dear", "Cheap"]),
        ("?stock=1&colour=moss&sort=cheap", ["Cheap"]),
    ],
)
def test_sorting_and_filters(shop: Shop, client: Client, query: str, expected: list[str]) -> None:
    shop.product(name="Cheap", price=Decimal(10), popularity=5)
    shop.product(name="Dear", price=Decimal(200), popularity=9, colour="ink")
    shop.product(name="Sold", price=Decimal(25), popularity=1, stock=0)

    assert names(client, f"/en/c/mugs/{query}") == expected


def test_links_keep_what_was_chosen() -> None:
    listing = Listing.of({"q": "  blue   mug ", "sort": "cheap", "colour": "ink", "page": "3"})

    assert listing.query(price="to-25") == "?q=blue+mug&sort=cheap&colour=ink&price=to-25"
    assert listing.query(sort="popular", colour="") == "?q=blue+mug"


@pytest.mark.parametrize(
    ("words", "finds"),
    [
        ("tulip", True),
        ("TULIP mug", True),
        ("mug tulip", True),
        ("tulpe", True),
        ("kraftig", True),
        ("moos", True),
        ("steinzeug", True),
        ("T0001", True),
        ("tulip lamp", False),
        ("%", False),
        ("_", False),
    ],
)
def test_search(shop: Shop, client: Client, words: str, finds: bool) -> None:
    shop.product(name="Tulip mug", name_de="Becher Tulpe, kräftig")

    found = names(client, "/en/search/?q=" + words.replace("%", "%25"))

    assert found == (["Tulip mug"] if finds else [])


def test_nothing_is_found_for_no_words(shop: Shop, client: Client) -> None:
    shop.product()
    assert names(client, "/en/search/") == []


def test_folding() -> None:
    assert fold("Gießkanne ÉTÉ") == "giesskanne ete"


def test_hidden_products_are_nowhere(shop: Shop, client: Client) -> None:
    hidden = shop.product(is_active=False)

    assert names(client, "/en/c/mugs/") == []
    assert names(client, "/en/search/?q=mug") == []
    assert client.get(hidden.get_absolute_url()).status_code == 404


def test_a_review_is_shown_and_counts(shop: Shop, client: Client) -> None:
    shop.customer()
    mug = shop.product()
    Review.objects.create(product=mug, author="Bo", stars=2, title="Hm", body="Hm.", language="en")
    log_in(client)

    form = {"stars": 5, "title": "Fine", "body": "<b>Very</b>"}
    page = client.post(f"/en/p/{mug.slug}/review/", form, follow=True).content.decode()

    mug.refresh_from_db()
    assert (mug.rating_average, mug.rating_count) == (Decimal("3.50"), 2)
    assert "&lt;b&gt;Very&lt;/b&gt;" in page


def test_one_review_for_each_customer(shop: Shop, client: Client) -> None:
    shop.customer()
    mug = shop.product()
    log_in(client)
    form = {"stars": 5, "title": "Fine", "body": "Very"}
    client.post(f"/en/p/{mug.slug}/review/", form)

    page = client.post(f"/en/p/{mug.slug}/review/", form, follow=True).content.decode()

    assert Review.objects.count() == 1
    assert "You have reviewed this already" in page


def test_deleting_a_review_changes_the_average(shop: Shop) -> None:
    mug = shop.product()
    for stars in (1, 5):
        Review.objects.create(
            product=mug, author="Bo", stars=stars, title="x", body="x", language="en"
        )
    Review.objects.get(stars=1).delete()

    mug.refresh_from_db()
    assert mug.rating_average == 5


def test_what_goes_with_it_is_of_the_same_collection(shop: Shop, client: Client) -> None:
    mug = shop.product()
    lamp = shop.product(name="Matching lamp", category=shop.lamps)
    shop.product(name="Another mug")

    page = client.get(mug.get_absolute_url()).content.decode()

    assert "Goes with it" in page
    assert lamp.name in page
    assert "Another mug" not in page


def test_recently_seen_comes_from_a_cookie_of_its_own(shop: Shop, client: Client) -> None:
    first, second = shop.product(), shop.product()
    for product in (first, second, first):
        assert client.post(f"/seen/{product.pk}/").status_code == 204

    assert client.cookies["seen"].value == f"{first.pk}.{second.pk}"
    assert "sessionid" not in client.cookies
    assert "Recently seen" in client.get("/en/c/lighting/").content.decode()


@pytest.mark.parametrize("cookie", ["x", "1.2.x", "-1", "9" * 400, "²", ""])
def test_a_damaged_seen_cookie_harms_nothing(shop: Shop, client: Client, cookie: str) -> None:
    shop.product()
    client.cookies["seen"] = cookie

    assert client.get("/en/c/mugs/").status_code == 200


def test_declining_forgets_and_remembers_nothing(shop: Shop, client: Client) -> None:
    mug = shop.product()
    client.post(f"/seen/{mug.pk}/")
    client.post("/en/consent/", {"choice": "essential"})
    assert client.cookies["seen"].value == ""

    client.post(f"/seen/{mug.pk}/")

    assert client.cookies["seen"].value == ""


def test_stock_cannot_fall_below_nothing(shop: Shop) -> None:
    from django.db import IntegrityError, transaction

    mug = shop.product(stock=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.filter(pk=mug.pk).update(stock=-1)
