"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Customers, their groups, and signing up, in and out."""

    name = "examples.storefront.accounts"
    label = "accounts"
