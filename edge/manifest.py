"""Keeps the origin's manifest at hand: fetched at start, renewed, asked for while missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from edge.core.outbound import OriginRequest
from edge.core.site import Site
from edge.fetch import Origin, OriginError
from edge.settings import Settings
from edge.tally import Tally
from fragments.errors import WireError
from fragments.manifest import CONTENT_TYPE, PATH, Manifest
from fragments.signing import Keyring

logger = logging.getLogger("twopass.edge.manifest")

FIRST_RETRY = 0.25
MAX_MANIFEST = 8 * 1024 * 1024

Verdict = Literal["ok", "unchanged", "absent", "error", "wire-error"]


class ManifestKeeper:
    """`site` is what is known now; None before the first answer, and for plain origins."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring | None,
        origin: Origin,
        tally: Tally,
        clock: Callable[[], float],
        on_release: Callable[[str], None],
    ) -> None:
        self.site: Site | None = None
        self.fetched_at: float | None = None
        self.verdict: Verdict | None = None
        self._settings = settings
        self._keyring = keyring
        self._origin = origin
        self._tally = tally
        self._clock = clock
        self._on_release = on_release
        self.first_answer = asyncio.Event()
        self._raw = b""

    @property
    def may_be_two_pass(self) -> bool:
        """Whether anybody may hold fragments of this origin: other workers, nodes, this one before.

        Without an answer nobody knows, as after a restart beside an origin that is too slow.
        """
        known_as_plain = self.verdict == "absent" and self.fetched_at is None
        return self._keyring is not None and not known_as_plain

    async def run(self) -> None:
        """Fetch and renew for ever; sooner while there is none."""
        failures = 0
        while True:
            verdict = await self.fetch()
            failures = failures + 1 if verdict in ("error", "wire-error") else 0
            await asyncio.sleep(self._pause(failures))

    async def fetch(self) -> Verdict:
        """Ask once. A manifest that was there stays in force while the origin cannot answer."""
        self.verdict = await self._ask() if self._keyring is not None else "absent"
        self._tally.manifest_fetches.add(self.verdict)
        self.first_answer.set()
        return self.verdict

    def _pause(self, failures: int) -> float:
        """Seconds to the next fetch; after failures short at first, and never long without one."""
        interval = self._settings.manifest_interval
        if not failures:
            return interval
        longest = interval if self.site is not None else min(interval, 5.0)
        return min(FIRST_RETRY * 2.0 ** min(failures, 10), longest)

    async def _ask(self) -> Verdict:
        assert self._keyring is not None
        try:
            status, content_type, body = await self._get()
            if status >= 500:
                return "error"
            if status != 200 or content_type != CONTENT_TYPE.encode():
                return self._absent(status)
            self.fetched_at = self._clock()
            if body == self._raw:
                return "unchanged"
            manifest = Manifest.decode(body, self._keyring)
        except OriginError as error:
            logger.warning("manifest not fetched: %s", error)
            return "error"
        except WireError as error:
            self._tally.wire_errors.add(error.code)
            logger.error("manifest refused: %s", error)
            return "wire-error"
        self._accept(manifest, body)
        return "ok"

    async def _get(self) -> tuple[int, bytes | None, bytes]:
        # The address of the origin itself: there is no visitor whose host could be named.
        host = self._settings.manifest_host or self._origin.address.base.partition("://")[2]
        name = host.encode("ascii")
        headers = [(b"host", name), (b"accept", CONTENT_TYPE.encode())]
        request = OriginRequest(b"GET", name, PATH.encode(), headers, "manifest")
        response = await self._origin.send(request, self._settings.first_pass_timeout)
        try:
            if (code := response.header(b"twopass-error")) is not None:
                body = await response.read(MAX_MANIFEST)
                raise WireError("malformed", f"{code.decode('latin-1')}: {body[:500]!r}")
            return (
                response.status,
                response.header(b"content-type"),
                await response.read(MAX_MANIFEST),
            )
        finally:
            await response.aclose()

    def _absent(self, status: int) -> Verdict:
        """The origin does not speak two-pass: everything is plain HTTP from now on."""
        if self.site is not None or self.verdict is None:
            logger.warning("no manifest (status %d): pages are served as plain HTTP", status)
        self.site, self._raw = None, b""
        return "absent"

    def _accept(self, manifest: Manifest, body: bytes) -> None:
        previous = None if self.site is None else self.site.manifest.release
        self.site, self._raw = Site.of(manifest), body
        logger.info("manifest: %d routes, release %r", len(manifest.routes), manifest.release)
        if previous is not None and manifest.release and manifest.release != previous:
            self._on_release(manifest.release)
