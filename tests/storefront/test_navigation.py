"""The navigation: one fragment for all pages of a top shelf, the right one marked on each."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from examples.storefront.catalogue.models import Category
from fragments.include import Include
from fragments.shell import FragmentHole, Shell
from origin.conf import get_settings
from origin.report.asking import ask

from .small_shop import Shop

OPEN = re.compile(r'<li><a href="/(?:en|de)/c/([^"]+)/" aria-current="true">')


def shell_of(url: str) -> Shell:
    answer = ask(Client(), url, "first", get_settings())
    assert answer.shell is not None, answer.reason
    return answer.shell


def navigation_of(url: str) -> bytes:
    """The token of a page's navigation: what edges know it by."""
    conf = get_settings()
    tokens = [hole.token for hole in shell_of(url).holes() if isinstance(hole, FragmentHole)]
    (found,) = (t for t in tokens if Include.verify(t, conf.keyring).name == "navigation")
    return found


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("url", "marked"),
    [
        ("/en/about/", []),
        ("/en/c/mugs/", ["mugs"]),
        ("/en/c/lighting/", ["lighting"]),
        ("/de/c/lighting/lamps/", ["lighting"]),
        ("/en/search/?q=lamp", []),
    ],
)
def test_the_open_shelf_is_marked(
    shop: Shop,
    client: Client,
    settings: Any,
    enabled: bool,
    url: str,
    marked: list[str],
) -> None:
    settings.TWOPASS = {**settings.TWOPASS, "ENABLED": enabled}

    assert OPEN.findall(client.get(url).content.decode()) == marked


def test_a_product_is_on_its_top_shelf(shop: Shop, client: Client) -> None:
    lamp = shop.product(category=shop.lamps)

    assert OPEN.findall(client.get(lamp.get_absolute_url()).content.decode()) == ["lighting"]


def test_pages_of_a_top_shelf_share_one_in_each_language(shop: Shop) -> None:
    lamps = [shop.product(category=shop.lamps).get_absolute_url() for _ in range(2)]
    with translation.override("de"):
        german = shop.product(category=shop.lamps).get_absolute_url()

    shared = {navigation_of(url) for url in (*lamps, "/en/c/lighting/", "/en/c/lighting/lamps/")}

    assert len(shared) == 1
    assert navigation_of(german) not in shared
    assert navigation_of("/en/c/mugs/") not in shared
    assert navigation_of("/en/about/") not in shared


def test_a_product_belongs_to_its_own_shelves_alone(shop: Shop) -> None:
    groups = shell_of(shop.product(category=shop.lamps).get_absolute_url()).groups

    assert "navigation" not in groups
    assert {f"category:{shop.lighting.pk}", f"category:{shop.lamps.pk}"} <= set(groups)


def test_a_new_shelf_is_in_the_navigation_at_once(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: object
) -> None:
    mug = shop.product().get_absolute_url()
    assert "Textiles" not in client.get(mug).content.decode()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        Category(slug="textiles", name="Textiles", artwork="mug/ink-1").save()

    assert client.get(mug).content.decode().count(">Textiles</a>") == 2
