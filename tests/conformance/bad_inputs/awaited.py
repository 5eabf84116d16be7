"""Bad inputs whose edge is not there yet; a name goes when its test passes."""

AWAITED: frozenset[str] = frozenset()
