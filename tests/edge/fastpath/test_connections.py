"""Connections as visitors use and abuse them: pipelines, pieces, slow readers, endings."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from bench import Bench
from lines import Lines, parsed, request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edge.protocol import MAX_HEAD
from origin import Answer, ScriptedOrigin, hole, shell

PAGE = b"<h1>page</h1>" * 100
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip


@pytest.fixture(autouse=True)
async def _warm(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.routes("^/page", "^/slow")
    origin.pages["/page"] = shell(PAGE)
    origin.pages["/slow"] = shell(b"<p>", hole("slow", scope="no-store"), b"</p>")
    origin.fragments["slow"] = b"slow"
    origin.pages["/plain"] = Answer(200, [], b"plain")
    await bench.get("/page")
    await bench.get("/slow")
    origin.seen.clear()


async def test_a_hit_is_answered_before_the_callback_returns(lines: Lines) -> None:
    line = lines.fast()

    line.feed(request("/page"))

    answer = parsed(bytes(line.wire.sent))[0]
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer["cache-status"] == "twopass;hit;ttl=60"
    assert lines.hits.found == 1


async def test_a_request_may_come_byte_by_byte(lines: Lines) -> None:
    line = lines.fast()
    for byte in request("/page", "Cookie: sessionid=ann"):
        line.feed(bytes((byte,)))

    assert parsed(bytes(line.wire.sent))[0].body == PAGE
    assert lines.hits.found == 1


async def test_pipelined_requests_are_answered_in_order(lines: Lines) -> None:
    line = lines.fast()

    answers = parsed(await line.ask(b"".join(request(t) for t in ORDER)))

    assert [answer.body for answer in answers] == [BODIES[target] for target in ORDER]
    assert lines.hits.found == 1  # what stands behind a slow one waits for it


ORDER = ("/page", "/slow", "/page", "/plain", "/page")
BODIES = {"/page": PAGE, "/slow": b"<p>slow</p>", "/plain": b"plain"}


async def test_keep_alive_goes_from_path_to_path(lines: Lines) -> None:
    line = lines.fast()

    bodies = [parsed(await line.ask(request(target)))[0].body for target in ORDER]

    assert bodies == [BODIES[target] for target in ORDER]
    assert lines.hits.found == 3


async def test_a_slow_reader_fills_no_buffer(lines: Lines) -> None:
    line = lines.fast()
    line.wire.is_stuck = True
    for _ in range(20):
        line.feed(request("/page") * 50)

    assert len(line.wire.sent) <= line.wire.high_water + 2 * len(PAGE)
    assert not line.wire.is_reading

    line.wire.read_all()
    await line.rest()

    assert len(parsed(bytes(line.wire.sent))) == 1000
    assert line.wire.is_reading


@pytest.mark.parametrize("ending", ["Connection: close", "HTTP/1.0"])
async def test_who_wants_to_part_is_parted_from(lines: Lines, ending: str) -> None:
    line = lines.fast()
    made = request("/page", *([ending] if ":" in ending else []))
    made = made if ":" in ending else made.replace(b"HTTP/1.1", b"HTTP/1.0")

    assert parsed(await line.ask(made))[0].body == PAGE
    assert line.wire.is_closing()


async def test_shutdown_closes_idle_connections_after_what_was_sent(lines: Lines) -> None:
    line = lines.fast()
    line.feed(request("/page"))

    line.protocol.shutdown()

    assert line.wire.is_closing()
    assert parsed(bytes(line.wire.sent))[0].body == PAGE


async def test_nothing_is_answered_on_a_connection_that_closes(lines: Lines) -> None:
    line = lines.fast()
    line.wire.close()
    line.feed(request("/page"))

    assert lines.hits.found == 0


async def test_an_idle_connection_is_closed_in_time(lines: Lines) -> None:
    line, loop = lines.fast(), Loop()
    line.protocol.loop = loop
    line.feed(request("/page"))
    loop.tick(50)
    line.feed(request("/page"))
    line.feed(request("/page"))
    assert len(loop.timers) == 1

    loop.tick(25)
    assert not line.wire.is_closing()
    loop.tick(49)
    assert not line.wire.is_closing()
    loop.tick(1)

    assert line.wire.is_closing()


async def test_a_connection_in_the_middle_of_a_request_is_not_idle(lines: Lines) -> None:
    line, loop = lines.fast(), Loop()
    line.protocol.loop = loop
    line.feed(request("/page") + b"GET /pa")

    loop.tick(1000)

    assert not line.wire.is_closing()


async def test_idleness_after_the_application_is_uvicorns(lines: Lines) -> None:
    line = lines.fast()
    await line.ask(request("/page"))
    await line.ask(request("/slow"))
    line.protocol._end_of_rest()

    assert line.protocol.timeout_keep_alive_task is not None
    assert not line.wire.is_closing()
    line.lose()


@pytest.mark.parametrize("fields", [("BREW",), ("GET", *UPGRADE)])
async def test_who_takes_a_connection_over_has_it_without_our_timer(
    lines: Lines, fields: tuple[str, ...]
) -> None:
    """A websocket, or a request with an unknown method, outlives the rest after the last hit."""
    line, loop = lines.fast(), Loop()
    line.protocol.loop = loop
    line.feed(request("/page"))

    line.feed(request("/socket", *fields[1:], method=fields[0]))
    loop.tick(1000)

    assert line.wire.get_protocol() is not line.protocol
    assert not line.wire.is_closing()


class Timer:
    """A callback that can be called off."""

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """Timers of a clock that moves when it is told to; tasks are the running loop's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + delay, callback))
        return self.timers[-1]

    def create_task(self, work: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work, **options)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.due <= self.now]
        self.timers = [timer for timer in self.timers if timer.due > self.now]
        for timer in due:
            if not timer.is_cancelled:
                timer.callback()


