"""`Model.objects.using_replica()`: one queryset that need not be fresh to the millisecond.

    class Product(models.Model):
        objects = ReplicaManager()

Unlike `using("replica")` it is a hint, weighed when the query runs: inside `atomic`, with
`select_for_update` and after a write the primary serves it.
"""

from typing import Any, TypeVar

from django.db.models import Manager, Model, QuerySet

M = TypeVar("M", bound=Model, covariant=True)
Q = TypeVar("Q", bound=QuerySet[Any, Any])


def using_replica(queryset: Q) -> Q:
    """A copy of any queryset whose reads may go to a replica."""
    clone = queryset.all()
    clone._add_hints(replica=True)  # type: ignore[attr-defined]  # what routers are given
    return clone


class ReplicaQuerySet(QuerySet[M, M]):
    """Django's queryset with `using_replica()`."""

    def using_replica(self) -> "ReplicaQuerySet[M]":
        """A copy whose reads may go to a replica."""
        return using_replica(self)


class ReplicaManager(Manager.from_queryset(ReplicaQuerySet)):  # type: ignore[misc]
    """Django's manager with `using_replica()`."""
