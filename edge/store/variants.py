"""Plain responses: several variants of one resource side by side, selected by Vary."""

from __future__ import annotations

from collections import OrderedDict

from edge.core.key import uri_of
from edge.core.messages import Headers
from edge.core.stored import StoredResponse
from edge.core.vary import VaryRule, variant_key
from edge.store.changes import Changes
from edge.store.labelled import LabelledStore

MAX_VARIANTS = 64
"""Variants of one resource; what varies by more has no hits to lose."""


class VariantStore(LabelledStore[bytes, StoredResponse]):
    """Finds the stored response that a request selects (RFC 9111 §4.1)."""

    def __init__(self, limit: int, changes: Changes | None = None) -> None:
        super().__init__(limit, changes)
        self._variants: dict[bytes, OrderedDict[bytes, VaryRule]] = {}

    def select(self, primary: bytes, headers: Headers) -> StoredResponse | None:
        """The youngest of the stored responses that match; `headers` as the origin sees them."""
        variants = self._variants.get(primary)
        if variants is None:
            return None
        keys = {variant_key(primary, rule, headers) for rule in dict.fromkeys(variants.values())}
        found = [stored for key in keys if key in variants and (stored := self.get(key))]
        return max(found, key=lambda stored: stored.facts.born_at, default=None)

    def variants(self, primary: bytes) -> list[StoredResponse]:
        """All stored responses of a resource."""
        keys = self._variants.get(primary, ())
        return [self._objects[key] for key in keys]

    def put(self, key: bytes, value: StoredResponse) -> bool:
        """Keep `value`; the oldest variant leaves when there are too many."""
        if not super().put(key, value):
            return False
        primary = uri_of(key)
        variants = self._variants.setdefault(primary, OrderedDict())
        variants[key] = value.facts.vary
        if len(variants) > MAX_VARIANTS:
            self.discard(next(iter(variants)))
            self.evictions += 1
        return key in self._objects

    def discard(self, key: bytes) -> StoredResponse | None:
        """Drop the response of that key, if there is one."""
        value = super().discard(key)
        primary = uri_of(key)
        if value is not None and (variants := self._variants.get(primary)) is not None:
            variants.pop(key, None)
            if not variants:
                del self._variants[primary]
        return value
