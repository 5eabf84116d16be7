"""Plain responses: several variants of one resource side by side, selected by Vary."""

from __future__ import annotations

from collections.abc import Collection

from edge.core.key import uri_of
from edge.core.messages import Headers
from edge.core.stored import URI_GROUP, StoredResponse
from edge.core.vary import variant_key
from edge.store.entry import Entry
from edge.store.labelled import LabelledStore

MAX_VARIANTS = 64
"""Variants of one resource; what varies by more has no hits to lose."""

_Entry = Entry[bytes, StoredResponse]


class VariantStore(LabelledStore[bytes, StoredResponse]):
    """Finds the stored response that a request selects (RFC 9111 §4.1)."""

    def select(self, primary: bytes, headers: Headers) -> StoredResponse | None:
        """The youngest of the stored responses that match; `headers` as the origin sees them."""
        varying = self._variants.get(primary)
        if varying is None:
            return self.get(primary)
        if len(varying) == 1 and primary not in self._entries:
            return self._select_only(varying[0], primary, headers)
        rules = {stored.facts.vary for stored in self.variants(primary)}
        keys = {variant_key(primary, rule, headers) for rule in rules}
        found = [stored for key in keys if (stored := self.get(key)) is not None]
        return max(found, key=lambda stored: stored.facts.born_at, default=None)

    def _select_only(self, only: bytes, primary: bytes, headers: Headers) -> StoredResponse | None:
        stored = self.peek(only)
        if stored is None or variant_key(primary, stored.facts.vary, headers) != only:
            return None
        return self.get(only)

    def sole(self, primary: bytes) -> StoredResponse | None:
        """The stored response of a resource that has only one, which does not vary."""
        return None if primary in self._variants else self.get(primary)

    def variants(self, primary: bytes) -> list[StoredResponse]:
        """All stored responses of a resource."""
        stored = (self.peek(key) for key in self._keys(primary))
        return [response for response in stored if response is not None]

    def put(self, key: bytes, value: StoredResponse) -> bool:
        """Keep `value`; the oldest variant leaves when there are too many."""
        if not super().put(key, value):
            return False
        primary = uri_of(key)
        if key != primary:
            self._variants[primary] = (*self._variants.get(primary, ()), key)
        keys = self._keys(primary)
        if len(keys) > MAX_VARIANTS:
            oldest = self._entries[keys[0]]
            self.evictions += oldest.is_live
            self._drop(oldest)
        return True

    def _begin_empty(self) -> None:
        super()._begin_empty()
        self._variants: dict[bytes, tuple[bytes, ...]] = {}
        """The keys of what varies, oldest first. What does not has its resource's own key."""

    def _keys(self, primary: bytes) -> tuple[bytes, ...]:
        varying = self._variants.get(primary, ())
        return (primary, *varying) if primary in self._entries else varying

    def _of_group(self, group: str) -> Collection[_Entry]:
        found = super()._of_group(group)
        if not group.startswith(URI_GROUP):
            return found
        # the group that a resource is by itself needs no index: the key says it
        keys = self._keys(group.removeprefix(URI_GROUP).encode("ascii", "replace"))
        return [*found, *(self._entries[key] for key in keys)]

    def _drop(self, entry: _Entry) -> None:
        super()._drop(entry)
        primary = uri_of(entry.key)
        if entry.key != primary:
            left = tuple(key for key in self._variants[primary] if key != entry.key)
            if left:
                self._variants[primary] = left
            else:
                del self._variants[primary]
