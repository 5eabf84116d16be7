"""App configuration."""

from django.apps import AppConfig


class BlogConfig(AppConfig):
    """The journal."""

    name = "examples.storefront.blog"
    label = "blog"
