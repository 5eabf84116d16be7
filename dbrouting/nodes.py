"""The nodes named in `DATABASES["replica"]["REPLICAS"]`: parsing and address resolution.

An entry is "host", "host:port", "[::1]:port", a socket directory "/var/run/postgresql:5433", or a
dictionary {"HOST", "PORT", "WEIGHT", "ZONE", "NAME", "RESOLVE"}. RESOLVE makes one node of every
address the name has at the moment (Kubernetes headless services, round-robin DNS). REPLICAS may
also be a callable, or its dotted path, that returns such a list.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

_KEYS = {"HOST", "PORT", "WEIGHT", "ZONE", "NAME", "RESOLVE"}

Resolve = Callable[[str, str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """One server. `name` identifies it in logs, metrics and the health page."""

    name: str
    host: str
    port: str = ""
    weight: int = 1
    zone: str = ""
    resolve: bool = False


def parse_nodes(entries: object, default_port: str = "") -> tuple[Node, ...]:
    """Read REPLICAS; raises ImproperlyConfigured that quotes the entry."""
    if isinstance(entries, str):
        entries = import_string(entries)
    if callable(entries):
        entries = entries()
    if not isinstance(entries, list | tuple):
        raise ImproperlyConfigured(
            f"REPLICAS must be a list of hosts, a callable or its dotted path, not {entries!r}."
        )
    nodes = tuple(_parse(entry, default_port) for entry in entries)
    names = [node.name for node in nodes]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ImproperlyConfigured(f"REPLICAS names {', '.join(sorted(twice))} more than once.")
    return nodes


def primary_nodes(host: str, port: str) -> tuple[Node, ...]:
    """The hosts of the primary's own settings, which libpq takes as comma-separated lists."""
    hosts = host.split(",")
    ports = port.split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return tuple(_node(h, p) for h, p in zip(hosts, ports, strict=True))


def expand(nodes: Iterable[Node], resolve: Resolve | None = None) -> tuple[Node, ...]:
    """Replace nodes with RESOLVE by one per address; a name that is gone stays as it is."""
    lookup = resolve or _addresses
    expanded: list[Node] = []
    for node in nodes:
        addresses = sorted(lookup(node.host, node.port)) if node.resolve else []
        expanded += [
            replace(node, name=_name(address, node.port), host=address) for address in addresses
        ] or [node]
    return tuple({node.name: node for node in expanded}.values())


def _addresses(host: str, port: str) -> set[str]:
    try:
        found = socket.getaddrinfo(host, port or 5432, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(entry[4][0]) for entry in found}


def _parse(entry: object, default_port: str) -> Node:
    if isinstance(entry, str) and entry:
        host, port = _split(entry)
        return _node(host, port or default_port)
    if isinstance(entry, Mapping):
        return _from_mapping(entry, default_port)
    raise ImproperlyConfigured(
        f"REPLICAS has {entry!r}: write 'host', 'host:port' or a dictionary with HOST."
    )


def _from_mapping(entry: Mapping[str, Any], default_port: str) -> Node:
    unknown = set(entry) - _KEYS
    if unknown or not entry.get("HOST"):
        raise ImproperlyConfigured(
            f"REPLICAS has {dict(entry)!r}: HOST is needed, {', '.join(sorted(_KEYS))} may be."
        )
    weight = entry.get("WEIGHT", 1)
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
        raise ImproperlyConfigured(f"REPLICAS has WEIGHT {weight!r}: an integer from 0 to 100.")
    node = _node(str(entry["HOST"]), str(entry.get("PORT") or default_port))
    return replace(
        node,
        name=str(entry.get("NAME") or node.name),
        weight=weight,
        zone=str(entry.get("ZONE", "")),
        resolve=bool(entry.get("RESOLVE", False)),
    )


def _split(entry: str) -> tuple[str, str]:
    host, colon, port = entry.rpartition(":")
    if not colon:
        return entry, ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return entry, ""  # a bare IPv6 address
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"REPLICAS has {entry!r}: {port!r} is no port.")
    return host, port


def _node(host: str, port: str) -> Node:
    return Node(name=_name(host, port), host=host, port=port)


def _name(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else host or "local"
    return f"{shown}:{port}" if port else shown
