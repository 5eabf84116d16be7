"""Connections as visitors use and abuse them: pipelines, pieces, slow readers, endings."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import uvicorn
from bench import Bench
from lines import Lines, parsed, request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from origin import Answer, ScriptedOrigin, hole, shell

PAGE = b"<h1>page</h1>" * 100


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


class Loop:
    """Timers of a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> object:
        self.timers.append((self.now + delay, callback))
        return object()

    def tick(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, callback in due:
            callback()


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


def test_uvicorn_has_what_this_rests_on() -> None:
    """Update uvicorn with this: names and behaviour that `edge.fastpath` takes from it."""
    config = uvicorn.Config(lambda *_: None, http=HttpToolsProtocol, log_config=None)
    parameters = list(inspect.signature(HttpToolsProtocol.__init__).parameters)
    callbacks = ("on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body",
                 "on_message_complete", "on_response_complete", "connection_made",
                 "connection_lost", "data_received", "shutdown", "pause_writing",
                 "resume_writing", "_unset_keepalive_if_required",
                 "timeout_keep_alive_handler")  # fmt: skip

    assert parameters == ["self", "config", "server_state", "app_state", "_loop"]
    assert [name for name in callbacks if not hasattr(HttpToolsProtocol, name)] == []
    source = inspect.getsource(HttpToolsProtocol)
    for name in ("self.url", "self.headers", "self.cycle", "self.pipeline", "self.flow",
                 "self.parser", "self.timeout_keep_alive", "self.timeout_keep_alive_task",
                 "self.expect_100_continue",
                 "server_state.total_requests", "write_paused"):  # fmt: skip
        assert name in source + inspect.getsource(uvicorn.protocols.http.flow_control), name
    assert config.http is HttpToolsProtocol
