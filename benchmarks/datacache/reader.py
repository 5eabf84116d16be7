"""The process that `datacache` measures: prints microseconds of its CPU as JSON."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import sys
import time
from collections.abc import Callable
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
MANY = 100


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


def write(price: Decimal) -> None:
    """Change one row, as each contestant's users must for it to be noticed."""
    rows: Any = Thing.objects.filter(pk=1)
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
        for key in range(1, ROWS + 1)
    )
    try:
        return _measured()
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Thing)


def _measured() -> dict[str, float]:
    row: dict[str, float] = {}
    for name in ("cold_us", "warm_us"):
        began, queries = time.process_time(), _Queries()
        with connection.execute_wrapper(queries):
            for key in range(1, ROWS + 1):
                if get(key).price != key:
                    raise RuntimeError("a wrong row")
        row[name] = (time.process_time() - began) / ROWS * 1e6
        row[name.replace("us", "queries")] = queries.count / ROWS
    write(Decimal(7))
    queries = _Queries()
    with connection.execute_wrapper(queries):
        for key in range(1, ROWS + 1):
            if get(key).price != (7 if key == 1 else key):
                raise RuntimeError("an old row")
    row["queries_after_one_write"] = queries.count
    if PEER.startswith("twopass"):
        row |= _ours()
    return row


def _ours() -> dict[str, float]:
    """Hits, and many rows at once beside redis-py alone: pickled, and mere bytes."""
    constant(1)
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
    return {
        "hit_us": micros(20_000, lambda: constant(1))[0],
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
