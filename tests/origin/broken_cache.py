"""A cache whose server is away."""

from django.core.cache.backends.locmem import LocMemCache


class BrokenCache(LocMemCache):
    def set_many(self, *args, **kwargs):
        raise ConnectionError("no server")
