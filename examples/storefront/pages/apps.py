"""App configuration."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The home page, pages of text, and what visitors choose: currency, language, cookies."""

    name = "examples.storefront.pages"
    label = "pages"
