from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import django
import pytest

if TYPE_CHECKING:
    from .recorded_outbox import RecordedOutbox

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.origin.settings")
# pytest-django looks for settings before it reads this file, so the apps are loaded here
django.setup()


@pytest.fixture
def shop() -> Iterator[None]:
    """The settings of tests/origin/shop, with empty caches and counters."""
    from django.core.cache import caches
    from django.test import override_settings

    from origin import counters, guess
    from tests.origin.shop import renderers
    from tests.origin.shop import settings as shop_settings
    from tests.origin.shop.calls import CALLS

    keep = {"DATABASES", "INSTALLED_APPS"}
    values = {
        name: value
        for name, value in vars(shop_settings).items()
        if name.isupper() and name not in keep
    }
    assert renderers  # a test may take its own fragments away again, but not the shop's
    CALLS.clear()
    counters.reset()
    guess._URLCONFS.clear()
    with override_settings(**values):
        for alias in ("default", "shells"):
            caches[alias].clear()
        yield


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> RecordedOutbox:
    """Where purges arrive on commit, with the models of tests/origin/stock watched."""
    from origin import invalidation, model_signals

    from .recorded_outbox import RecordedOutbox

    model_signals.connect()
    found = RecordedOutbox()
    monkeypatch.setattr(invalidation, "get_outbox", lambda: found)
    return found
