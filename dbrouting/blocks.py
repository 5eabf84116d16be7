"""Context managers and decorators that say how a block, a view or a task reads.

Each is used as `with replica_reads():`, and as `@replica_reads` or `@replica_reads()` on
functions, async ones included.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .conf import get_settings
from .pinning import unsign
from .router import ReplicaRouter
from .units import Intent, Unit, floor, intent, unit

F = TypeVar("F", bound=Callable[..., Any])


class _Block:
    """An `Intent` as a context manager and as a decorator."""

    def __init__(self, wanted: Intent) -> None:
        self._wanted = wanted
        self._entered: list[ExitStack] = []

    def __call__(self, view: F | None = None) -> Any:
        """`@block` wraps a function; `block()` is a new context manager."""
        if view is None:
            return _Block(self._wanted)
        return _wrap(view, self._wanted)

    def __enter__(self) -> None:
        stack = ExitStack()
        stack.enter_context(intent(self._wanted))
        self._entered.append(stack)

    def __exit__(self, *exc_info: object) -> None:
        self._entered.pop().close()


def _wrap(view: F, wanted: Intent) -> F:
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def wrapped_async(*args: Any, **kwargs: Any) -> Any:
            with intent(wanted):
                return await view(*args, **kwargs)

        return wrapped_async  # type: ignore[return-value]  # the same signature, by wraps

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with intent(wanted):
            return view(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # the same signature, by wraps


def replica_reads(view: F | None = None) -> Any:
    """Every model's reads may go to replicas here. A context manager and a decorator."""
    return _Block(Intent.REPLICA)(view)


def primary_reads(view: F | None = None) -> Any:
    """Every read goes to the primary here. A context manager and a decorator."""
    return _Block(Intent.PRIMARY)(view)


@contextmanager
def first_pass_reads(min_lsn: int | str | None = None) -> Iterator[None]:
    """A first pass of a two-pass page: replicas for every model, but none behind `min_lsn`.

    It is rendered for nobody, so it is a unit of work of its own: what it writes pins no visitor.
    Raises ValueError on a `min_lsn` that is no position.
    """
    with unit(), intent(Intent.REPLICA), floor(min_lsn):
        yield


@contextmanager
def fresh_as_of(lsn: int | str | None) -> Iterator[BaseDatabaseWrapper]:
    """Read in the block only from servers that have replayed `lsn`; yields such a connection.

    For refills after an invalidation: replicas for every model when one is far enough, else the
    primary, which is also what is yielded where there are no replicas.
    """
    settings = get_settings()
    is_degraded = ReplicaRouter().is_degraded(settings)
    with intent(Intent.REPLICA), floor(lsn):
        yield connections[settings.primary if is_degraded else settings.replica]


@contextmanager
def unit_of_work(token: str | None = None) -> Iterator[Unit]:
    """A task, a command, a message: one node for its reads, and what `token` pins.

    `token` is another process's `pin_token()`. A token that is not ours pins nothing; one that
    is too old needs no pin any more.
    """
    pin = unsign(token) if token else None
    with unit(pin.lsn if pin else 0) as started:
        yield started
