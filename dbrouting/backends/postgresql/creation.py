"""Test databases: the replica alias mirrors the primary's."""

from typing import Any

from django.db.backends.postgresql.creation import DatabaseCreation as PostgresCreation


class DatabaseCreation(PostgresCreation):
    """Django's own, but a mirror shares the primary's connection.

    So what a test wrote in its transaction is seen by its replica reads, and queries still count
    under the alias that they were meant for (`assertNumQueries(using="replica")`).
    """

    def set_as_test_mirror(self, primary_settings_dict: dict[str, Any]) -> None:
        """Django's hook, called by the test runner."""
        super().set_as_test_mirror(primary_settings_dict)
        self.connection.settings_dict["IS_MIRROR"] = True
