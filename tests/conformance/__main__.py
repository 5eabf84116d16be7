"""Plays the scenarios through proxies.

    python -m tests.conformance --proxy twopass nginx varnish --write docs/conformance.md
    python -m tests.conformance --address ours=127.0.0.1:8080 --origin-port 8000
    python -m tests.conformance --proxy nginx --only swr- --verbose

With `--address`, configure that proxy to have its origin at 127.0.0.1:<origin-port> first.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.catalogue import catalogue
from tests.conformance.origin import Origin
from tests.conformance.own_edge import own_edge
from tests.conformance.play import Proxy, Result, play_all
from tests.conformance.proxies import INSTALLABLE
from tests.conformance.report import document
from tests.conformance.scenario import Scenario


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--proxy", nargs="*", default=[], choices=["twopass", *sorted(INSTALLABLE)])
    parser.add_argument("--address", action="append", default=[], metavar="NAME=HOST:PORT")
    parser.add_argument("--origin-port", type=int, default=0, help="where the origin listens")
    parser.add_argument("--only", default="", help="scenarios whose id contains this")
    parser.add_argument("--write", type=Path, help="where the table goes")
    parser.add_argument("--verbose", action="store_true", help="print what was seen instead")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> dict[str, list[Result]]:
    scenarios = [one for one in catalogue() if arguments.only in one.id]
    results = {}
    for address in arguments.address:
        name, _, place = address.partition("=")
        host, _, port = place.rpartition(":")
        results[name] = await _play(scenarios, Proxy(host, int(port)), arguments.origin_port)
    for name in arguments.proxy:
        results[name] = await _play_installed(name, scenarios)
    return results


async def _play(scenarios: list[Scenario], proxy: Proxy, port: int) -> list[Result]:
    origin = Origin()
    await origin.start(port=port)
    try:
        return await play_all(scenarios, proxy, origin)
    finally:
        await origin.stop()


async def _play_installed(name: str, scenarios: list[Scenario]) -> list[Result]:
    origin = Origin()
    port = await origin.start()
    with (
        tempfile.TemporaryDirectory(prefix="conformance-") as directory,
        _started(name, port, Path(directory)) as proxy,
    ):
        results = await play_all(scenarios, proxy, origin)
    await origin.stop()
    return results


@contextlib.contextmanager
def _started(name: str, origin_port: int, directory: Path) -> Iterator[Proxy]:
    if name == "twopass":
        with own_edge(origin_port, directory) as edge:
            yield Proxy(edge.host, edge.port)
    else:
        with INSTALLABLE[name][0](origin_port, directory) as proxy:
            yield proxy


def _version(name: str) -> str:
    flags = {"nginx": ["nginx", "-v"], "varnish": ["varnishd", "-V"]}
    if name not in flags:
        return name
    told = subprocess.run(flags[name], capture_output=True, text=True, check=False)
    words = (told.stderr or told.stdout).replace("/", " ").replace("-", " ").split()
    return f"{name} {next((word for word in words if word[:1].isdigit()), '')}".strip()


def main() -> int:
    """The command line; 1 when a required scenario fails on a proxy of ours."""
    arguments = _arguments()
    results = asyncio.run(_run(arguments))
    for name, found in results.items():
        for result in found:
            if arguments.verbose and result.verdict != "pass":
                told = result.scenario
                print(f"{name} {result.verdict:5} {told.kind:8} {told.id}: {result.detail}")
        failed = [r for r in found if r.verdict == "fail" and r.scenario.kind == "required"]
        passed = sum(result.verdict == "pass" for result in found)
        print(f"{name}: {passed} of {len(found)} pass, {len(failed)} required ones fail")
    if arguments.write:
        versions = {name: _version(name) for name in results}
        arguments.write.write_text(document(results, versions), encoding="utf-8")
    ours = {address.partition("=")[0] for address in arguments.address} | {"twopass"}
    broken = [
        result
        for name in ours & set(results)
        for result in results[name]
        if result.verdict == "fail" and result.scenario.kind == "required"
    ]
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
