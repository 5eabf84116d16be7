"""One bundle on the wire: asked once, its answer taken apart as it arrives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.core.fragment_key import FragmentKey
from edge.core.outbound import OriginRequest
from edge.core.plan import Ask
from edge.core.prepared import PreparedFragment
from edge.fetch import Origin, OriginError, OriginResponse
from edge.tally import Tally
from fragments.bundle import RESPONSE_TYPE, End, Frame, FrameDecoder, Head, Message
from fragments.errors import CODES, Code, WireError
from fragments.shell import FragmentHole

logger = logging.getLogger("twopass.edge.bundle")


@dataclass(frozen=True, slots=True)
class BundleHead:
    """What comes before the frames: verdict and session, and cookies for the visitor."""

    head: Head
    set_cookies: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrived:
    """A fragment that came. `key` under which it may be shared, None when with nobody.

    `fits`: it may be shown to the visitor it was asked for.
    """

    key: FragmentKey | None
    fragment: PreparedFragment
    fits: bool


Keep = Callable[[Ask, Frame, BundleHead], Arrived]
Timed = tuple[Ask, float, float]
"""What was asked for, when its frame came (on the loop's clock), and what rendering it took."""


class Bundle:
    """Futures for the head and for each fragment; None in them means that it will not come."""

    def __init__(self, asks: Sequence[Ask], keep: Keep) -> None:
        loop = asyncio.get_running_loop()
        self.asks = tuple(asks)
        self.head: asyncio.Future[BundleHead | None] = loop.create_future()
        self.arrivals: dict[FragmentHole, asyncio.Future[Arrived | None]] = {
            ask.hole: loop.create_future() for ask in self.asks
        }
        self.guests = 0
        """Other visitors who wait for one of these fragments."""
        self.timed: list[Timed] = []
        self._keep = keep
        self._time = loop.time

    async def run(
        self, origin: Origin, request: OriginRequest, tally: Tally, deadline: float
    ) -> None:
        """Ask, and fulfil the futures; all of them are done in the end, within `deadline` s."""
        try:
            async with asyncio.timeout(deadline):
                response = await origin.send(request, deadline)
                try:
                    await self._read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            tally.origin_failures.add("second", "timeout")
            logger.warning("bundle not complete after %g s", deadline)
        except OriginError as error:
            logger.warning("bundle failed: %s", error)
        except WireError as error:
            tally.wire_errors.add(error.code)
            logger.error("bundle broke the contract: %s", error)
        finally:
            if not self.head.done():
                self.head.set_result(None)
            for future in self.arrivals.values():
                if not future.done():
                    future.set_result(None)

    async def _read(self, response: OriginResponse) -> None:
        if response.status != 200 or response.header(b"content-type") != RESPONSE_TYPE.encode():
            raise await _refusal(response)
        cookies = tuple(value for name, value in response.headers if name == b"set-cookie")
        decoder = FrameDecoder()
        head: BundleHead | None = None
        async for chunk in response.chunks():
            for message in decoder.receive_data(chunk):
                if isinstance(message, Head):
                    head = BundleHead(message, cookies)
                    self.head.set_result(head)
                elif head is not None:
                    self._take(message, head)
        decoder.close()

    def _take(self, message: Message, head: BundleHead) -> None:
        if isinstance(message, End):
            return
        assert isinstance(message, Frame)
        if message.index >= len(self.asks):
            raise WireError("malformed", f"a frame for include {message.index}, never asked for")
        ask = self.asks[message.index]
        future = self.arrivals[ask.hole]
        if future.done():
            return
        if message.status != 200:
            future.set_result(None)
            return
        if not ask.hole.writes:  # those come before the head, one after another anywhere
            self.timed.append((ask, self._time(), message.rendering))
        future.set_result(self._keep(ask, message, head))


async def _refusal(response: OriginResponse) -> WireError:
    """What an answer without frames means; its text says what to do."""
    told = (response.header(b"twopass-error") or b"").decode("latin-1")
    code: Code = next((code for code in CODES if code == told), "type")
    text = await response.read(64 * 1024)
    return WireError(
        code,
        f"status {response.status} instead of a bundle: {text[:300].decode('utf-8', 'replace')}",
    )
