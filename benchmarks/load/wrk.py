"""Closed-loop load by wrk, on a core of its own."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..machine import load_core
from ..results import Measurement
from ..scenario import Unavailable

Counts = Callable[[], Mapping[str, int]]
"""What has reached an origin so far, by name."""

_VISITORS: Final = """
local cookies, paths, requests, turn = {cookies}, {paths}, {{}}, 0
init = function(args)
  for _, cookie in ipairs(cookies) do
    wrk.headers["Cookie"] = cookie
    for _, path in ipairs(paths) do
      requests[#requests + 1] = wrk.format("GET", path, wrk.headers)
    end
  end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
"""
_REPORT: Final = """
done = function(summary, latency, requests)
  io.write(string.format("\\nRESULT %d %d %f %f %f %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max, summary.bytes))
  io.write(string.format("ERRORS %d %d %d %d %d\\n", summary.errors.connect, summary.errors.read,
    summary.errors.write, summary.errors.status, summary.errors.timeout))
end
"""


def wrk(
    url: str,
    seconds: float,
    connections: int = 16,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[str] = (),
    requests: str = "",
    counts: Counts | None = None,
) -> Measurement:
    """Requests per second, p50 and p99 in milliseconds, bytes per response, the load's own share.

    `cookies` are the Cookie fields of as many visitors, who take turns; `requests` is a Lua script
    that says what is asked for instead. `counts` tells before and after what an origin has heard:
    what was added comes as `NAME_per_page`.
    Raises Unavailable without wrk, and RuntimeError when any request failed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise Unavailable("wrk is not installed (apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "report.lua")
        path = urlsplit(url).path
        script.write_text((in_turn(cookies, [path]) if cookies else requests) + _REPORT)
        fields = [f"-H{name}: {value}" for name, value in (headers or {}).items()]
        command = ["taskset", "-c", str(load_core()), program, "-t1", f"-c{connections}"]
        command += [f"-d{max(1, round(seconds))}s", "-s", str(script), *fields, url]
        heard = counts() if counts else {}
        began, busy = time.perf_counter(), _seconds_of_children()
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
        busy = (_seconds_of_children() - busy) / (time.perf_counter() - began)
    answered, row = _parse(run.stdout + run.stderr)
    more = added(heard, counts(), answered) if counts else {}
    return {**row, "client_busy": busy, **more}


def added(before: Mapping[str, int], after: Mapping[str, int], pages: int) -> Measurement:
    """What an origin has heard in between, for each page."""
    return {f"{what}_per_page": (after[what] - before[what]) / pages for what in before}


def _seconds_of_children() -> float:
    """Processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def in_turn(cookies: Sequence[str], paths: Sequence[str]) -> str:
    """A script for visitors who take turns; each asks for all of the paths."""
    return _VISITORS.format(cookies=_table(cookies), paths=_table(paths))


def together(row: Measurement, requests: int) -> Measurement:
    """So many requests counted as one; their latencies do not add up, so there are none."""
    return {
        "requests_per_second": row["requests_per_second"] / requests,
        "bytes_per_response": row["bytes_per_response"] * requests,
        "client_busy": row["client_busy"],
        **{name: row[name] * requests for name in row if name.endswith("_per_page")},
    }


def _table(texts: Sequence[str]) -> str:
    """A Lua table."""
    return "{" + ", ".join(f'"{text}"' for text in texts) + "}"


def _parse(output: str) -> tuple[int, Measurement]:
    """How many requests were answered, and how fast."""
    result = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) (\d+)", output)
    errors = re.search(r"ERRORS (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    if result is None or errors is None:
        raise RuntimeError(f"wrk did not report:\n{output[-1000:]}")
    if any(int(number) for number in errors.groups()):
        names = ("connect", "read", "write", "status", "timeout")
        failed = dict(zip(names, errors.groups(), strict=True))
        raise RuntimeError(f"requests failed: {failed}; a rate of failures is no result")
    requests, microseconds = int(result[1]), int(result[2])
    if not requests:
        raise RuntimeError("wrk got no response at all")
    return requests, {
        "requests_per_second": requests / (microseconds / 1e6),
        "p50_ms": float(result[3]) / 1000,
        "p99_ms": float(result[4]) / 1000,
        "max_ms": float(result[5]) / 1000,
        "bytes_per_response": int(result[6]) / requests,
    }
