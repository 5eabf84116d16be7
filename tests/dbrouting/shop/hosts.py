"""A list of hosts that comes from code."""


def replicas() -> list[str]:
    """What REPLICAS = "tests.dbrouting.shop.hosts.replicas" gives."""
    return ["db8"]


class NoRouter:
    """A router that has no opinion."""