async def test_a_lost_connection_is_let_go(lines: Lines) -> None:
    line = lines.fast()
    line.feed(request("/page"))

    line.lose()

    assert line.protocol not in line.protocol.connections


async def test_rubbish_after_a_hit_is_refused(lines: Lines) -> None:
    line = lines.fast()

    answers = parsed(await line.ask(request("/page") + b"\x00rubbish\r\n\r\n"))

    assert [answer.status for answer in answers] == [200, 400]
    assert line.wire.is_closing()


@pytest.mark.parametrize("start", [b"GET /page?", b"GET /page HTTP/1.1\r\nCookie: x=",
                                   b"POST /page HTTP/1.1\r\nHost: shop.test\r\n"])  # fmt: skip
@pytest.mark.parametrize("piece", [b"GET " * 1000, b"x: " + b"y" * 97 + b"\r\n"])
@pytest.mark.parametrize("path", ["fast", "slow"])
async def test_a_head_without_end_is_refused(
    lines: Lines, start: bytes, piece: bytes, path: str
) -> None:
    line = lines.fast() if path == "fast" else lines.slow()
    line.feed(start)
    fed = 0
    while not line.wire.is_closing() and fed < 2 * MAX_HEAD:
        line.feed(piece)
        fed += len(piece)

    assert line.wire.is_closing()
    assert fed <= MAX_HEAD + 2 * len(piece)
    assert parsed(bytes(line.wire.sent))[0].status in (400, 431)


async def test_a_long_body_is_no_head(lines: Lines, origin: ScriptedOrigin) -> None:
    line = lines.fast()
    await line.ask(request("/page"))
    body = b"z" * 5000
    line.feed(request("/page", "Content-Length: 500000", method="POST"))
    for _ in range(100):
        line.feed(body)
        await asyncio.sleep(0)
    await line.rest()

    assert parsed(await line.ask(request("/page")))[0].body == PAGE
    assert [len(seen.body) for seen in origin.seen] == [500_000]
    assert not line.wire.is_closing()


async def test_a_refusal_gets_into_no_other_answer(lines: Lines) -> None:
    line = lines.fast()
    line.feed(request("/slow") + b"GET /page HTTP/1.1\r\nCookie: ")
    for _ in range(20):
        line.feed(b"z" * 5000)

    assert line.wire.is_closing()
    assert b"431" not in line.wire.sent


async def test_methods_that_the_parser_does_not_know_still_pass(
    lines: Lines, origin: ScriptedOrigin
) -> None:
    line = lines.fast()
    await line.ask(request("/page"))

    await line.ask(request("/page", method="BREW"))

    assert [seen.method for seen in origin.seen] == ["BREW"]


async def test_a_body_is_the_applications(lines: Lines, origin: ScriptedOrigin) -> None:
    line = lines.fast()
    made = request("/page", "Content-Length: 4") + b"body" + request("/page")

    answers = parsed(await line.ask(made))

    assert [seen.body for seen in origin.seen] == [b"body"]
    assert answers[1].body == PAGE


