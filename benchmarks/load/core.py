"""The load runs on a core of its own, away from the servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..machine import load_core


@contextmanager
def on_load_core() -> Iterator[None]:
    """Pin this process to the load's core for as long as the block lasts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {load_core()})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
