"""The shop of the tests: its servers, and the Django aliases pointed at them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.db import connections

from dbrouting import registry, units
from devstack import PostgresCluster, PostgresNode

from .shop.models import Product


def point_at(cluster: PostgresCluster, primary_hosts: list[PostgresNode] | None = None) -> None:
    """Have both aliases mean this cluster, in all threads to come."""
    hosts = primary_hosts or [cluster.primary]
    default = connections.settings["default"]
    default.update(
        HOST=",".join(node.host for node in hosts),
        PORT=",".join(str(node.port) for node in hosts),
        USER=cluster.primary.user,
    )
    connections.settings["replica"].update(
        REPLICAS=[f"{node.host}:{node.port}" for node in cluster.replicas],
        USER=cluster.primary.user,
    )


def forget_everything() -> None:
    """Stop monitors, forget what was learned and written, close this thread's connections."""
    registry.reset()
    units._unit.set(None)
    connections.close_all()
    for alias in connections:
        if hasattr(connections._connections, alias):
            del connections[alias]


def ask(node: PostgresNode, sql: str, name: str = "postgres") -> str | None:
    """One value, over a connection of its own: cheaper than psql, and apart from dbrouting."""
    connection = connections["default"].Database.connect(node.dsn(name), connect_timeout=5)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return str(cursor.fetchone()[0]) if cursor.description else None
    finally:
        connection.close()


def name_of(node: PostgresNode) -> str:
    """What dbrouting calls it."""
    return f"{node.host}:{node.port}"


@dataclass
class Shop:
    """Three servers and one shop."""

    cluster: PostgresCluster

    @property
    def primary(self) -> PostgresNode:
        return self.cluster.primary

    @property
    def replicas(self) -> list[PostgresNode]:
        return self.cluster.replicas

    def create_tables(self) -> None:
        with connections["default"].schema_editor() as editor:
            for label in ("shop", "auth", "contenttypes", "sessions"):
                for model in apps.get_app_config(label).get_models():
                    editor.create_model(model)
        self.wait_until_replayed()
        connections.close_all()

    def wait_until_replayed(self) -> None:
        """Until both replicas have what the primary has."""
        lsn = ask(self.primary, "SELECT pg_current_wal_lsn()")
        for node in self.replicas:
            wait_until(
                lambda node=node: ask(node, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'") == "True"
            )

    def empty(self) -> None:
        ask(self.primary, "TRUNCATE shop_product CASCADE", "shop")
        self.wait_until_replayed()

    def stock_up(self, count: int = 10) -> list[Product]:
        products = Product.objects.bulk_create(
            Product(name=f"product {number}", stock=number) for number in range(count)
        )
        self.wait_until_replayed()
        forget_everything()
        return products

    def mend(self) -> None:
        """Bring back what a test broke."""
        for node in self.cluster.nodes:
            node.sigcont() if node.is_running and node._is_frozen else None
            if not node.is_running:
                node.start()
        for node in self.replicas:
            ask(node, "SELECT pg_wal_replay_resume()")
        self.wait_until_replayed()


def abandon_connections() -> None:
    """In a forked child: leave the parent's connections to the parent, as a preloading server."""
    for alias in connections:
        if hasattr(connections._connections, alias):
            vars(connections[alias])["connection"] = None
            del connections[alias]


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what background probes will notice."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds} s: {registry.clusters()}"
        time.sleep(0.01)
