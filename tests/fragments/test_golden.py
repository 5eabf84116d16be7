"""Version 1 of the contract, byte for byte: what other releases wrote must stay readable."""

from __future__ import annotations

import pytest

from fragments.bundle import BundleRequest, FrameDecoder
from fragments.dimensions import open_context
from fragments.headers import verify_proof
from fragments.include import Include, split_markers
from fragments.manifest import Manifest
from fragments.shell import Shell
from tests.fragments import golden


@pytest.mark.parametrize("name", sorted(golden.documents()))
def test_we_still_write_the_same_bytes(name: str) -> None:
    assert golden.documents()[name] == (golden.FOLDER / name).read_bytes()


def read(name: str) -> bytes:
    return (golden.FOLDER / name).read_bytes()


def test_we_still_read_the_same_meaning() -> None:
    assert Include.verify(read("include.token"), golden.KEYRING) == golden.INCLUDE
    assert split_markers(read("include.marker"), golden.KEYRING)[0][1] == golden.INCLUDE
    assert Shell.decode(read("shell.bin"), golden.KEYRING) == golden.SHELL
    assert Manifest.decode(read("manifest.bin"), golden.KEYRING) == golden.MANIFEST
    assert BundleRequest.decode(read("bundle.bin")) == golden.BUNDLE
    assert tuple(FrameDecoder().receive_data(read("frames.bin"))) == golden.FRAMES
    proof = read("proof.txt").decode()
    assert verify_proof(golden.KEYRING, golden.PROVEN, proof, golden.TIME) == "second"
    context = read("context.txt").decode()
    assert open_context(golden.KEYRING, "session-cookie", context) == {"group": "trade"}
