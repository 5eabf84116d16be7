"""App configuration."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Checkout and the history of orders."""

    name = "examples.storefront.orders"
    label = "orders"
