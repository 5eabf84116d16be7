"""Drives flows: performs their steps, in a thread or in an event loop."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Iterable
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, assert_never

from asgiref.sync import sync_to_async

from . import flow, loading, stats
from .definition import Definition
from .layers import Levels, get_levels
from .redis_link import Away
from .steps import Ask, Deliver, Flow, Join, Load, Pause, Refresh, Step


def read(definition: Definition, idents: Iterable[Any]) -> dict[Any, Any]:
    """The values of `idents`, without those that there are none of."""
    levels = get_levels()
    found: dict[Any, Any] = drive(levels, flow.read(levels, definition, idents))
    return found


async def aread(definition: Definition, idents: Iterable[Any]) -> dict[Any, Any]:
    """As `read`, in an event loop."""
    levels = get_levels()
    found: dict[Any, Any] = await adrive(levels, flow.read(levels, definition, idents))
    return found


def drive(levels: Levels, steps: Flow) -> Any:
    """Perform the steps of a flow in this thread; its result."""
    result: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = steps.send(result) if failure is None else steps.throw(failure)
        except StopIteration as stop:
            return stop.value
        result, failure = None, None
        try:
            result = _perform(levels, step)
        except Exception as error:  # noqa: BLE001  # the flow cleans up, and raises it again
            failure = error


async def adrive(levels: Levels, steps: Flow) -> Any:
    """As `drive`, without blocking the event loop."""
    result: Any = None
    failure: BaseException | None = None
    while True:
        try:
            step = steps.send(result) if failure is None else steps.throw(failure)
        except StopIteration as stop:
            return stop.value
        result, failure = None, None
        try:
            result = await _aperform(levels, step)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # as above
            failure = error


def _perform(levels: Levels, step: Step) -> Any:
    match step:
        case Ask():
            return _ask(levels, step)
        case Deliver():
            return levels.deliver()
        case Load():
            return loading.load(step)
        case Pause():
            time.sleep(step.seconds)
        case Join():
            try:
                return step.flight.result(step.timeout)
            except FutureTimeout:
                return None
        case Refresh():
            _refresh(levels, step)
        case _:
            assert_never(step)
    return None


async def _aperform(levels: Levels, step: Step) -> Any:
    match step:
        case Ask():
            if levels.link is None or not step.commands:
                return None
            try:
                return await levels.link.acall(step.commands)
            except Away:
                stats.count("away")
                return None
        case Deliver():
            # a Redis that hangs holds up a thread of its own, and not the loop
            return await sync_to_async(levels.deliver, thread_sensitive=False)()
        case Load():
            return await loading.aload(step)
        case Pause():
            await asyncio.sleep(step.seconds)
        case Join():
            waiting = asyncio.wrap_future(step.flight)
            done, _ = await asyncio.wait([waiting], timeout=step.timeout)
            return waiting.result() if done else None
        case Refresh():
            _refresh(levels, step)
        case _:
            assert_never(step)
    return None


def _ask(levels: Levels, step: Ask) -> Any:
    if levels.link is None or not step.commands:
        return None
    try:
        return levels.link.call(step.commands)
    except Away:
        stats.count("away")
        return None


def _refresh(levels: Levels, step: Refresh) -> None:
    steps = functools.partial(flow.renew, levels, step.definition, step.ident, step.seen)
    levels.refresh(step.definition.key(step.ident), lambda: drive(levels, steps()))
