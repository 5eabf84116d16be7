"""A primary with streaming replicas, as one thing to start, break and throw away."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from devstack.errors import DevstackError
from devstack.postgresql.node import TIMEOUT, PostgresNode
from devstack.postgresql.programs import find_postgres
from devstack.supervisor import supervisor

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class PostgresCluster:
    """One primary and its replicas; made by :func:`postgres`."""

    def __init__(self, primary: PostgresNode, replicas: list[PostgresNode]) -> None:
        self.primary = primary
        self.replicas = replicas

    @property
    def nodes(self) -> list[PostgresNode]:
        """The primary first, then the replicas, by the roles they started with."""
        return [self.primary, *self.replicas]

    def wait_until_replayed(self, timeout: float = TIMEOUT) -> None:
        """Waits until every running replica has applied what the primary has written so far.

        Raises:
            ServerFailed: one had not after ``timeout`` seconds.
        """
        lsn = self.primary.current_lsn()
        for replica in self.replicas:
            if replica.is_running:
                replica.wait_until_replayed(lsn, timeout)

    def __repr__(self) -> str:
        return f"<PostgresCluster {self.nodes}>"


@contextmanager
def postgres(
    replicas: int = 2, version: int | None = None, settings: Mapping[str, str] = NO_SETTINGS
) -> Iterator[PostgresCluster]:
    """Runs a cluster of real servers for the length of a ``with`` block.

    Args:
        replicas: how many streaming replicas the primary gets.
        version: a major version (the wheel has 16 and 18); the first one found otherwise.
        settings: entries for every node's postgresql.conf; they overrule devstack's own.

    Raises:
        ProgramNotFound: there is no such PostgreSQL.
        ServerFailed: a server did not start.
    """
    if replicas < 0:
        raise DevstackError(f"replicas must be 0 or more, not {replicas}")
    stack = supervisor()
    programs = find_postgres(version)
    directory = stack.make_directory("postgres")
    names = ["primary", *(f"replica{number}" for number in range(1, replicas + 1))]
    nodes = [PostgresNode(name, programs, directory) for name in names]
    try:
        for node in nodes:
            upstream = None if node is nodes[0] else nodes[0]
            node.initialise(settings, upstream)
            node.launch()
        for node in nodes:
            node.wait_until_ready()
        yield PostgresCluster(nodes[0], nodes[1:])
    finally:
        for node in reversed(nodes):
            node.close()
        stack.discard(directory)
