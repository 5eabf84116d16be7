"""One worker's edge: its memory, its way to the origin, and what it says of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import httpx

from edge.bundle import Bundle
from edge.collapse import Flights, Verdicts
from edge.core.forwarded import TrustedProxies
from edge.core.fragment_key import FragmentKey
from edge.core.freshness import FreshnessRules
from edge.core.inbound import Gatekeeper
from edge.core.key import HostPatterns
from edge.core.policy import CachePolicy
from edge.core.purge import Invalidation
from edge.core.steps import Fetched, ValidationOutcome
from edge.core.visits import PageVisits
from edge.counters import Counters
from edge.encoding import Encoder
from edge.esi_origins import build_origins
from edge.esi_rules import EsiRules
from edge.fetch import Origin
from edge.manifest import ManifestKeeper
from edge.renderings import Renderings
from edge.settings import Settings
from edge.store.memory import Memory
from edge.store.report import shells, store_status, watch_memory
from edge.tally import Tally
from fragments.signing import Keyring

logger = logging.getLogger("twopass.edge")

Clock = Callable[[], float]
Rng = Callable[[int], bytes]

EXPIRY_INTERVAL = 5.0
"""Seconds between sweeps of what is of no more use; private copies outlive their time by this."""


class Edge:
    """What the parts of one worker share. `publish` spreads invalidations that responses cause;

    a server with several workers replaces it by its bus.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rng: Rng,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.keyring = Keyring.parse(settings.secret) if settings.secret else None
        self.gatekeeper = Gatekeeper(
            HostPatterns.compile(settings.hosts or ("*",)),
            TrustedProxies.parse(settings.trusted_proxies),
        )
        self.counters = Counters()
        self.tally = Tally(self.counters)
        self.memory = Memory(settings)
        watch_memory(self.counters, self.memory)
        self.origin = Origin(settings, self.keyring, self.tally, clock, transport)
        self.manifest = ManifestKeeper(
            settings, self.keyring, self.origin, self.tally, clock, self._new_release
        )
        self.flights: Flights[tuple[bytes, int], Fetched] = Flights()
        self.verdicts: Verdicts[tuple[bytes, int], Fetched] = Verdicts()
        self.esi = EsiRules.of(settings)
        self.esi_origins = build_origins(self.esi.origins, settings, self.tally, clock)
        self.fills: Verdicts[tuple[bytes, int], bool] = Verdicts()
        """Fragments of ESI pages that are asked for; whether the answer was stored for all."""
        self.validations: Flights[tuple[bytes, int], ValidationOutcome] = Flights()
        self.policy = CachePolicy(
            FreshnessRules(heuristics_for_html=settings.heuristics_for_html),
            grace=settings.grace,
            stores_set_cookie=settings.store_set_cookie,
            obeys_requests=settings.obey_requests,
        )
        self.pending: dict[tuple[FragmentKey, int], Bundle] = {}
        """Bundles in flight by the fragments in them, and the position they were asked at."""
        self.renderings = Renderings()
        self.encodings = tuple(name.encode() for name in settings.encodings)
        """Content codings of pages, best first."""
        self.encoder = Encoder(self.memory, self.tally, settings.object_bytes)
        self.publish: Callable[[Invalidation], object] = self.apply
        self.started_at = clock()
        self.active = 0
        """Exchanges that are being answered."""
        self._background: set[asyncio.Task[Any]] = set()
        self._purged = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def position(self) -> int:
        """How many invalidations this worker has applied."""
        return self.memory.position

    def apply(self, invalidation: Invalidation) -> int:
        """Drop what it names from memory, and fence fills in flight; its position.

        Nothing of it is given out once this returns; its bytes are freed in the background.
        A URL that names no host names nothing stored.
        """
        self.tally.invalidated.add(by=self.memory.apply(invalidation, self.clock()))
        self.tally.invalidations.add()
        self._purged.set()
        return self.position

    def status(self) -> dict[str, Any]:
        """What this worker is doing, for `GET /status` and the dashboard."""
        now, health = self.clock(), self.origin.health
        site = self.manifest.site
        return {
            "uptime": round(now - self.started_at, 3),
            "position": self.position,
            "active": self.active,
            "origin": {
                "address": self.origin.address.base,
                "state": health.state(now),
                "failures": health.failures,
                "answered_at": health.answered_at,
                "failed_at": health.failed_at,
            },
            "manifest": {
                "verdict": self.manifest.verdict,
                "routes": 0 if site is None else len(site.manifest.routes),
                "release": "" if site is None else site.manifest.release,
                "age": _since(self.manifest.fetched_at, now),
            },
            "store": store_status(self.memory),
            "in_flight": {"shells": len(self.flights), "fragments": len(self.pending)},
            "outcomes": {
                labels[0]: count for labels, count in self.tally.requests.values.items() if labels
            },
        }

    def objects(self, prefix: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Stored shells whose URL begins with `prefix`; nothing private."""
        return shells(self.memory, prefix, limit, self.clock())

    def visits(self, prefix: str = "", limit: int = 100) -> list[PageVisits]:
        """The most visited URLs that begin with `prefix`."""
        return self.memory.visits.top(self.clock(), prefix, limit)

    def counter_snapshot(self) -> list[dict[str, Any]]:
        """The counters, for metrics."""
        return self.counters.snapshot()

    def origin_for(self, host: bytes) -> Origin:
        """The origin that the host's resources come from."""
        return self.esi_origins.get(host, self.origin)

    async def start(self) -> None:
        """Begin to renew the manifest and to sweep; waits a moment for the first manifest."""
        self.spawn(self.manifest.run())
        self.spawn(self._sweep())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.connect_timeout):
                await self.manifest.first_answer.wait()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do `work` in the background; what it raises is logged, and `aclose` stops it."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def entered(self) -> None:
        """Count an exchange in."""
        self.active += 1
        self._idle.clear()

    def left(self) -> None:
        """Count an exchange out."""
        self.active -= 1
        if not self.active:
            self._idle.set()

    async def drain(self) -> bool:
        """Wait until nobody is being answered, at most `drain_timeout` s; whether all went."""
        try:
            async with asyncio.timeout(self.settings.drain_timeout):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("%d exchanges cut at shutdown", self.active)
            return False
        return True

    async def aclose(self) -> None:
        """Stop everything in the background and close the connections to the origin."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self.encoder.close()
        await self.flights.aclose()
        await self.validations.aclose()
        for origin in (self.origin, *self.esi_origins.values()):
            await origin.aclose()

    def _new_release(self, release: str) -> None:
        dropped = self.memory.drop_other_releases(release, self.clock())
        logger.info("release %r: %d shells of other releases are stale", release, dropped)

    async def _sweep(self) -> None:
        """Free what is over, and after a purge what it dropped, without keeping anybody waiting."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EXPIRY_INTERVAL):
                    await self._purged.wait()
            self._purged.clear()
            self.memory.expire(self.clock())
            self.memory.visits.fold(self.clock())
            while self.memory.tidy(self.clock()):  # noqa: ASYNC110 - it waits for nothing
                await asyncio.sleep(0)  # whoever waits is answered first

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("background work failed", exc_info=error)


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else round(now - moment, 3)
