"""Every test begins with empty levels of its own."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.datacache.settings")

import django

django.setup()

from collections.abc import Callable, Iterator  # noqa: E402

import pytest  # noqa: E402

import devstack  # noqa: E402
from origin.datacache import layers, stats  # noqa: E402


@pytest.fixture(autouse=True)
def _empty_levels() -> Iterator[None]:
    layers.reset_levels()
    stats.reset()
    yield
    layers.reset_levels()


Begin = Callable[..., layers.Levels]


@pytest.fixture
def begin(settings) -> Begin:
    """`begin(server, KEY=value…)`: the levels of this process, anew."""

    def begin(server: devstack.RedisServer | None = None, **keys: object) -> layers.Levels:
        settings.DATACACHE = {"REDIS": server.url if server else "", **keys}
        layers.reset_levels()
        return layers.get_levels()

    return begin


@pytest.fixture
def shared(begin, redis_server) -> Iterator[layers.Levels]:
    """Levels with an empty Redis."""
    redis_server.flush()
    yield begin(redis_server)
    layers.reset_levels()
    redis_server.flush()
