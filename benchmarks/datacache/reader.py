"""The process that `datacache` measures: prints microseconds of its CPU as JSON."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import django

django.setup()

import redis  # noqa: E402
from django.db import connection  # noqa: E402

from origin.datacache import CachedModel, cached  # noqa: E402

from .settings import PEER, REDIS  # noqa: E402
from .things.models import Thing  # noqa: E402

ROWS = 500
"""Rows that are read by key; as many more are read as lists of `IN_LIST`."""
MANY = 100
IN_LIST = 10
WRITES = 50


class Things(CachedModel[Thing]):
    """By key."""

    model = Thing


things = Things()


@cached(key="{number}", max_age=3600)
def constant(number: int) -> tuple[str, int]:
    """What nobody can change, so that readers share it."""
    return ("value", number)


def micros(times: int, *actions: Callable[[], object]) -> list[float]:
    """CPU microseconds of each action, measured in turns: the least of seven measurements."""
    found: list[list[float]] = [[] for _ in actions]
    for _ in range(7):
        for action, measured in zip(actions, found, strict=True):
            began = time.process_time()
            for _ in range(times):
                action()
            measured.append((time.process_time() - began) / times * 1e6)
    return [min(measured) for measured in found]


def get(key: int) -> Any:
    """A row, as each contestant's users write it."""
    if PEER.startswith("twopass"):
        return things.get(key)
    return Thing.objects.get(pk=key)


def listed(start: int) -> list[Any]:
    """Some rows by a condition."""
    rows = Thing.objects.filter(pk__gt=start, pk__lte=start + IN_LIST)
    return things.rows(rows) if PEER.startswith("twopass") else list(rows)


def counted(start: int) -> int:
    """How many these are."""
    rows = Thing.objects.filter(pk__gt=start, pk__lte=start + IN_LIST)
    return things.count(rows) if PEER.startswith("twopass") else rows.count()


def write(key: int, price: Decimal) -> None:
    """Change one row, as each contestant's users must for it to be noticed."""
    rows: Any = Thing.objects.filter(pk=key)
    if PEER == "cacheops":
        rows.invalidated_update(price=price)  # it does not notice update()
    else:
        rows.update(price=price)


def main() -> dict[str, float]:
    """All measurements."""
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    Thing.objects.bulk_create(
        Thing(pk=key, name=f"thing {key}", text="word " * 60, price=Decimal(key), made=made)
        for key in range(1, 2 * ROWS + 1)
    )
    try:
        return _measured()
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Thing)


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of reading, and the sum of prices, or the number, that all of it must come to."""

    keys: Sequence[int]
    read: Callable[[int], Decimal | int]
    total: int


_LISTS = range(ROWS, 2 * ROWS, IN_LIST)
KINDS = {
    "": Kind(range(1, ROWS + 1), lambda key: get(key).price, sum(range(1, ROWS + 1))),
    "list_": Kind(
        _LISTS,
        lambda start: sum(row.price for row in listed(start)),
        sum(range(ROWS + 1, 2 * ROWS + 1)),
    ),
    "count_": Kind(_LISTS, counted, ROWS),
}


def _measured() -> dict[str, float]:
    row: dict[str, float] = {}
    for name, kind in KINDS.items():
        for phase in ("cold", "warm"):
            row[f"{name}{phase}_us"], queries = _pass(kind, kind.total)
            row[f"{name}{phase}_queries"] = queries / len(kind.keys)
        first = kind.keys[0] if not name else kind.keys[0] + 1
        write(first, Decimal(first + 1))
        changed = kind.total + (name != "count_")
        row[f"{name}after_write_us"], queries = _pass(kind, changed)
        row[f"{name}queries_after_one_write"] = queries
        write(first, Decimal(first))
    began = time.process_time()
    for number in range(WRITES):
        write(1, Decimal(number))
    row["write_us"] = (time.process_time() - began) / WRITES * 1e6
    if PEER.startswith("twopass"):
        row |= _ours()
    return row


def _pass(kind: Kind, total: int) -> tuple[float, int]:
    """Read all of it once: microseconds of CPU a read, and queries. Raises RuntimeError."""
    queries = _Queries()
    with connection.execute_wrapper(queries):
        began = time.process_time()
        found = sum(map(kind.read, kind.keys))
        spent = time.process_time() - began
    if found != total:
        raise RuntimeError(f"old or wrong rows: {found} instead of {total}")
    return spent / len(kind.keys) * 1e6, queries.count


def _ours() -> dict[str, float]:
    """Hits, and many rows at once beside redis-py alone: its bytes, and unpickled."""
    constant(1)
    things.get(2)
    raw = redis.Redis.from_url(REDIS)
    keys = range(1, MANY + 1)
    names = [f"row:{key}" for key in keys]
    raw.mset({f"row:{key}": pickle.dumps(row, -1) for key, row in things.get_many(keys).items()})
    many, rows, values = micros(
        20,
        lambda: things.get_many(keys),
        lambda: [pickle.loads(data) for data in cast("list[bytes]", raw.mget(names))],
        lambda: raw.mget(names),
    )
    times = 2_000 if PEER == "twopass-redis" else 20_000
    return {
        "hit_us": micros(times, lambda: constant(1))[0],
        "row_hit_us": micros(times, lambda: things.get(2))[0],
        "many_us": many,
        "raw_rows_us": rows,
        "raw_bytes_us": values,
        "many_ratio": many / rows,
        "many_ratio_to_bytes": many / values,
    }


class _Queries:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.count += 1
        return execute(*arguments)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
