"""How each contestant is configured: its DATABASES, its router and what it needs besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]

PLAIN_ENGINE = "django.db.backends.postgresql"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers are, and the user and database to use there."""

    primary: Address
    replicas: tuple[Address, ...]
    user: str
    name: str


def alias(addresses: Addresses, *servers: Address, **options: str) -> dict[str, Any]:
    """A DATABASES entry of Django's own engine, with persistent and checked connections."""
    return {
        "ENGINE": PLAIN_ENGINE,
        "NAME": addresses.name,
        "USER": addresses.user,
        "HOST": ",".join(host for host, _ in servers),
        "PORT": ",".join(str(port) for _, port in servers),
        "CONN_MAX_AGE": None,
        # What Django recommends with persistent connections; it is in the peers' favour.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def twopass(addresses: Addresses) -> dict[str, Any]:
    """The router and backend of this project, as they come."""
    default = alias(addresses, addresses.primary)
    default["CONN_HEALTH_CHECKS"] = False
    return {
        "DATABASES": {
            "default": default,
            "replica": {
                "ENGINE": "dbrouting.backends.postgresql",
                "REPLICAS": [f"{host}:{port}" for host, port in addresses.replicas],
            },
            "plain": alias(addresses, addresses.replicas[0]) | {"CONN_HEALTH_CHECKS": False},
        },
        "INSTALLED_APPS": ["dbrouting"],
        "DATABASE_ROUTERS": ["dbrouting.router.ReplicaRouter"],
        "DBROUTING": {"MODELS": ["replicas"]},
    }


def django(addresses: Addresses) -> dict[str, Any]:
    """Django's documentation: a router, one alias, one replica."""
    return {
        "DATABASES": {
            "default": alias(addresses, addresses.primary),
            "replica": alias(addresses, addresses.replicas[0]),
            "plain": alias(addresses, addresses.replicas[0]),
        },
        "DATABASE_ROUTERS": ["benchmarks.replicas.worker.ToReplica"],
    }


def libpq(addresses: Addresses) -> dict[str, Any]:
    """The same with libpq's list of hosts, tried in random order."""
    return django(addresses) | {
        "DATABASES": {
            "default": alias(addresses, addresses.primary),
            "replica": alias(addresses, *addresses.replicas, load_balance_hosts="random"),
            "plain": alias(addresses, addresses.replicas[0]),
        }
    }


def multidb(addresses: Addresses) -> dict[str, Any]:
    """django-multidb-router over an alias for each replica."""
    names = [f"replica{number}" for number, _ in enumerate(addresses.replicas)]
    return {
        "DATABASES": {
            "default": alias(addresses, addresses.primary),
            "plain": alias(addresses, addresses.replicas[0]),
            **{
                name: alias(addresses, server)
                for name, server in zip(names, addresses.replicas, strict=True)
            },
        },
        "REPLICA_DATABASES": names,
        "DATABASE_ROUTERS": ["multidb.ReplicaRouter"],
    }


PEERS = {
    "twopass": (twopass, "dbrouting: two replicas behind one alias"),
    "django": (django, "Django's own backend on one replica"),
    "django-multidb-router": (multidb, "django-multidb-router over two replicas"),
    "libpq": (libpq, "libpq's multi-host list of two replicas, load_balance_hosts"),
}
