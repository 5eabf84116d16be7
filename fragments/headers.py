"""The header fields that edge and origin speak, and the edge's proof."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from .errors import WireError
from .signing import Keyring, from_text, to_text

CAPABILITY: Final = 'twopass="TwoPass/1.0"'
"""Value of Surrogate-Capability (Edge Architecture, W3C note 2001, §2.2)."""

SHELL_CONTROL: Final = 'content="TwoPass/1.0"'
ESI_CONTROL: Final = 'content="ESI/1.0"'

PROOF: Final = "TwoPass-Proof"
MIN_LSN: Final = "TwoPass-Min-Lsn"
"""First passes: the position in the primary's log that the data must have reached."""
KEEPS_FRAGMENTS: Final = "TwoPass-Keeps-Fragments"
"""Responses to unsafe requests: the visitor's fragments stay valid."""
PASSED: Final = "TwoPass-Pass"
"""Responses: why a page marked two-pass did not become a shell."""
GROUPS: Final = "TwoPass-Groups"
INTERNAL_PREFIX: Final = "twopass-"
"""Fields that the edge drops from what visitors send and from what leaves."""

SURROGATE_FIELD: Final = "X-TwoPass-Surrogate"
"""A foreign surrogate's shared secret."""

MAX_SKEW: Final = 300.0
"""Seconds that the clocks of edge and origin may differ; the precedent is Kerberos's 5 minutes."""

PassKind = Literal["probe", "first", "second", "manifest"]
"""An unknown URL with the visitor's own request; a shell for nobody; a bundle; the manifest."""

_PROOF: Final = re.compile(r"1 (\d{1,12}) ([a-z]{1,16}) ([A-Za-z0-9_-]{48})\Z")


@dataclass(frozen=True, slots=True)
class ProvenRequest:
    """What a proof covers. `target`: path and query as they stand in the request line."""

    method: str
    host: str
    target: str
    body: bytes = b""

    def parts(self, kind: PassKind, time: int) -> tuple[bytes, ...]:
        """What is signed, unambiguously."""
        return (
            kind.encode(),
            b"%d" % time,
            self.method.encode(),
            self.host.lower().encode(),
            self.target.encode(),
            hashlib.sha256(self.body).digest(),
        )


def prove(keyring: Keyring, request: ProvenRequest, kind: PassKind, now: float) -> str:
    """The value of the `TwoPass-Proof` field; `now` in seconds since the epoch."""
    time = int(now)
    return f"1 {time} {kind} {to_text(keyring.sign('proof', *request.parts(kind, time)))}"


def verify_proof(keyring: Keyring, request: ProvenRequest, value: str, now: float) -> PassKind:
    """What the edge asks for. Raises WireError: malformed, signature, unknown-key, clock-skew."""
    found = _PROOF.match(value)
    if found is None or found[2] not in get_args(PassKind):
        raise WireError("malformed", f"{PROOF} is '1 <seconds> <kind> <signature>'")
    time, kind = int(found[1]), cast(PassKind, found[2])
    keyring.verify("proof", from_text(found[3]), *request.parts(kind, time))
    if abs(now - time) > MAX_SKEW:
        raise WireError(
            "clock-skew", f"the proof is {now - time:+.0f} s old; run NTP on edge and origin"
        )
    return kind
