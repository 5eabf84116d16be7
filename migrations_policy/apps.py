"""The Django app: registers the system checks."""

from django.apps import AppConfig


class MigrationsPolicyConfig(AppConfig):
    """`migrations_policy` in INSTALLED_APPS brings the commands and the checks."""

    name = "migrations_policy"
    label = "migrations_policy"
    verbose_name = "Migrations policy"

    def ready(self) -> None:
        """Register the checks; they run on `check`, `migrate` and `runserver`."""
        from django.core import checks

        from .checks import TAG, check_migrations

        checks.register(check_migrations, TAG)
