"""App configuration."""

from django.apps import AppConfig


class BasketConfig(AppConfig):
    """The basket: in a cookie of its own for visitors, in the database for customers."""

    name = "examples.storefront.basket"
    label = "basket"

    def ready(self) -> None:
        """Merge baskets whenever somebody logs in, by whichever page."""
        from . import signals  # noqa: F401
