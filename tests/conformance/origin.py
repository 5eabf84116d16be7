"""An origin that says what the scenarios want, records what it was asked, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field

from tests.conformance.scenario import Answer, Lines, Scenario
from tests.conformance.wire import Request, http_date, read_body, read_head

_DATE = re.compile(r"\{([+-]\d+)(?::(rfc850|asctime))?\}")


@dataclass
class Script:
    """One playing of a scenario: which step it is at, and the requests of each."""

    scenario: Scenario
    token: str
    current: int = 0
    requests: list[tuple[int, Request]] = field(default_factory=list)

    def of_step(self, number: int) -> list[Request]:
        return [request for at, request in self.requests if at == number]

    def body_of(self, number: int) -> str:
        """The body of that step's answer, unlike all others."""
        body = self.scenario.steps[number].answer.body
        if self.scenario.steps[number].answer.status in (204, 304):
            return ""
        return f"{self.token} answer {number + 1}" if body is None else body

    def filled(self, value: str) -> str:
        """A header value with its dates and paths written in."""
        now = time.time()
        dated = _DATE.sub(lambda m: http_date(now + int(m[1]), m[2] or ""), value)
        return dated.replace("{base}", f"/{self.token}")


class Origin:
    """Serves every script under its own first path segment."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self.strays: list[Request] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=1 << 22)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        connections = list(self._connections.items())
        for writer, _ in connections:
            writer.close()
        await asyncio.gather(*(task for _, task in connections), return_exceptions=True)

    def add(self, script: Script) -> None:
        self._scripts[script.token] = script

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[writer] = task
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while (head := await read_head(reader)) is not None:
                request = Request(*head)
                if "100-continue" in (request.get("expect") or "").lower():
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await read_body(reader, request, ends_with_connection=False)
                if not await self._answer(request, writer):
                    break
        writer.close()
        self._connections.pop(writer, None)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Write the answer of the step; False when the connection must end."""
        token = re.split(r"[/?]", request.target.removeprefix("http://").partition("/")[2])[0]
        script = self._scripts.get(token)
        if script is None:
            self.strays.append(request)
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return True
        number = script.current
        script.requests.append((number, request))
        answer = script.scenario.steps[number].answer
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.disconnects:
            return False
        writer.write(_encoded(script, number, answer, request))
        await writer.drain()
        return not answer.breaks


def _is_conditional(request: Request) -> bool:
    return request.get("if-none-match") is not None or request.get("if-modified-since") is not None


def _encoded(script: Script, number: int, answer: Answer, request: Request) -> bytes:
    raw = b""
    if answer.interim is not None:
        status, fields = answer.interim
        raw += _head(status, _filled(script, fields))
    if answer.not_modified is not None and _is_conditional(request):
        fields = _filled(script, answer.not_modified)
        return raw + _head(304, _with_date(fields, answer))
    fields = _with_date(_filled(script, answer.headers), answer)
    if answer.part is not None and request.get("range") is not None:
        part, content_range = answer.part
        fields += [("Content-Range", content_range), ("Content-Length", str(len(part)))]
        return raw + _head(206, fields) + part.encode()
    body = script.body_of(number).encode()
    names = {name.lower() for name, _ in fields}
    if "content-type" not in names:
        fields.append(("Content-Type", "text/plain"))
    if request.method == "HEAD" or answer.status in (204, 304):
        body = b""
    elif answer.is_chunked or answer.trailers:
        fields.append(("Transfer-Encoding", "chunked"))
        return raw + _head(answer.status, fields) + _chunked(script, body, answer)
    if "content-length" not in names and answer.status not in (204, 304):
        length = len(script.body_of(number)) + (10 if answer.breaks else 0)
        fields.append(("Content-Length", str(length)))
    return raw + _head(answer.status, fields) + body


def _chunked(script: Script, body: bytes, answer: Answer) -> bytes:
    raw = b"%x\r\n%s\r\n" % (len(body), body)
    if answer.breaks:
        return raw
    trailers = "".join(f"{name}: {value}\r\n" for name, value in _filled(script, answer.trailers))
    return raw + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"


def _filled(script: Script, fields: Lines) -> list[tuple[str, str]]:
    return [(name, script.filled(value)) for name, value in fields]


def _with_date(fields: list[tuple[str, str]], answer: Answer) -> list[tuple[str, str]]:
    if answer.has_date and all(name.lower() != "date" for name, _ in fields):
        fields.append(("Date", http_date(time.time())))
    return fields


def _head(status: int, fields: list[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1")
