"""App configuration."""

from django.apps import AppConfig


class MoneyConfig(AppConfig):
    """Currencies and how amounts are converted and written."""

    name = "examples.storefront.money"
    label = "money"
