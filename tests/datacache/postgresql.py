"""Has Django's aliases mean servers of a test's own, and puts them back."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections


@contextlib.contextmanager
def aliases(
    monkeypatch: pytest.MonkeyPatch, databases: dict[str, dict[str, Any]]
) -> Iterator[None]:
    """`databases` instead of the settings'; not by the fixture `settings`: Django warns of it."""
    monkeypatch.setattr(django_settings, "DATABASES", databases)
    copies = {alias: {**values} for alias, values in databases.items()}
    monkeypatch.setattr(connections, "settings", connections.configure_settings(copies))
    kept = {}
    for alias in databases:
        if hasattr(connections._connections, alias):
            kept[alias] = connections[alias]
            del connections[alias]
    try:
        yield
    finally:
        connections.close_all()
        for alias in databases:
            if hasattr(connections._connections, alias):
                del connections[alias]
        for alias, connection in kept.items():
            connections[alias] = connection
