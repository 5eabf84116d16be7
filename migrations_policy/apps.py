"""The Django app: registers the system checks."""

from typing import Any

from django.apps import AppConfig


class MigrationsPolicyConfig(AppConfig):
    """`migrations_policy` in INSTALLED_APPS brings the commands and the checks."""

    name = "migrations_policy"
    label = "migrations_policy"
    verbose_name = "Migrations policy"

    def ready(self) -> None:
        """Register the checks; they run on `check`, `migrate` and `runserver`."""
        from django.core import checks

        checks.register(_check, "migrations")


def _check(**given: Any) -> list[Any]:
    """Load the rules when they are asked for: a server that starts runs no checks."""
    from .checks import check_migrations

    return list(check_migrations(**given))
