"""Documents whose bytes are pinned in tests/fragments/golden/: what version 1 looks like.

`python -m tests.fragments.golden` writes them anew. Do that only with a new version of the
contract: an edge and an origin of different releases meet in every deploy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fragments.bundle import BundleRequest, End, Frame, Head, Reads, Verdict, encode_message
from fragments.csrf import CSRF
from fragments.dimensions import Dimension, seal_context
from fragments.headers import ProvenRequest, prove
from fragments.include import Include, marker
from fragments.manifest import CookieSpec, Manifest, Route
from fragments.shell import NONCE, FragmentHole, Shell
from fragments.signing import Keyring

FOLDER: Final = Path(__file__).parent / "golden"
KEYRING: Final = Keyring(["golden-secret-of-the-wire-contract-0001"])

INCLUDE: Final = Include.of("fragment", "basket", {"size": 3, "ids": [1, 2], "note": None})
BLOCK: Final = Include.of("block", "shop/base.html#greeting", {})
CURRENCY: Final = Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR")
BANNER: Final = Dimension("banner", "bucket", "ab_banner", ("a", "b"), "a", weights=(1, 1))

SHELL: Final = Shell(
    status=200,
    headers=(
        ("content-type", (b"text/html; charset=utf-8",)),
        ("content-security-policy", (b"script-src 'nonce-", NONCE, b"'")),
    ),
    body=(
        b"<!doctype html><form>",
        CSRF,
        b"</form>",
        FragmentHole(
            token=INCLUDE.token(KEYRING),
            scope="private",
            dimensions=("currency",),
            cookies=("basket",),
            when_cookies=("basket", "sessionid"),
            deadline=0.5,
            alt=BLOCK.token(KEYRING),
            placeholder=b"<i>Basket</i>",
        ),
        FragmentHole(token=BLOCK.token(KEYRING), writes=True),
        b"</html>",
    ),
    max_age=300,
    stale_while_revalidate=60,
    stale_if_error=86400,
    groups=("product:42", "category:7"),
    dimensions=(CURRENCY, BANNER),
    values=(("banner", "b"), ("currency", "EUR")),
    query=("page", "sort"),
    gate=False,
    release="r1",
)
MANIFEST: Final = Manifest(
    session_cookie="sessionid",
    csrf_cookie=CookieSpec("csrftoken", 31449600),
    dimensions=(CURRENCY, BANNER),
    routes=(Route("^/product/[0-9]+/$", ("currency", "banner"), ("page",)),),
    ignorable_query=("utm_*", "gclid"),
    bypass_cookies=("preview",),
    varying_headers=("hx-request", "x-requested-with"),
    release="r1",
)
BUNDLE: Final = BundleRequest(
    page="https://shop.example/product/42/?page=2",
    includes=(INCLUDE.token(KEYRING), BLOCK.token(KEYRING)),
    csrf_secret="abcdefghijklmnopqrstuvwxyzABCDEF",
    values=(("banner", "b"), ("currency", "EUR")),
    deadline=2.0,
)
FRAMES: Final = (
    Head("valid", 1209600.0, ("user:7",), Verdict(302, (("location", "/login/"),), b"")),
    Frame(
        index=0,
        status=200,
        body=(b"<form>", CSRF, b"</form><script nonce=", NONCE, b">"),
        max_age=60,
        stale_if_error=30,
        groups=("basket:7",),
        reads=Reads(("basket",), ("accept-language",), url=True),
        rendering=0.004,
    ),
    Frame(index=1, status=500, scope="no-store", wrote=True),
    End(2),
)
TIME: Final = 1_790_000_000.0
PROVEN: Final = ProvenRequest("POST", "shop.example", "/_twopass/fragments", BUNDLE.encode())


def documents() -> dict[str, bytes]:
    """File name → bytes."""
    return {
        "include.token": INCLUDE.token(KEYRING),
        "include.marker": marker(INCLUDE.token(KEYRING)).encode(),
        "shell.bin": SHELL.encode(KEYRING),
        "manifest.bin": MANIFEST.encode(KEYRING),
        "bundle.bin": BUNDLE.encode(),
        "frames.bin": b"".join(encode_message(message) for message in FRAMES),
        "proof.txt": prove(KEYRING, PROVEN, "second", TIME).encode(),
        "context.txt": seal_context(KEYRING, "session-cookie", {"group": "trade"}).encode(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in documents().items():
        (FOLDER / name).write_bytes(data)
