"""The drawn pictures."""

import xml.etree.ElementTree as ElementTree

import pytest
from django.test import Client

from examples.storefront.art.canvas import STYLES
from examples.storefront.art.gallery import DRAWERS, illustration
from examples.storefront.art.palette import COLOURS, mix


@pytest.mark.parametrize("kind", DRAWERS)
def test_every_style_is_a_picture_of_its_own(kind: str) -> None:
    pictures = {illustration(kind, "moss", style) for style in range(STYLES)}

    assert len(pictures) == STYLES
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.get("viewBox") == "0 0 400 400"
        assert len(picture) < 20_000


def test_every_colour_differs() -> None:
    assert len({illustration("mug", colour, 0) for colour in COLOURS}) == len(COLOURS)


def test_pictures_do_not_change() -> None:
    illustration.cache_clear()
    before = illustration("teapot", "lagoon", 9)
    illustration.cache_clear()
    assert illustration("teapot", "lagoon", 9) == before


def test_mixing() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert mix("#123456", "#ffffff", 0) == "#123456"


@pytest.mark.parametrize("path", ["sofa/moss-1", "mug/pink-1", "mug/moss-20"])
def test_unknown_pictures_are_not_there(db: None, client: Client, path: str) -> None:
    assert client.get(f"/art/{path}.svg").status_code == 404


def test_pictures_may_be_kept_for_ever(client: Client) -> None:
    response = client.get("/art/mug/moss-1.svg")

    assert response["Content-Type"] == "image/svg+xml"
    assert "immutable" in response["Cache-Control"]
    assert not response.cookies
