"""App configuration."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Categories, products, reviews and prices."""

    name = "examples.storefront.catalogue"
    label = "catalogue"
