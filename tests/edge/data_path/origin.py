"""A scripted origin that speaks the wire contract: pages, fragments, and faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from fragments import manifest as manifests
from fragments.bundle import (
    REQUEST_TYPE,
    RESPONSE_TYPE,
    BundleRequest,
    End,
    Frame,
    Head,
    Message,
    encode_message,
)
from fragments.headers import CAPABILITY, ProvenRequest, verify_proof
from fragments.include import Include
from fragments.manifest import CookieSpec, Manifest
from fragments.shell import CONTENT_TYPE, FragmentHole, Part, Shell
from fragments.signing import Keyring

SECRET = "a-secret-that-edge-and-origin-share-in-tests"
KEYRING = Keyring.parse(SECRET)

CSRF_COOKIE = CookieSpec("csrftoken", max_age=31449600)
MANIFEST = Manifest(
    session_cookie="sessionid",
    csrf_cookie=CSRF_COOKIE,
    ignorable_query=("utm_*", "gclid"),
    bypass_cookies=("preview",),
    varying_headers=("HX-Request",),
    release="r1",
)


def token(name: str) -> bytes:
    return Include("fragment", name).token(KEYRING)


def hole(name: str, **declared: Any) -> FragmentHole:
    return FragmentHole(token(name), **declared)


def shell(*body: Part, headers: Sequence[tuple[str, str]] = (), **declared: Any) -> Shell:
    fields = [("content-type", "text/html; charset=utf-8"), *headers]
    return Shell(
        status=declared.pop("status", 200),
        headers=tuple((name, (value.encode(),)) for name, value in fields),
        body=body,
        max_age=declared.pop("max_age", 60.0),
        release=declared.pop("release", "r1"),
        **declared,
    )


@dataclass
class Seen:
    """A request as the origin got it; `kind` by its proof, None without one."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    kind: str | None

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def cookies(self) -> dict[str, str]:
        line = self["cookie"] or ""
        return dict(pair.split("=", 1) for pair in line.split("; ") if "=" in pair)

    @property
    def wants_shell(self) -> bool:
        return CAPABILITY in (self["surrogate-capability"] or "")

    @property
    def bundle(self) -> BundleRequest:
        return BundleRequest.decode(self.body)

    @property
    def fragments(self) -> list[str]:
        return [Include.verify(include, KEYRING).name for include in self.bundle.includes]


