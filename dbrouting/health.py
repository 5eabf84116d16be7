"""The health of all nodes as plain data: what the `replicas` command and status pages show."""

from dataclasses import asdict, dataclass

from .cluster import Cluster, NodeState, describe
from .lsn import format_lsn


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """One row."""

    node: str
    status: str
    breaker: str
    lag_seconds: float
    lag_bytes: int
    replayed: str
    weight: int
    zone: str
    last_failure: str


def node_healths(cluster: Cluster) -> list[NodeHealth]:
    """A row for every node of the alias."""
    return [
        NodeHealth(
            node=state.node.name,
            status=_status(state),
            breaker=state.breaker.state.value,
            lag_seconds=round(state.lag.seconds, 3),
            lag_bytes=state.lag.bytes_behind,
            replayed=format_lsn(state.replayed),
            weight=state.node.weight,
            zone=state.node.zone,
            last_failure=state.last_failure,
        )
        for state in cluster
    ]


def as_json(cluster: Cluster) -> dict[str, object]:
    """Alias, timeline, the primary's position and the nodes, ready for json.dumps."""
    latest = cluster.primary_history.latest
    return {
        "alias": cluster.alias,
        "primary_lsn": None if latest is None else format_lsn(latest),
        "timeline": cluster.timeline or None,
        "in_rotation": sorted(cluster.rotation.members),
        "nodes": [asdict(health) for health in node_healths(cluster)],
    }


def as_table(cluster: Cluster) -> str:
    """The nodes as an aligned table for a terminal."""
    head = (
        "NODE",
        "STATUS",
        "BREAKER",
        "LAG S",
        "LAG BYTES",
        "REPLAYED",
        "WEIGHT",
        "ZONE",
        "LAST FAILURE",
    )
    rows = [head] + [
        (
            h.node, h.status, h.breaker, f"{h.lag_seconds:.3f}", str(h.lag_bytes), h.replayed,
            str(h.weight), h.zone or "-", h.last_failure or "-",
        )
        for h in node_healths(cluster)
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _status(state: NodeState) -> str:
    is_known = state.sampled_at is not None or not state.breaker.is_closed
    return describe(state) if is_known else "unknown"
