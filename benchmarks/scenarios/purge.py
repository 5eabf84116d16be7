"""What a purge of much costs, and whom it keeps waiting."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ..contestants.filled_edge import filled_edge, require_all_held
from ..contestants.objects import BLOCK, group, path
from ..contestants.varnish import CONFIGS, varnish
from ..load.filler import fill
from ..machine import load_core
from ..processes import free_port, python, server
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario, Unavailable

COUNT: Final = 4 * BLOCK
"""Objects held: a block for each of the large purges, and one that is left for last."""
REST: Final = 1.0
"""Seconds in which what comes after a purge is watched too."""

_VCL: Final = CONFIGS / "purge.vcl"


@dataclass(frozen=True, slots=True)
class Purge:
    """How it is done, an object that it must drop, and one that must stay."""

    act: Callable[[], None]
    gone: str
    stays: str = ""


Purges = dict[str, Purge]


@contextmanager
def _edge() -> Iterator[str]:
    """Every round has an edge of its own, which is full: see `_measure`."""
    yield "twopass"


@contextmanager
def _varnish() -> Iterator[str]:
    if shutil.which("varnishd") is None and shutil.which("varnishd", path="/usr/sbin") is None:
        raise Unavailable("Varnish is not installed (apt-get install varnish)")
    yield "varnish"


def _measure(target: str, _seconds: float) -> Measurement:
    return _measure_edge() if target == "twopass" else _measure_varnish()


def _measure_edge() -> Measurement:
    with filled_edge(COUNT) as running:
        require_all_held(running.url, running.count)
        base, purge = running.url, running.purge
        acts = {
            "url": lambda: _receipt(purge(urls=[base + path(0)])),
            "group": lambda: _receipt(purge(groups=[group(0)])),
            "soft": lambda: _receipt(purge(groups=[group(BLOCK)], soft=True)),
            "prefix": lambda: _receipt(purge(prefixes=[f"{base}/shop/2/"])),
            "everything": lambda: _receipt(purge(all=True)),
        }
        return _watched(base, _purges(acts), witness=path(3 * BLOCK))


def _receipt(receipt: dict[str, object]) -> None:
    if not receipt["complete"]:
        raise RuntimeError(f"the purge was not applied: {receipt}")


def _purges(acts: dict[str, Callable[[], None]]) -> Purges:
    """With what each of them must drop, and must not."""
    shown = {
        "url": (path(0), path(1)),
        "group": (path(2), path(BLOCK + 2)),
        "soft": (path(BLOCK + 3), path(2 * BLOCK + 3)),
        "prefix": (path(2 * BLOCK + 4), path(3 * BLOCK + 4)),
        "everything": (path(3 * BLOCK + 5), ""),
    }
    return {name: Purge(act, *shown[name]) for name, act in acts.items()}


@contextmanager
def _objects() -> Iterator[str]:
    """The shop that Varnish is filled from, on the load's core."""
    base = f"http://127.0.0.1:{(port := free_port())}"
    serving = python("-m", "benchmarks.site.objects", str(port))
    with server(serving, base + path(0), cores={load_core()}):
        yield base


def _measure_varnish() -> Measurement:
    with varnish(_objects, _VCL, path(0), memory="4g") as base:
        fill(base, map(path, range(COUNT)))
        acts = {
            "url": lambda: _send(base + path(0), "PURGE"),
            "group": lambda: _send(base, "BAN", f"obj.http.xkey == {group(0)}"),
            "prefix": lambda: _send(base, "BAN", "obj.http.X-Url ~ ^/shop/2/"),
            "everything": lambda: _send(base, "BAN", "obj.status != 0"),
        }
        return _watched(base, _purges(acts), witness=path(3 * BLOCK))


def _send(url: str, method: str, ban: str = "") -> None:
    fields = {"X-Ban": ban} if ban else {}
    with urlopen(Request(url, None, fields, method=method), timeout=60) as response:
        response.read()


def _watched(base: str, purges: Purges, witness: str) -> Measurement:
    """Milliseconds of each purge, and the longest that a hit waited while it was at work."""
    found: dict[str, float] = {}
    with _Witness(base, witness) as seen:
        time.sleep(REST)
        found["wait_without_ms"] = seen.longest() * 1000
        for name, purge in purges.items():
            require_purged(base, purge, is_done=False)
            seen.longest()
            begun = time.perf_counter()
            purge.act()
            found[f"{name}_ms"] = (time.perf_counter() - begun) * 1000
            time.sleep(REST)
            found[f"{name}_wait_ms"] = seen.longest() * 1000
            require_purged(base, purge, is_done=True)
    return found


def require_purged(base: str, purge: Purge, *, is_done: bool) -> None:
    """Raises RuntimeError unless it drops what it must, having been held, and nothing else."""
    if is_hit(base + purge.gone) is is_done:
        state = "still held after" if is_done else "not held before"
        raise RuntimeError(f"{base}{purge.gone} is {state} the purge")
    if purge.stays and not is_hit(base + purge.stays):
        raise RuntimeError(f"{base}{purge.stays} is not held, and no purge was to drop it")


def is_hit(url: str) -> bool:
    """Whether it came fresh out of the cache, which says so: ours in Cache-Status, Varnish by two
    numbers in X-Varnish, its own and that of the request that had fetched it."""
    try:
        with urlopen(url, timeout=10) as response:
            fields = response.headers
    except HTTPError as error:  # dropped, and nobody is behind our edge to ask
        fields = error.headers
        error.close()
    status = fields.get("Cache-Status", "").replace(" ", "")
    is_ours = status.startswith("twopass;hit") and "detail=stale" not in status
    return is_ours or len(fields.get("X-Varnish", "").split()) == 2


class _Witness:
    """A visitor on a connection of their own who asks for one object again and again."""

    def __init__(self, base: str, target: str) -> None:
        self._host = urlsplit(base).netloc
        self._target = target
        self._longest = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), daemon=True)

    def __enter__(self) -> _Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join(30)

    def longest(self) -> float:
        """Seconds that the slowest answer since the last call took."""
        longest, self._longest = self._longest, 0.0
        return longest

    async def _ask(self) -> None:
        name, _, port = self._host.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        request = f"GET {self._target} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()
        while not self._is_over:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            self._longest = max(self._longest, time.perf_counter() - begun)
            await asyncio.sleep(0.0005)
        writer.close()


SCENARIO = Scenario(
    name="purge",
    what=(
        "Of 400,000 objects: one URL; a group of 100,000; softly one; a prefix of 100,000; all. "
        "Milliseconds each, and the longest that a hit waited within a second of it. nginx has no "
        "purge without modules; Varnish bans by header (xkey is a module), which marks nothing: "
        "later hits are held against the bans until its lurker has gone over all objects. Each must"
        " have dropped an object that was held, and none that it does not name."
    ),
    contestants=(
        Contestant("twopass", "edge, one process, POST /purge", _edge),
        Contestant("varnish", "PURGE and ban, its defaults", _varnish),
    ),
    measure=_measure,
    check=lambda name, target: None,  # each round proves its purges: require_purged
    goals=(
        Goal("a group of 100,000 objects, milliseconds", "twopass", "group_ms", at_most=50),
        Goal(
            "the longest that a hit waits meanwhile, milliseconds",
            "twopass", "group_wait_ms", at_most=50,
        ),
    ),
    rounds=3,
)  # fmt: skip
