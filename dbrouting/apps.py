"""The Django app: system checks, the `replicas` command, and the watch on the primary."""

from django.apps import AppConfig


class DBRoutingConfig(AppConfig):
    """`INSTALLED_APPS = [..., "dbrouting"]`."""

    name = "dbrouting"
    verbose_name = "Database routing"

    def ready(self) -> None:
        """Register checks and begin to watch the primary's connections."""
        from . import checks, primary

        checks.register_all()
        primary.install()
