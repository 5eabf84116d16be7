"""What an operator may set: defaults, `twopass.toml`, environment, command line, in that order."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one edge. Durations in seconds, sizes in bytes; docs/edge.md lists them all."""

    origin: str
    listen: str = "127.0.0.1:8080"
    admin: str = "127.0.0.1:9000"
    store: str = "memory:"
    workers: int = 1
    fast_path: bool = True
    encodings: tuple[str, ...] = ("br", "zstd", "gzip")

    secret: str = field(default="", repr=False)
    admin_token: str = field(default="", repr=False)
    purge_from: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    store_bytes: int = 256 * MIB
    private_bytes: int = 64 * MIB
    private_bytes_per_visitor: int = MIB
    object_bytes: int = 8 * MIB

    connect_timeout: float = 2.0
    origin_timeout: float = 30.0
    origin_idle_timeout: float = 300.0
    first_pass_timeout: float = 10.0
    fragment_deadline: float = 2.0
    page_deadline: float = 5.0
    slow_fragment: float = 0.02
    bundles_per_page: int = 4
    verdict_wait: float = 0.2
    origin_connections: int = 100
    hit_for_pass: float = 5.0
    private_max_age: float = 3600.0
    private_last_good: float = 30.0
    fragment_last_good: float = 3600.0
    grace: float = 0.0
    heuristics_for_html: bool = False
    store_set_cookie: bool = False
    obey_requests: bool = False
    esi_host: tuple[str, ...] = ()
    esi_cookie: tuple[str, ...] = ()
    esi_origin: tuple[str, ...] = ()
    esi_strict: bool = False
    manifest_interval: float = 30.0
    manifest_host: str = ""
    drain_timeout: float = 10.0

    log_level: str = "info"
    log_format: str = "json"
    config: Path | None = None


def to_json(settings: Settings) -> str:
    """For a worker's standard input: secrets never stand on a command line."""
    return json.dumps({**asdict(settings), "config": None})


def from_json(text: str) -> Settings:
    """The reverse of `to_json`."""
    values: dict[str, Any] = json.loads(text)
    for name, value in values.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)