@dataclass
class Answer:
    """A response: bytes or pieces of a body, each after a `gate` if it is an event to wait for."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | list[bytes | asyncio.Event] = b""


Page = Shell | Answer | Callable[[Seen], "Shell | Answer"]
Renderer = Frame | bytes | Callable[[Seen], "Frame | bytes"] | None


class ScriptedOrigin(httpx.AsyncBaseTransport):
    """Answers from dictionaries; an entry may be a function of the request.

    `down` makes it refuse connections, `hold` lets requests wait for an event, by path or fragment.
    """

    def __init__(self) -> None:
        self.manifest: Manifest | None = MANIFEST
        self.without_manifest = 404
        self.pages: dict[str, Page] = {}
        self.fragments: dict[str, Renderer] = {}
        self.head = Head(session="none")
        self.heads: Callable[[Seen], Head] | None = None
        self.bundle_headers: list[tuple[str, str]] = []
        self.hold: dict[str, asyncio.Event] = {}
        self.down = False
        self.seen: list[Seen] = []
        self.cut = 0
        self.now: Callable[[], float] = lambda: 0.0

    def of_kind(self, kind: str | None) -> list[Seen]:
        return [seen for seen in self.seen if seen.kind == kind]

    def routes(self, *patterns: str, **declared: Any) -> None:
        assert self.manifest is not None
        found = tuple(manifests.Route(pattern, **declared) for pattern in patterns)
        self.manifest = replace(self.manifest, routes=(*self.manifest.routes, *found))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("refused")
        seen = await self._read(request)
        self.seen.append(seen)
        answer = self._answer(seen)
        path = seen.target.partition("?")[0]
        if path in self.hold:
            await self.hold[path].wait()
        stream = answer if isinstance(answer, AsyncFrames) else AsyncPieces(answer, self)
        return httpx.Response(
            200 if isinstance(answer, AsyncFrames) else answer.status,
            headers=self._fields(answer),
            stream=stream,
        )

    def _fields(self, answer: Answer | AsyncFrames) -> list[tuple[str, str]]:
        if isinstance(answer, AsyncFrames):
            return [("content-type", RESPONSE_TYPE), *self.bundle_headers]
        return answer.headers

    async def _read(self, request: httpx.Request) -> Seen:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([chunk async for chunk in request.stream])
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        target = request.extensions["target"].decode()
        seen = Seen(request.method, target, headers, body, None)
        if (proof := seen["twopass-proof"]) is not None:
            # no framework tells an empty query from none, so no proof covers its "?"
            proven = ProvenRequest(seen.method, seen["host"] or "", target.removesuffix("?"), body)
            seen.kind = verify_proof(KEYRING, proven, proof, self.now())
        return seen

    def _answer(self, seen: Seen) -> Answer | AsyncFrames:
        if seen.target == manifests.PATH:
            if self.manifest is None or seen.kind != "manifest":
                return Answer(self.without_manifest)
            fields = [("content-type", manifests.CONTENT_TYPE)]
            return Answer(200, fields, self.manifest.encode(KEYRING))
        if seen.target == manifests.BUNDLE_PATH:
            assert seen.kind == "second"
            assert seen["content-type"] == REQUEST_TYPE
            return AsyncFrames(self, seen)
        page = self.pages.get(seen.target.partition("?")[0])
        if callable(page):
            page = page(seen)
        if page is None:
            return Answer(404, [("content-type", "text/plain")], b"no such page")
        if isinstance(page, Answer):
            return page
        if not seen.wants_shell:
            return Answer(200, [("content-type", "text/html")], b"rendered in process")
        return Answer(
            200,
            [("content-type", CONTENT_TYPE), ("cache-control", "no-store")],
            page.encode(KEYRING),
        )


class AsyncPieces(httpx.AsyncByteStream):
    def __init__(self, answer: Answer, origin: ScriptedOrigin) -> None:
        self._body = [answer.body] if isinstance(answer.body, bytes) else answer.body
        self._origin = origin
        self._done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._body:
            if isinstance(piece, bytes):
                yield piece
            else:
                await piece.wait()
        self._done = True

    async def aclose(self) -> None:
        if not self._done:
            self._origin.cut += 1


class AsyncFrames(httpx.AsyncByteStream):
    """A bundle's answer: the head, then each fragment, held back while its event is not set."""

    def __init__(self, origin: ScriptedOrigin, seen: Seen) -> None:
        self._origin = origin
        self._seen = seen
        self._done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for message in self._messages():
            yield encode_message(message)
        self._done = True

    async def _messages(self) -> AsyncIterator[Message]:
        origin, seen = self._origin, self._seen
        await self._held("head")
        yield origin.heads(seen) if origin.heads else origin.head
        for index, name in enumerate(seen.fragments):
            await self._held(name)
            yield replace(_frame(origin.fragments.get(name), seen), index=index)
        yield End(len(seen.fragments))

    async def _held(self, name: str) -> None:
        if name in self._origin.hold:
            await self._origin.hold[name].wait()

    async def aclose(self) -> None:
        if not self._done:
            self._origin.cut += 1


def _frame(renderer: Renderer, seen: Seen) -> Frame:
    result = renderer(seen) if callable(renderer) else renderer
    if result is None:
        return Frame(0, 500)
    if isinstance(result, bytes):
        return Frame(0, 200, (result,), max_age=60.0)
    return result


def as_asgi(origin: ScriptedOrigin) -> Any:
    """The same origin behind a real server."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        target = scope["raw_path"] + (
            b"?" + scope["query_string"] if scope["query_string"] else b""
        )
        request = httpx.Request(
            scope["method"],
            "http://origin.test",
            headers=scope["headers"],
            stream=_Incoming(receive),
            extensions={"target": target},
        )
        response = await origin.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": [(k.lower(), v) for k, v in response.headers.raw]})
        watch = asyncio.create_task(_disconnected(receive))
        stream = asyncio.create_task(_pump(response.stream, send))
        await asyncio.wait({watch, stream}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watch, stream):
            task.cancel()
        await asyncio.gather(watch, stream, return_exceptions=True)
        await response.stream.aclose()

    return app


async def _lifespan(receive: Any, send: Any) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


async def _pump(stream: httpx.AsyncByteStream, send: Any) -> None:
    async for piece in stream:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Incoming(httpx.AsyncByteStream):
    def __init__(self, receive: Any) -> None:
        self._receive = receive

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client left")
            yield message.get("body", b"")
            if not message.get("more_body"):
                return