async def test_a_fault_of_the_fast_path_costs_no_visitor_their_answer(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_request: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(lines.hits, "answer", fail)

    page = parsed(await lines.fast().ask(request("/page")))[0]

    assert (page.status, page.body) == (200, PAGE)
    assert "no such thing" in caplog.text


def test_uvicorn_has_what_this_rests_on() -> None:
    """Update uvicorn with this: names and behaviour that `edge.fastpath` takes from it."""
    config = uvicorn.Config(lambda *_: None, http=HttpToolsProtocol, log_config=None)
    parameters = list(inspect.signature(HttpToolsProtocol.__init__).parameters)
    callbacks = ("on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body",
                 "on_message_complete", "on_response_complete", "connection_made",
                 "connection_lost", "data_received", "shutdown", "pause_writing",
                 "resume_writing", "_unset_keepalive_if_required",
                 "timeout_keep_alive_handler", "handle_websocket_upgrade")  # fmt: skip

    assert parameters == ["self", "config", "server_state", "app_state", "_loop"]
    assert [name for name in callbacks if not hasattr(HttpToolsProtocol, name)] == []
    source = inspect.getsource(HttpToolsProtocol)
    for name in ("self.url", "self.headers", "self.cycle", "self.pipeline", "self.flow",
                 "self.parser", "self.timeout_keep_alive", "self.timeout_keep_alive_task",
                 "self.expect_100_continue",
                 "server_state.total_requests", "write_paused"):  # fmt: skip
        assert name in source + inspect.getsource(uvicorn.protocols.http.flow_control), name
    assert config.http is HttpToolsProtocol
    cycle = inspect.getsource(RequestResponseCycle)
    for name in ("self.transport.write(", "self.transport.close()", "self.on_response()"):
        assert name in cycle, name


async def test_uvicorns_connections_have_what_this_rests_on(lines: Lines) -> None:
    """The same of objects: what a connection knows of itself, and that the scope holds its list."""
    line = lines.fast()
    protocol = line.protocol

    assert protocol.client == line.wire.get_extra_info("peername")
    assert protocol.scheme == "http"
    assert protocol in protocol.connections is protocol.server_state.connections
    assert isinstance(protocol.app_state, dict)
    # `_hand_on` adds the fields that were read before uvicorn began, an absolute target replaces
    # Host: both in the list that the scope has already
    await line.ask(request("/plain", "X-Own: 1"))
    assert protocol.scope["headers"] is protocol.headers
    assert (b"x-own", b"1") in protocol.headers
    assert protocol.scope["state"] == protocol.app_state


def test_https_and_proxies_are_seen_by_a_connection() -> None:
    source = inspect.getsource(HttpToolsProtocol.connection_made)

    for line in ("self.client = get_remote_addr(transport)", "self.connections.add(self)",
                 'self.scheme = "https" if is_ssl(transport) else "http"'):  # fmt: skip
        assert line in source


async def test_a_hit_behind_a_head_without_body_does_not_overtake_it(lines: Lines) -> None:
    line = lines.fast()

    line.feed(request("/plain").replace(b"GET", b"HEAD", 1))
    cycle = line.protocol.cycle
    complete = cycle.on_response

    def complete_and_read_on() -> None:
        complete()
        line.feed(request("/page"))  # in the very turn of the loop in which the first is complete

    cycle.on_response = complete_and_read_on
    await line.rest()
    first, _, second = bytes(line.wire.sent).partition(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 200")
    assert b"twopass;hit" not in first
    assert parsed(second)[0].body == PAGE
    assert lines.hits.found == 1


async def test_a_head_and_its_body_are_written_at_once(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = lines.fast()
    written: list[bytes] = []
    monkeypatch.setattr(line.wire, "write", lambda data: written.append(bytes(data)))

    line.feed(request("/plain"))
    await line.rest()

    assert written[0].startswith(b"HTTP/1.1 200")
    assert written[0].endswith(b"plain\r\n")


@pytest.mark.parametrize("seed", range(6))
async def test_any_pipeline_in_any_pieces_is_answered_in_order(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, seed: int
) -> None:
    chance = random.Random(seed)
    origin.fragments["slow"] = lambda seen: f"for {seen.cookies.get('sessionid')}".encode()
    made: list[tuple[bytes, bytes]] = []
    for number in range(40):
        name = f"v{number}"
        target, method = chance.choice(tuple(BODIES)), chance.choice(("GET", "GET", "GET", "POST"))
        fields = [f"Cookie: sessionid={name}", *(["Content-Length: 3"] if method == "POST" else [])]
        body = f"<p>for {name}</p>".encode() if target == "/slow" else BODIES[target]
        if method == "POST" and target != "/plain":
            body = b"rendered in process"
        data = request(target, *fields, method=method)
        made.append((data + (b"abc" if method == "POST" else b""), body))
    stream = b"".join(data for data, _ in made)
    line = lines.fast()

    while stream:
        size = chance.choice((1, 7, 50, 500, 5000))
        line.feed(stream[:size])
        stream = stream[size:]
        for _ in range(chance.choice((0, 0, 1, 5))):
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            bench.purge(urls=("http://shop.test/page",), soft=chance.random() < 0.5)
    await line.rest()

    assert [answer.body for answer in parsed(bytes(line.wire.sent))] == [body for _, body in made]
