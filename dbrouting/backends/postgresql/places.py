"""Where a read may run, best first: links to nodes, and the primary with the reason for it."""

import time
from collections.abc import Iterator

from django.db import Error

from ... import metrics
from ...cluster import Cluster
from ...lsn import UNREACHABLE
from ...units import Unit, current_unit, required_lsn
from .connections import Connections
from .diagnosis import diagnose, diagnose_connecting
from .link import Link, Place, Reason

_POSITION_SQL = """
SELECT pg_is_in_recovery(),
       (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0')::bigint,
       extract(epoch FROM pg_postmaster_start_time())::float8
"""
# A node that was found behind is not asked again at once: every query of the page would ask.
_RECHECK_SECONDS = 0.005


class Places:
    """Chooses places for one thread's connections."""

    def __init__(self, db: Connections, cluster: Cluster) -> None:
        self._db = db
        self._cluster = cluster
        self._turn = cluster.next_turn()

    def first(self) -> Link | None:
        """The link whose turn it is, if it is open and fit: the way of nearly every query."""
        rotation = self._cluster.rotation
        unit = current_unit()
        name = unit.node
        if name is None or name not in rotation.members:
            self._turn = self._cluster.next_turn()
            name = rotation.first(self._turn)
            if name is None:
                return None
            if unit.is_declared:
                unit.node = name
        link = self._db.links.get(name)
        if link is None or link.is_broken:
            return None
        needed = required_lsn()
        if needed and not self._has_replayed(link, needed):
            return None
        return link

    def all(self, tried: set[str], reason: Reason | None = None) -> Iterator[Place]:
        """All places but the nodes in `tried`, by the least-bad rule of `selection`.

        Opens links as it goes. With a `reason` given, the primary alone is asked for.
        """
        needed = required_lsn()
        refused: set[str] = set()
        unreachable: set[str] = set()
        if reason is None and needed < UNREACHABLE:
            for name in self._in_turn(tried):
                link = self._link_to(name, needed, refused)
                if link is not None:
                    yield link
                elif name not in refused:
                    unreachable.add(name)
        yield from self._primary(reason or self._why_primary(needed, refused))
        if reason is not None or needed >= UNREACHABLE:
            return
        for name in self._last_resorts(tried | refused | unreachable):
            link = self._link_to(name, needed, refused)
            if link is not None:
                yield link

    def _last_resorts(self, tried: set[str]) -> list[str]:
        """Nodes out of rotation, and any that came back into it meanwhile."""
        rotation = self._cluster.rotation
        names = rotation.in_turn(self._turn) + rotation.stale + rotation.suspect
        return [name for name in names if name not in tried]

    def _in_turn(self, tried: set[str]) -> list[str]:
        unit = current_unit()
        names = [n for n in self._cluster.rotation.in_turn(self._turn) if n not in tried]
        if unit.node in names:
            names.remove(unit.node)
            names.insert(0, unit.node)
        return names

    def _why_primary(self, needed: int, refused: set[str]) -> Reason:
        is_for_position = bool(refused) or needed >= UNREACHABLE
        return Reason.POSITION if is_for_position else Reason.NO_NODE

    def _primary(self, reason: Reason) -> Iterator[Place]:
        if reason.is_limited and self._cluster.settings.fallback != "primary":
            return
        if reason is Reason.NO_NODE and not self._cluster.primary_health.may_serve:
            return
        yield reason
        # Asked for more: it failed. If its link was broken, a new one may do.
        if self._db.primary.connection is None:
            yield reason

    def _link_to(self, name: str, needed: int, refused: set[str]) -> Link | None:
        link = self._db.links.get(name)
        if link is not None and link.is_broken:
            self._db.discard(link)
            link = None
        link = link or self._open(name)
        if link is not None and needed and not self._has_replayed(link, needed):
            refused.add(name)
            return None
        unit: Unit = current_unit()
        if link is not None and unit.is_declared:
            unit.node = name
        return link

    def _open(self, name: str) -> Link | None:
        state = self._cluster.state_of(name)
        if state is None:
            return None
        try:
            return self._db.open_link(state.node)
        except Error as error:
            diagnose_connecting(self._cluster, name, error)
            return None

    def _has_replayed(self, link: Link, needed: int) -> bool:
        state = self._cluster.state_of(link.name)
        if state is None:
            return False
        # Behind a pooler the server may change under the link, and with it what it has replayed.
        if not self._cluster.settings.pooler:
            if state.has_replayed(needed, link.incarnation):
                return True
            was_asked = time.monotonic() - state.checked_at < _RECHECK_SECONDS
            if was_asked and link.incarnation == state.incarnation:
                return False
        return self._ask_position(link, needed)

    def _ask_position(self, link: Link, needed: int) -> bool:
        link.fuse.light(self._cluster.settings.deadline)
        try:
            with self._db.wrap_database_errors, link.connection.cursor() as cursor:
                cursor.execute(_POSITION_SQL)
                is_replica, replayed, link.incarnation = cursor.fetchone()
        except Error as error:
            diagnose(self._db, self._cluster, link, error)
            return False
        finally:
            link.fuse.put_out()
        self._cluster.learn_position(link.name, replayed, link.incarnation or 0.0)
        is_enough = bool(is_replica) and replayed >= needed
        metrics.count(
            metrics.LSN_CHECKS, node=link.name, outcome="replayed" if is_enough else "behind"
        )
        return is_enough
