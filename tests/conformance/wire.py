"""HTTP/1.1 as bytes: enough to script an origin and to see exactly what a proxy sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Message:
    """A head and a body as they stood on the wire; names as sent."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    is_whole: bool = True
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for field_name, value in self.headers if field_name.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None


@dataclass
class Request(Message):
    """What the origin was asked."""

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]


@dataclass
class Response(Message):
    """What the client got; `interim` are the 1xx answers before it."""

    interim: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]] | None:
    """Start line and fields; None at the end of the connection."""
    start = await reader.readline()
    if not start.strip():
        return None
    return start.decode("latin-1").rstrip("\r\n"), await read_fields(reader)


async def read_fields(reader: asyncio.StreamReader) -> list[tuple[str, str]]:
    """Field lines up to the empty one."""
    fields = []
    while line := (await reader.readline()).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return fields


async def read_body(
    reader: asyncio.StreamReader, message: Message, *, ends_with_connection: bool
) -> None:
    """Fill in the body by Transfer-Encoding, Content-Length or the end of the connection."""
    coding = (message.get("transfer-encoding") or "").lower()
    length = message.get("content-length")
    try:
        if coding.endswith("chunked"):
            await _read_chunks(reader, message)
        elif length is not None:
            message.body = await reader.readexactly(int(length.split(",")[0]))
        elif ends_with_connection:
            message.body = await reader.read()
    except asyncio.IncompleteReadError as broken:
        message.body += broken.partial
        message.is_whole = False
    except (ConnectionError, ValueError):
        message.is_whole = False


async def _read_chunks(reader: asyncio.StreamReader, message: Message) -> None:
    while True:
        line = await reader.readline()
        if not line:
            message.is_whole = False
            return
        size = int(line.split(b";")[0], 16)
        if size == 0:
            message.trailers = await read_fields(reader)
            return
        message.body += await reader.readexactly(size)
        await reader.readexactly(2)


async def ask(
    host: str,
    port: int,
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    body: bytes = b"",
) -> Response:
    """One request on a connection of its own. Raises TimeoutError, OSError, EOFError."""
    names = {name.lower() for name, _ in headers}
    fields = list(headers)
    if "host" not in names:
        fields.insert(0, ("Host", f"{host}:{port}"))
    if body and "content-length" not in names and "transfer-encoding" not in names:
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    raw = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
    return await exchange(host, port, raw, is_head=method == "HEAD")


# No scenario takes longer; a proxy that never answers must not hold up the others.
_PATIENCE = 15.0


async def exchange(host: str, port: int, raw: bytes, *, is_head: bool = False) -> Response:
    """Send bytes as they are and read one final response."""
    async with asyncio.timeout(_PATIENCE):
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
        try:
            writer.write(raw)
            await writer.drain()
            return await read_response(reader, is_head=is_head)
        finally:
            writer.close()


async def read_response(reader: asyncio.StreamReader, *, is_head: bool = False) -> Response:
    """The next final response of a connection, with the interim ones before it."""
    interim: list[Message] = []
    while True:
        head = await read_head(reader)
        if head is None:
            raise EOFError("the connection ended without a response")
        response = Response(*head)
        if response.status >= 200 or response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    if not is_head and response.status not in (204, 304) and response.status >= 200:
        await read_body(reader, response, ends_with_connection=True)
    return response


_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_LONG = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def http_date(moment: float, form: str = "") -> str:
    """An HTTP date in one of its three forms, written here without the code under test."""
    at = datetime.fromtimestamp(moment, UTC)
    month, clock = _MONTHS[at.month - 1], f"{at:%H:%M:%S}"
    if form == "rfc850":
        return f"{_LONG[at.weekday()]}, {at.day:02d}-{month}-{at.year % 100:02d} {clock} GMT"
    if form == "asctime":
        return f"{_DAYS[at.weekday()]} {month} {at.day:2d} {clock} {at.year}"
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {month} {at.year:04d} {clock} GMT"
