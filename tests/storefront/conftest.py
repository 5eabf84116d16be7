"""Settings, and a small shop for each test."""

import os

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.storefront.settings")
# pytest-django looks for settings before it reads this file, so the apps are loaded here
django.setup()

from .small_shop import Shop, stock_shop  # noqa: E402 - models need the line above


@pytest.fixture
def shop(db: None) -> Shop:
    """Two shelves, no products yet."""
    return stock_shop()
