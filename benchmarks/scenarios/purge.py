"""What a purge of much costs, and whom it keeps waiting."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ..contestants.filled_edge import filled_edge, require_all_held
from ..contestants.objects import BLOCK, group, path
from ..load.filler import fill
from ..machine import load_core
from ..processes import free_port, python, server
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario, Unavailable

COUNT: Final = 3 * BLOCK
"""Objects held: a block for each of the large purges, and one that is left for last."""
REST: Final = 1.0
"""Seconds in which what comes after a purge is watched too."""

_VARNISH: Final = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}
acl local {{ "127.0.0.1"; }}
sub vcl_recv {{
    if (req.method == "PURGE" && client.ip ~ local) {{ return (purge); }}
    if (req.method == "BAN" && client.ip ~ local) {{
        # "obj." only: then the ban lurker can work on it too
        ban(req.http.X-Ban);
        return (synth(200, "Banned"));
    }}
}}
sub vcl_backend_response {{ set beresp.http.X-Url = bereq.url; }}
"""

Purge = Callable[[], None]
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
        base = running.url
        purges: Purges = {
            "url": lambda: _receipt(running.purge(urls=[base + path(0)])),
            "group": lambda: _receipt(running.purge(groups=[group(0)])),
            "soft": lambda: _receipt(running.purge(groups=[group(BLOCK)], soft=True)),
            "prefix": lambda: _receipt(running.purge(prefixes=[f"{base}/shop/1/"])),
            "everything": lambda: _receipt(running.purge(all=True)),
        }
        return _watched(base, purges, witness=path(2 * BLOCK))


def _receipt(receipt: dict[str, object]) -> None:
    if not receipt["complete"]:
        raise RuntimeError(f"the purge was not applied: {receipt}")


def _measure_varnish() -> Measurement:
    program = shutil.which("varnishd") or shutil.which("varnishd", path="/usr/sbin") or ""
    origin, port = free_port(), free_port()
    serving = python("-m", "benchmarks.site.objects", str(origin))
    with (
        tempfile.TemporaryDirectory() as folder,
        server(serving, f"http://127.0.0.1:{origin}{path(0)}", core=load_core()),
    ):
        config = Path(folder, "purge.vcl")
        config.write_text(_VARNISH.format(origin=origin))
        command = [program, "-j", "none", "-F", "-n", f"{folder}/work", "-f", str(config)]
        command += ["-a", f"127.0.0.1:{port}", "-s", "malloc,4g"]
        base = f"http://127.0.0.1:{port}"
        with server(command, base + path(0)):
            fill(base, map(path, range(COUNT)))
            purges: Purges = {
                "url": lambda: _send(base + path(0), "PURGE"),
                "group": lambda: _send(base, "BAN", f"obj.http.xkey == {group(0)}"),
                "prefix": lambda: _send(base, "BAN", "obj.http.X-Url ~ ^/shop/1/"),
                "everything": lambda: _send(base, "BAN", "obj.status != 0"),
            }
            return _watched(base, purges, witness=path(2 * BLOCK))


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
            begun = time.perf_counter()
            purge()
            found[f"{name}_ms"] = (time.perf_counter() - begun) * 1000
            time.sleep(REST)
            found[f"{name}_wait_ms"] = seen.longest() * 1000
    return found


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
        "Of 300,000 objects: one URL; a group of 100,000; softly one; a prefix of 100,000; all. "
        "Milliseconds each, and the longest that a hit waited within a second of it. nginx has no "
        "purge without modules; Varnish bans by header (xkey is a module), which marks nothing: "
        "later hits are held against the bans until its lurker has gone over all objects."
    ),
    contestants=(
        Contestant("twopass", "edge, one process, POST /purge", _edge),
        Contestant("varnish", "PURGE and ban, its defaults", _varnish),
    ),
    measure=_measure,
    check=lambda name, target: None,
    goals=(
        Goal("a group of 100,000 objects, milliseconds", "twopass", "group_ms", at_most=50),
        Goal(
            "the longest that a hit waits meanwhile, milliseconds",
            "twopass", "group_wait_ms", at_most=50,
        ),
    ),
    rounds=3,
)  # fmt: skip
