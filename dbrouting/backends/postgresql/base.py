"""`ENGINE = "dbrouting.backends.postgresql"`: Django's backend whose alias is several nodes.

The alias keeps a link per node and thread. Outside a transaction the node is chosen per query,
within a unit of work (a request, a task) once; a transaction stays where it began. The class only
keeps connections: `places` chooses, `failover` retries, `cursor` is what the ORM holds.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections
from django.db.backends.base.base import NO_DB_ALIAS

from ... import primary as primary_alias
from ...cluster import Cluster
from ...conf import get_settings
from ...deadline import connect_within
from ...failures import Facts
from ...monitor import Monitor
from ...nodes import Node, expand, parse_nodes, primary_nodes
from ...pinning import settle
from ...registry import get_or_create
from ...units import Intent, current_intent, current_unit
from . import driver
from .creation import DatabaseCreation
from .cursor import cursor_class
from .diagnosis import NodePromoted, diagnose
from .django_parts import PostgresWrapper
from .failover import Failover
from .inheritance import inherit
from .link import Link, Place, give_back
from .mirror import MirrorWrapper
from .places import Places


class DatabaseWrapper(MirrorWrapper):
    """One thread's connections to the nodes behind the alias."""

    creation_class = DatabaseCreation

    def __init__(self, settings_dict: dict[str, Any], alias: str = "replica") -> None:
        if alias != NO_DB_ALIAS:
            name = get_settings().primary
            inherit(settings_dict, connections.settings[name], name)
        super().__init__(settings_dict, alias)
        self.links: dict[str, Link] = {}
        self.link: Link | None = None
        self._opening: Node | None = None
        self._cluster: Cluster | None = None
        self._primary: PostgresWrapper | None = None

    @property
    def primary(self) -> PostgresWrapper:
        """The primary's alias in this thread; looked up once a request: every query asks for it."""
        found = self._primary
        if found is None:
            found = self._primary = super().primary
        return found

    # ##### The cluster #####

    @property
    def cluster(self) -> Cluster:
        """What this process knows of the nodes; made and watched from the first use on."""
        if self._cluster is not None and self._cluster.is_watched:
            return self._cluster
        cluster, monitor = get_or_create(self.alias, self._create_cluster)
        if cluster is not self._cluster:
            self._cluster = cluster
            self._places = Places(self, cluster)
            self.failover = Failover(self, cluster, self._places)
        monitor.start()
        return cluster

    def _create_cluster(self) -> tuple[Cluster, Monitor]:
        cluster = Cluster(self.alias, expand(self._hosts()), get_settings())
        cluster.on_trip.append(self._pool_dropper(self.alias))
        monitor = Monitor(cluster, _ProbeDriver(self.alias), self._hosts, self._primary_hosts)
        return cluster, monitor

    def _hosts(self) -> tuple[Node, ...]:
        entries = self.settings_dict.get("REPLICAS")
        if entries is None:
            raise ImproperlyConfigured(
                f"DATABASES[{self.alias!r}] needs REPLICAS, e.g. ['db2.internal', 'db3.internal']."
            )
        return parse_nodes(entries, self.settings_dict["PORT"])

    def _primary_hosts(self) -> tuple[Node, ...]:
        primary = connections.settings[get_settings().primary]
        return primary_nodes(primary["HOST"], str(primary["PORT"]))

    # ##### Where a query runs #####

    @property
    def in_transaction(self) -> bool:
        """Is a transaction open on this alias, so that its node must stay?"""
        return self.in_atomic_block or (self.connection is not None and not self.autocommit)

    def _belongs_to_primary(self) -> bool:
        """Must the primary's alias serve this read, whoever asked for replicas?

        Inside its `atomic`, after a write in the same unit of work, and in `primary_reads`.
        """
        if primary_alias.owns_reads(self.primary) or current_intent() is Intent.PRIMARY:
            return True
        unit = current_unit()
        if not unit.has_written:
            return False
        if unit.is_declared:
            return True
        settle(unit)
        return unit.has_written

    def _cursor(self, name: str | None = None) -> Any:
        if self.is_mirror or self._opening is not None:
            return super()._cursor(name)
        if self.in_transaction:
            self.close_if_health_check_failed()
            return self._failover_cursor(self.create_cursor(name), self._current_link(), name)
        if self._belongs_to_primary():
            return self.primary._cursor(name)
        cluster = self.cluster
        link = self._places.first()
        if link is not None:
            self.use(link)
            with self.wrap_database_errors:
                return self._failover_cursor(self.create_cursor(name), link, name)
        return self._cursor_anywhere(cluster, name)

    def _cursor_anywhere(self, cluster: Cluster, name: str | None) -> Any:
        last: Error | None = None
        for place in self._places.all(set()):
            try:
                if isinstance(place, Link):
                    self.use(place)
                    with self.wrap_database_errors:
                        cursor = self.create_cursor(name)
                else:
                    cursor = self.create_primary_cursor(name)
            except Error as error:
                last = error
                diagnose(self, cluster, place, error)
            else:
                return self._failover_cursor(cursor, place, name)
        raise self.failover.nothing_left(last) from last

    def _failover_cursor(self, cursor: Any, place: Place, name: str | None) -> Any:
        self.validate_thread_sharing()
        kind = cursor_class(is_named=name is not None, is_logged=self.queries_logged)
        wrapped = kind(cursor, self)
        wrapped.place, wrapped.name, wrapped.failover = place, name, self.failover
        return wrapped

    def create_primary_cursor(self, name: str | None) -> Any:
        """A driver's cursor on the primary's connection."""
        primary = self.primary
        primary.close_if_health_check_failed()
        primary.ensure_connection()
        with primary.wrap_database_errors:
            return primary.create_cursor(name)

    # ##### Links #####

    def ensure_connection(self) -> None:
        """Have a link, for what is not a query: entering a transaction, introspection."""
        if self.is_mirror or self._opening is not None or self.in_transaction:
            super().ensure_connection()
            return
        cluster = self.cluster
        link = self._places.first()
        if link is None:
            for place in self._places.all(set()):
                # A transaction of this alias cannot share the primary's connection.
                link = place if isinstance(place, Link) else self._link_to_primary()
                break
        if link is None:
            raise self.failover.nothing_left(None)
        assert cluster is self._cluster
        self.use(link)

    def _link_to_primary(self) -> Link:
        node = self._primary_hosts()[0]
        name = f"primary {node.name}"
        return self.links.get(name) or self.open_link(Node(name=name, host="", port=""))

    def use(self, link: Link) -> None:
        """Make `link` the connection that Django's code sees."""
        if link is self.link:
            return
        if self.link is not None:
            self.link.health_check_done = self.health_check_done
        self.link = link
        self.connection = link.connection
        self.close_at = link.close_at
        self.health_check_done = link.health_check_done
        self.autocommit = True
        self.needs_rollback = False

    def open_link(self, node: Node) -> Link:
        """Connect to a node within the deadline; raises Django's errors."""
        self._opening = node
        self.link = None
        self.connection = None
        try:
            with self.wrap_database_errors:
                self.connect()
            link = self._current_link()
            link.fuse.put_out()
            self._refuse_promoted(node)
        except BaseException:
            self._discard_half_open()
            raise
        finally:
            self._opening = None
        link.close_at = self.close_at
        self.links[node.name] = link
        return link

    def _current_link(self) -> Link:
        assert self.link is not None
        return self.link

    def _discard_half_open(self) -> None:
        if self.link is not None:
            self.discard(self.link)

    def _refuse_promoted(self, node: Node) -> None:
        # PostgreSQL 14 and later report it without being asked (manual, §55.2.7).
        role = self.connection.info.parameter_status("in_hot_standby")
        if role == "off" and node.host:
            raise NodePromoted(f"{node.name} takes writes: it is a primary")

    def discard(self, link: Link) -> None:
        """Close a link and forget it."""
        link.close()
        if self.links.get(link.name) is link:
            del self.links[link.name]
        if link is self.link:
            self.link = None
            self.connection = None

    def discard_all(self) -> None:
        """Close and forget the links to all nodes."""
        for link in list(self.links.values()):
            self.discard(link)

    def get_connection_params(self) -> dict[str, Any]:
        """Django's parameters, with the host of the node being connected to."""
        params: dict[str, Any] = super().get_connection_params()
        node = self._opening
        if node is None or not node.host:
            primary = connections[get_settings().primary].settings_dict
            options = primary["OPTIONS"]
            chosen = {"host": primary["HOST"], "port": primary["PORT"]}
            chosen |= {k: options[k] for k in ("target_session_attrs",) if k in options}
        else:
            chosen = {"host": node.host, "port": node.port}
        params.pop("port", None)
        params.update({key: value for key, value in chosen.items() if value})
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect within the deadline; the fuse burns until the session is set up."""
        if self._opening is None:
            return super().get_new_connection(conn_params)
        connect = super().get_new_connection
        seconds = get_settings().connect_deadline
        connection = connect_within(seconds, lambda: connect(conn_params), give_back)
        self.link = Link(self._opening.name, connection)
        self.link.fuse.light(seconds)
        return connection

    # ##### Pools of psycopg 3: one a node #####

    @property
    def pool(self) -> Any:
        """The pool of the node being connected to, or of the current link."""
        options = self.settings_dict["OPTIONS"].get("pool")
        name = self._opening.name if self._opening else self.link.name if self.link else None
        if self.alias == NO_DB_ALIAS or not options or name is None or self.is_mirror:
            return None
        key = _pool_key(self.alias, name)
        if key not in self._connection_pools:
            self._connection_pools.setdefault(key, self._new_pool(options))
        return self._connection_pools[key]

    def _new_pool(self, options: Any) -> Any:
        if self.settings_dict.get("CONN_MAX_AGE", 0) != 0:
            raise ImproperlyConfigured("Pooling doesn't support persistent connections.")
        try:
            from psycopg_pool import ConnectionPool
        except ImportError as error:
            raise ImproperlyConfigured("OPTIONS['pool'] needs psycopg[pool].") from error
        checks = self.settings_dict["CONN_HEALTH_CHECKS"]
        given = {} if options is True else dict(options)
        given.setdefault("timeout", get_settings().connect_deadline)
        return ConnectionPool(
            kwargs={**self.get_connection_params(), "autocommit": True},
            open=False,
            configure=self._configure_pooled,
            check=ConnectionPool.check_connection if checks else None,
            **given,
        )

    def _configure_pooled(self, connection: Any) -> None:
        self._configure_connection(connection)

    def close_pool(self) -> None:
        """Close the pools of all nodes."""
        prefix = _pool_key(self.alias, "")
        for key in [key for key in self._connection_pools if key.startswith(prefix)]:
            self._connection_pools.pop(key).close()

    @classmethod
    def _pool_dropper(cls, alias: str) -> Callable[[str], None]:
        def drop(name: str) -> None:
            # Its connections are as dead as the node; those who wait for one are woken.
            pool = cls._connection_pools.pop(_pool_key(alias, name), None)
            if pool is not None:
                pool.close(timeout=0)

        return drop

    # ##### Django's life cycle of connections #####

    def _commit(self) -> None:
        with self._deadline():
            super()._commit()

    def _rollback(self) -> None:
        with self._deadline():
            super()._rollback()

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """For what ends a transaction: a hung node must not hold it."""
        link = self.link
        if link is None:
            yield
            return
        link.fuse.light(get_settings().deadline)
        try:
            yield
        finally:
            link.fuse.put_out()

    def _close(self) -> None:
        if self.link is not None and not self.is_mirror:
            self.links.pop(self.link.name, None)
            self.link.close()
            self.link = None
        else:
            super()._close()

    def close(self) -> None:
        """Close the links to all nodes; inside `atomic`, Django's way, the one in use."""
        self.validate_thread_sharing()
        self._primary = None
        if not self.in_atomic_block:
            for link in list(self.links.values()):
                if link is not self.link:
                    self.discard(link)
        super().close()

    def close_if_unusable_or_obsolete(self) -> None:
        """At the ends of a request: drop links that are blown, broken or old."""
        self._primary = None
        if self.is_mirror or self.in_atomic_block:
            return
        if self.connection is not None and not self.autocommit:
            self.close()
            return
        self.errors_occurred = False  # a link that failed was discarded when it did
        self.health_check_done = False
        for link in list(self.links.values()):
            link.health_check_done = False
            is_old = link.close_at is not None and time.monotonic() >= link.close_at
            if is_old or link.is_broken:
                self.discard(link)


class _ProbeDriver:
    """Opens the monitor's connections, with the alias's own parameters."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def connect(self, node: Node) -> Any:
        """A plain connection, outside any pool."""
        wrapper = connections[self._alias]
        params: dict[str, Any] = wrapper.get_connection_params()
        params.pop("target_session_attrs", None)
        params |= {"host": node.host, "application_name": "dbrouting-monitor"}
        params.pop("port", None)
        if node.port:
            params["port"] = node.port
        return driver.connect({key: value for key, value in params.items() if value != ""})

    def facts(self, error: BaseException, connection: Any, *, is_connecting: bool) -> Facts | None:
        """What is known about an error."""
        return driver.facts_of(error, connection, is_connecting=is_connecting)


def _pool_key(alias: str, name: str) -> str:
    return f"{alias} → {name}"
