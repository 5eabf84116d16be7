"""The replica alias takes from the primary's settings what its own leave out."""

from typing import Any

# Only libpq's choice among several hosts is ours to make.
_CHOICES_OF_LIBPQ = ("target_session_attrs", "load_balance_hosts")
_INHERITED = (
    "NAME", "USER", "PASSWORD", "TIME_ZONE", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS",
    "DISABLE_SERVER_SIDE_CURSORS",
)  # fmt: skip


def inherit(own: dict[str, Any], primary: dict[str, Any], primary_alias: str) -> None:
    """Fill in `own`; Django's defaults ("", None, 0, False) count as left out."""
    for key in _INHERITED:
        # Django's default, and not None, which for CONN_MAX_AGE means "for ever".
        if own.get(key, "") in ("", 0, False) or (own[key] is None and key == "TIME_ZONE"):
            own[key] = primary.get(key, own.get(key))
    own["OPTIONS"] = {**primary.get("OPTIONS", {}), **own.get("OPTIONS", {})}
    for key in _CHOICES_OF_LIBPQ:
        own["OPTIONS"].pop(key, None)
    # In tests the replica is the primary's test database: there is nothing to replicate to.
    if own.get("TEST", {}).get("MIRROR") is None:
        own.setdefault("TEST", {})["MIRROR"] = primary_alias
