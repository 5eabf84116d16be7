"""The edge's side of the contract, as far as tests of the origin need it: it signs and decodes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from django.test import AsyncClient, Client

from fragments.bundle import (
    REQUEST_TYPE,
    BundleRequest,
    Frame,
    FrameDecoder,
    Head,
    Message,
)
from fragments.csrf import unmask
from fragments.headers import CAPABILITY, PROOF, PassKind, ProvenRequest, prove
from fragments.include import Argument, Include
from fragments.manifest import BUNDLE_PATH, PATH, Manifest
from fragments.shell import FragmentHole, Shell
from fragments.signing import Keyring
from fragments.splice import Splice, fill

KEYRING = Keyring(["a-secret-of-the-tests-long-enough-to-be-one"])
HOST = "testserver"
SECRET = "s" * 32
TOKEN = b"[the token]"


def proof(
    method: str,
    target: str,
    kind: PassKind,
    body: bytes = b"",
    now: float | None = None,
    host: str = HOST,
) -> str:
    """The edge's proof for such a request."""
    proven = ProvenRequest(method, host, target, body)
    return prove(KEYRING, proven, kind, time.time() if now is None else now)


def ask(
    path: str,
    kind: PassKind,
    cookies: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    capable: bool = True,
    client: Client | None = None,
) -> HttpResponse:
    """A GET with proof; `capable`: the edge takes shells."""
    client = client or Client()
    fields = {"Host": HOST, PROOF: proof(method, path, kind), **(headers or {})}
    if capable:
        fields["Surrogate-Capability"] = CAPABILITY
    response: Any = client.generic(method, path, headers={**fields, **_cookies(cookies)})
    return response


def shell_of(response: HttpResponse) -> Shell:
    """The shell in a response. Raises WireError when there is none."""
    return Shell.decode(response.content, KEYRING)


def first(path: str, cookies: Mapping[str, str] | None = None, **kwargs: Any) -> Shell:
    """The shell of a two-pass page."""
    return shell_of(ask(path, "first", cookies, **kwargs))


def manifest() -> Manifest:
    """The project's manifest."""
    return Manifest.decode(ask(PATH, "manifest").content, KEYRING)


def include(name: str, **args: Argument) -> bytes:
    """A token for a registered fragment."""
    return Include.of("fragment", name, args).token(KEYRING)


def post_bundle(
    request: BundleRequest,
    cookies: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    client: Client | None = None,
) -> HttpResponse:
    """The response to a bundle."""
    body = request.encode()
    fields = {
        "Host": HOST,
        PROOF: proof("POST", BUNDLE_PATH, "second", body),
        "Surrogate-Capability": CAPABILITY,
        **(headers or {}),
    }
    # the test client's own host would come from SERVER_NAME
    response: Any = (client or Client()).post(
        BUNDLE_PATH, body, content_type=REQUEST_TYPE, headers={**fields, **_cookies(cookies)}
    )
    return response


async def apost_bundle(request: BundleRequest) -> HttpResponse:
    """The response to a bundle under ASGI."""
    body = request.encode()
    fields = {PROOF: proof("POST", BUNDLE_PATH, "second", body)}
    response: Any = await AsyncClient().post(
        BUNDLE_PATH, body, content_type=REQUEST_TYPE, headers=fields
    )
    assert response.status_code == 200
    return response


def messages_of(response: HttpResponse) -> list[Message]:
    """The messages of a bundle's response. Raises WireError when it was cut."""
    decoder = FrameDecoder()
    found = list(decoder.receive_data(response.getvalue()))
    decoder.close()
    return found


def bundle(
    page: str,
    includes: Iterable[bytes],
    cookies: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    client: Client | None = None,
    **fields: Any,
) -> tuple[Head, dict[int, Frame]]:
    """Head and frames (by index) for `includes` on `page`, a path."""
    url = page if page.startswith("http") else f"http://{HOST}{page}"
    request = BundleRequest(page=url, includes=tuple(includes), **fields)
    response = post_bundle(request, cookies, headers, client)
    assert response.status_code == 200, response.content
    head, *rest = messages_of(response)
    assert isinstance(head, Head)
    return head, {frame.index: frame for frame in rest if isinstance(frame, Frame)}


def text_of(frame: Frame) -> str:
    """A frame's body with CSRF holes and nonces shown."""
    return fill(frame.body, TOKEN, b"[nonce]").decode()


def page(path: str, cookies: Mapping[str, str] | None = None) -> str:
    """The page as the edge would show it to who has these cookies (tokens are `TOKEN`)."""
    cookies = cookies or {}
    shell = first(path.partition("?")[0])
    splice = Splice(shell.body, TOKEN, b"[nonce]")
    holes = [hole for hole in shell.holes() if isinstance(hole, FragmentHole)]
    wanted = [
        hole
        for hole in holes
        if not hole.when_cookies or any(name in cookies for name in hole.when_cookies)
    ]
    _, frames = bundle(path, [hole.token for hole in wanted], cookies)
    for index, hole in enumerate(wanted):
        frame = frames[index]
        body = text_of(frame).encode() if frame.status == 200 else hole.placeholder
        splice.fill(hole, body)
    for hole in holes:
        splice.fill(hole, b"")
    return splice.take().decode()


def without_tokens(html: str, secret: str) -> str:
    """`html` with every token that stands for `secret` replaced by `TOKEN`."""
    for run in _runs(html):
        if unmask(run) == secret:
            html = html.replace(run, TOKEN.decode())
    return html


def _runs(html: str) -> set[str]:
    import re

    return set(re.findall(r"[A-Za-z0-9]{64}", html))


def _cookies(cookies: Mapping[str, str] | None) -> dict[str, str]:
    if not cookies:
        return {}
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
