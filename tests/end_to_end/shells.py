"""Asks an origin for shells, as an edge does."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx

from fragments.headers import CAPABILITY, PROOF, ProvenRequest, prove
from fragments.shell import CONTENT_TYPE, Shell
from fragments.signing import Keyring
from tests.end_to_end.stack import Stack


def fetch_shell(stack: Stack, path: str) -> Shell:
    """The shell of a page in its default dimensions. Raises AssertionError when it is none."""
    keyring = Keyring.parse(stack.secret)
    host = urlsplit(stack.origin_url).netloc
    proof = prove(keyring, ProvenRequest("GET", host, path), "first", time.time())
    headers = {PROOF: proof, "Surrogate-Capability": CAPABILITY}
    answer = httpx.get(stack.origin_url + path, headers=headers)
    assert answer.headers["content-type"] == CONTENT_TYPE, (
        path,
        answer.status_code,
        answer.headers,
    )
    return Shell.decode(answer.content, keyring)
