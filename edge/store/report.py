"""What a worker's memory says of itself: sizes, and the public face of what lies in it."""

from __future__ import annotations

from typing import Any

from edge.core.prepared import PreparedShell
from edge.counters import Counters
from edge.store.labelled import LabelledStore
from edge.store.memory import Memory


def store_status(memory: Memory) -> dict[str, Any]:
    """Sizes of the stores; of private ones nothing but sizes."""
    return {
        "shells": _sizes(memory.shells),
        "responses": _sizes(memory.responses),
        "shared_fragments": _sizes(memory.shared),
        "private_fragments": {**_sizes(memory.private), "visitors": memory.private.visitors},
        "known_pages": len(memory.records),
        "hit_for_pass": len(memory.marks),
        "visited_pages": len(memory.visits),
    }


def watch_memory(counters: Counters, memory: Memory) -> None:
    """Gauges for what is held, in objects and bytes."""
    stores: dict[str, LabelledStore[Any, Any]] = {
        "shell": memory.shells,
        "response": memory.responses,
        "shared": memory.shared,
        "private": memory.private,
    }
    for name, store in stores.items():
        _watch(counters, name, store)
    private = memory.private
    counters.gauge(
        "twopass_edge_private_visitors",
        "Visitors for whom something is held.",
        lambda: private.visitors,
    )


def _watch(counters: Counters, name: str, store: LabelledStore[Any, Any]) -> None:
    prefix = f"twopass_edge_{name}"
    counters.gauge(f"{prefix}_objects", f"Objects held: {name}.", lambda: len(store))
    counters.gauge(f"{prefix}_bytes", f"Bytes held: {name}.", lambda: store.bytes)
    counters.gauge(
        f"{prefix}_evictions", f"Objects that made room: {name}.", lambda: store.evictions
    )


def shells(memory: Memory, prefix: str, limit: int, now: float) -> list[dict[str, Any]]:
    """At most `limit` shells whose URL begins with `prefix`, those that will stay longest first."""
    found: list[dict[str, Any]] = []
    for key, shell in memory.shells.items_by_worth():
        if len(found) >= limit:
            break
        uri = key.partition(b"\n")[0].decode("ascii")
        if uri.startswith(prefix):
            found.append(_face(uri, shell, now))
    return found


def _sizes(store: LabelledStore[Any, Any]) -> dict[str, int]:
    return {
        "objects": len(store),
        "bytes": store.bytes,
        "limit": store.limit,
        "evictions": store.evictions,
    }


def _face(uri: str, shell: PreparedShell, now: float) -> dict[str, Any]:
    return {
        "url": uri,
        "dimensions": dict(shell.shell.values),
        "status": shell.status,
        "age": shell.expiry.age(now),
        "fresh_for": shell.expiry.ttl(now),
        "bytes": shell.size,
        "groups": list(shell.labels.groups),
        "holes": len(shell.holes),
        "gate": shell.gate,
        "release": shell.shell.release,
    }
