"""Settings, and a small shop for each test."""

import os
from collections.abc import Iterator

import django
import pytest
from django.utils import translation

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.storefront.settings")
# pytest-django looks for settings before it reads this file, so the apps are loaded here
django.setup()

from .small_shop import Shop, stock_shop  # noqa: E402 - models need the line above


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """No test begins in the language of the page that another one asked for last."""
    with translation.override("en"):
        yield


@pytest.fixture
def shop(db: None) -> Shop:
    """Two shelves, no products yet."""
    return stock_shop()
