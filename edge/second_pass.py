"""The second pass of one page: bundles asked, fragments awaited, fallbacks for those that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from edge.bundle import Arrived, Bundle, BundleHead
from edge.core.bundling import Rendered, split
from edge.core.fragment_key import FragmentKey
from edge.core.outbound import (
    OriginRequest,
    dimension_cookies,
    dimension_fields,
    impersonal_bundle,
    own_cookies,
    personal_bundle,
)
from edge.core.plan import Ask, Plan
from edge.core.prepared import PreparedFragment
from edge.edge import Edge
from edge.keeping import Keeper
from edge.renderings import name_of
from edge.seat import Seat
from fragments.bundle import MAX_INCLUDES, BundleRequest
from fragments.csrf import SECRET_LENGTH, secret_from_bytes
from fragments.shell import FragmentHole

Source = Literal["asked", "collapsed", "last-good", "alt", "placeholder", "nothing"]


T = TypeVar("T")


class SecondPass:
    """Everything that is still to come for one page. `begin` it, and `end` it in any case."""

    def __init__(self, edge: Edge, seat: Seat, plan: Plan, *, gate: bool) -> None:
        self._edge = edge
        self._seat = seat
        self._plan = plan
        self._gate = gate
        self._since = edge.position
        self._generation = edge.memory.generation
        self._own: list[tuple[Bundle, asyncio.Task[None]]] = []
        self._lead: Bundle | None = None
        self._cookies_taken: BundleHead | None = None
        self._sources: dict[FragmentHole, tuple[Bundle, bool]] = {}
        self._open: dict[FragmentHole, Ask] = {}
        self._answers: dict[FragmentHole, asyncio.Future[bytes]] = {}
        self._resolving: list[asyncio.Task[bytes]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def begin(self) -> None:
        """Ask for what is missing, once: what others ask for already is joined, not asked again."""
        if self._began is not None:
            return
        self._began = self._loop.time()
        if self._edge.origin.health.may_try(self._edge.clock()):
            personal = [ask for ask in self._plan.personal if not self._join(ask)]
            impersonal = [ask for ask in self._plan.impersonal if not self._join(ask)]
            room = self._edge.settings.bundles_per_page
            for asks in self._planned(personal, room):
                bundle = self._ask(asks, impersonal=False, gate=self._gate and not self._lead)
                self._lead = self._lead or bundle
            for asks in self._planned(impersonal, room - len(self._own)) if impersonal else ():
                self._ask(asks, impersonal=True, gate=False)
        by_limit: dict[float, list[Ask]] = {}
        for ask in self._plan.asked:
            self._answers[ask.hole] = self._loop.create_future()
            self._open[ask.hole] = ask
            by_limit.setdefault(self._limit(ask), []).append(ask)
            self._follow(ask)
        for limit, asks in by_limit.items():
            self._timers.append(self._loop.call_at(self._began + limit, self._too_late, asks))

    async def head(self) -> BundleHead | None:
        """The head of the visitor's own bundle; None when it did not come in time.

        Only this bundle speaks for the visitor: cookies of impersonal ones belong to nobody.
        """
        if self._lead is None:
            return None
        limit = self._edge.settings.page_deadline if self._gate else self._limit_of_writing()
        self._cookies_taken = await self._in_time(self._lead.head, limit)
        return self._cookies_taken

    def has(self, hole: FragmentHole) -> bool:
        """Whether `fragment` has its answer already."""
        return self._answers[hole].done()

    async def fragment(self, hole: FragmentHole) -> bytes:
        """The bytes for that hole, within its deadline, whatever happens."""
        return await self._answers[hole]

    def end(self) -> None:
        """Wait for nothing more. What still arrives is held for the next request."""
        for hole in list(self._open):
            self._close(hole)
        for timer in self._timers:
            timer.cancel()
        for task in self._resolving:
            task.cancel()

    def abandon(self) -> None:
        """The visitor has left: stop the origin's work that nobody else waits for."""
        self.end()
        for bundle, task in self._own:
            if not bundle.guests:
                task.cancel()

    def refresh(self) -> None:
        """Ask for what was shown stale; nobody waits for it."""
        asks = [ask for ask in self._plan.refresh if not self._is_pending(ask)]
        if not asks or not self._edge.origin.health.may_try(self._edge.clock()):
            return
        personal = [ask for ask in asks if ask.is_private]
        for chunk in _chunks(personal, False):
            self._ask(chunk, impersonal=False, gate=False)
        for chunk in _chunks([ask for ask in asks if not ask.is_private], False):
            self._ask(chunk, impersonal=True, gate=False)

    # -- asking

    def _join(self, ask: Ask) -> bool:
        bundle = self._edge.pending.get((ask.key, self._generation)) if ask.may_collapse else None
        if bundle is None:
            return False
        bundle.guests += 1
        self._sources[ask.hole] = (bundle, True)
        self._edge.tally.collapsed.add("fragment")
        return True

    def _is_pending(self, ask: Ask) -> bool:
        return (ask.key, self._generation) in self._edge.pending

    def _ask(self, asks: Sequence[Ask], *, impersonal: bool, gate: bool) -> Bundle:
        keeper = Keeper(self._edge, self._seat, self._since, impersonal=impersonal)
        bundle = Bundle(asks, keeper.keep)
        for ask in asks:
            self._sources.setdefault(ask.hole, (bundle, False))
        names = [(ask.key, self._generation) for ask in asks if ask.may_collapse]
        self._edge.pending.update(dict.fromkeys(names, bundle))
        request = self._request(asks, impersonal=impersonal, gate=gate)
        deadline = self._edge.settings.page_deadline
        task = self._edge.spawn(bundle.run(self._edge.origin, request, self._edge.tally, deadline))
        task.add_done_callback(lambda _: self._landed(names, bundle))
        self._own.append((bundle, task))
        return bundle

    def _landed(self, names: list[tuple[FragmentKey, int]], bundle: Bundle) -> None:
        self._learn(bundle)
        for name in names:
            if self._edge.pending.get(name) is bundle:
                del self._edge.pending[name]
        head = bundle.head.result() if bundle.head.done() else None
        if head is not None and head.set_cookies and head is not self._cookies_taken:
            self._edge.tally.late_cookies.add(by=len(head.set_cookies))

    def _planned(self, asks: Sequence[Ask], room: int) -> list[Sequence[Ask]]:
        """`asks` in bundles, those that hold others back in some of the at most `room` ones."""
        if self._gate or not asks:
            return list(_chunks(asks, self._gate))
        planned = split(asks, self._holding, self._edge.settings.slow_fragment, max(1, room))
        self._edge.tally.bundles.add("page")
        self._edge.tally.bundles.add("own", by=len(planned) - 1)
        return [chunk for bundle in planned for chunk in _chunks(bundle, False)]

    def _holding(self, ask: Ask) -> float:
        if ask.hole.writes:
            return 0.0  # it is in the bundle whose head the page waits for
        return self._edge.renderings.holding(self._name(ask), self._edge.clock())

    def _name(self, ask: Ask) -> str:
        assert self._edge.keyring is not None
        return name_of(ask.hole.token, self._edge.keyring)

    def _learn(self, bundle: Bundle) -> None:
        timed = [Rendered(self._name(ask), at, took) for ask, at, took in bundle.timed]
        self._edge.renderings.learn(timed, self._edge.clock())

    def _request(self, asks: Sequence[Ask], *, impersonal: bool, gate: bool) -> OriginRequest:
        edge, seat = self._edge, self._seat
        assert edge.keyring is not None
        body = BundleRequest(
            page=seat.visit.url.decode("ascii"),
            includes=tuple(ask.hole.token for ask in asks),
            gate=gate,
            nobody=impersonal,
            csrf_secret=self._secret(impersonal=impersonal),
            values=tuple(sorted(seat.visit.values.items())),
            deadline=edge.settings.page_deadline,
        ).encode()
        min_lsn, values = edge.memory.min_lsn(edge.clock()), seat.visit.values
        if impersonal:
            sent = dimension_cookies(seat.dimensions, values, edge.keyring)
            fields = dimension_fields(seat.dimensions, values)
            return impersonal_bundle(seat.inbound, fields, sent, body, min_lsn)
        sent = own_cookies(seat.visit.visitor, seat.dimensions, values)
        if seat.csrf is not None and seat.csrf.minted:
            sent.pop(seat.csrf.spec.name, None)  # one that Django would throw away
        return personal_bundle(seat.inbound, sent, body, min_lsn)

    def _secret(self, *, impersonal: bool) -> str | None:
        """What the origin masks tokens with where the visitor's cookie does not say it.

        Shared fragments get a secret that is nobody's: a token that is not recognised as a hole
        then works for nobody, instead of being one visitor's in another's page.
        """
        if impersonal:
            return secret_from_bytes(self._edge.rng(SECRET_LENGTH))
        csrf = self._seat.csrf
        return csrf.secret if csrf is not None and csrf.minted else None

    # -- awaiting

    def _limit(self, ask: Ask) -> float:
        settings, declared = self._edge.settings, ask.hole.deadline
        limit = settings.fragment_deadline if declared is None else declared
        return min(limit, settings.page_deadline)

    def _follow(self, ask: Ask) -> None:
        """Settle the hole when its frame comes."""
        found = self._sources.get(ask.hole)
        if found is None:
            self._close(ask.hole)
            self._fall_back(ask)
            return
        future = self._future(found[0], ask)
        future.add_done_callback(lambda arrival: self._arrived(ask, arrival))

    def _arrived(self, ask: Ask, arrival: asyncio.Future[Arrived | None]) -> None:
        if ask.hole not in self._open:
            return
        joined = self._close(ask.hole)
        try:
            arrived = arrival.result()
            if arrived is None:
                self._fall_back(ask)
            elif self._is_ours(ask, arrived, joined=joined):
                self._settle(ask, arrived.fragment, "collapsed" if joined else "asked")
            else:
                self._resolve(ask, self._alone(ask))
        except Exception as error:  # noqa: BLE001  # nobody but who waits could be told
            self._answers[ask.hole].set_exception(error)

    def _too_late(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if ask.hole in self._open:
                self._close(ask.hole)
                self._fall_back(ask)

    def _close(self, hole: FragmentHole) -> bool:
        """Wait no more for that frame. Whether it was to come with another visitor's bundle."""
        del self._open[hole]
        bundle, joined = self._sources.get(hole, (None, False))
        if bundle is not None and joined:
            bundle.guests -= 1
        return joined

    def _settle(self, ask: Ask, fragment: PreparedFragment, source: Source) -> None:
        self._edge.tally.fragments.add(source)
        self._say(ask, self._seat.bytes_of(fragment))

    def _say(self, ask: Ask, body: bytes) -> None:
        answer = self._answers[ask.hole]
        if not answer.done():  # the visitor may have left
            answer.set_result(body)

    def _resolve(self, ask: Ask, work: Coroutine[Any, Any, bytes]) -> None:
        """Settle the hole with what `work` gives."""
        answer = self._answers[ask.hole]

        def done(task: asyncio.Task[bytes]) -> None:
            if answer.done():
                return
            if task.cancelled():
                answer.cancel()
            elif (error := task.exception()) is not None:
                answer.set_exception(error)
            else:
                answer.set_result(task.result())

        task = self._loop.create_task(work)
        task.add_done_callback(done)
        self._resolving.append(task)

    async def _alone(self, ask: Ask) -> bytes:
        """What came read something that sets this visitor apart: only their own request will do."""
        alone = replace(ask, key=(ask.key[0], self._seat.visit.identity, b""))
        bundle = self._ask([alone], impersonal=False, gate=False)
        arrived = await self._in_time(bundle.arrivals[alone.hole], self._limit(ask))
        if arrived is None:
            return await self._second_best(ask)
        self._edge.tally.fragments.add("asked")
        return self._seat.bytes_of(arrived.fragment)

    def _future(self, bundle: Bundle, ask: Ask) -> asyncio.Future[Arrived | None]:
        # A joined bundle knows the fragment by its own visitor's hole, which may be declared
        # otherwise on another page; the key is what both agree on.
        if (future := bundle.arrivals.get(ask.hole)) is not None:
            return future
        return next(bundle.arrivals[other.hole] for other in bundle.asks if other.key == ask.key)

    def _is_ours(self, ask: Ask, arrived: Arrived, *, joined: bool) -> bool:
        if not joined:
            return arrived.fits
        visit = self._seat.visit
        reads = self._edge.memory.reads.get(visit.base(ask.hole))
        return arrived.key is not None and arrived.key == visit.key(ask.hole, reads)

    def _fall_back(self, ask: Ask) -> None:
        if ask.hole.alt is None:
            self._say(ask, self._last_resort(ask))
        else:
            self._resolve(ask, self._second_best(ask))

    async def _second_best(self, ask: Ask) -> bytes:
        """Last good copy, alt, placeholder, nothing: the page survives the fragment."""
        hole = ask.hole
        if self._last_good(ask) is None and hole.alt is not None:
            alt = await self._alt(ask, hole.alt)
            if alt is not None:
                self._edge.tally.fragments.add("alt")
                return self._seat.bytes_of(alt)
        return self._last_resort(ask)

    def _last_resort(self, ask: Ask) -> bytes:
        tally, hole = self._edge.tally, ask.hole
        good = self._last_good(ask)
        if good is not None:
            tally.fragments.add("last-good")
            return self._seat.bytes_of(good)
        tally.fragments.add("placeholder" if hole.placeholder else "nothing")
        return hole.placeholder

    def _last_good(self, ask: Ask) -> PreparedFragment | None:
        good = self._edge.memory.held(ask.key) if ask.hole.scope != "no-store" else None
        return (
            good if good is not None and good.expiry.may_replace_error(self._edge.clock()) else None
        )

    async def _alt(self, ask: Ask, token: bytes) -> PreparedFragment | None:
        edge, visit = self._edge, self._seat.visit
        hole = replace(ask.hole, token=token, alt=None)
        key = visit.key(hole, edge.memory.reads.get(visit.base(hole)))
        held = edge.memory.held(key) if hole.scope != "no-store" else None
        if held is not None and held.expiry.may_replace_error(edge.clock()):
            return held
        if not edge.origin.health.may_try(edge.clock()):
            return None
        other = Ask(hole, key)
        bundle = self._ask([other], impersonal=not other.is_private, gate=False)
        arrived = await self._in_time(bundle.arrivals[hole], edge.settings.page_deadline)
        return arrived.fragment if arrived is not None and arrived.fits else None

    async def _in_time(self, future: asyncio.Future[T | None], limit: float) -> T | None:
        """The result within `limit` seconds of the second pass's begin."""
        assert self._began is not None
        when = min(limit, self._edge.settings.page_deadline) + self._began
        try:
            async with asyncio.timeout_at(when):
                return await asyncio.shield(future)
        except TimeoutError:
            return None

    def _limit_of_writing(self) -> float:
        settings = self._edge.settings
        limits = [
            settings.fragment_deadline if ask.hole.deadline is None else ask.hole.deadline
            for ask in self._plan.asked
            if ask.hole.writes
        ]
        return max(limits, default=settings.fragment_deadline)


def _chunks(asks: Sequence[Ask], even_if_empty: bool) -> Iterator[Sequence[Ask]]:
    """`asks` in bundles of at most MAX_INCLUDES; a gate is asked for without any too."""
    if even_if_empty and not asks:
        yield ()
    for start in range(0, len(asks), MAX_INCLUDES):
        yield asks[start : start + MAX_INCLUDES]
