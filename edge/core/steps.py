"""The vocabulary of an exchange: its steps, and what comes of those that ask somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from edge.core.cache_status import CacheStatus, Forward
from edge.core.policy import Reuse
from edge.core.prepared import PreparedShell
from edge.core.site import PageRecord
from edge.core.stored import StoredResponse

PLAIN: Final = "plain"
"""The mark of a URL that is plain HTTP."""

PASS_REASONS: Final = frozenset(
    {"guard", "csrf", "set-cookie", "status", "size", "vary", "method", "error"}
)
"""Why an origin could not make a shell (field TwoPass-Pass); others are shown as "other"."""


@dataclass(frozen=True, slots=True)
class Page:
    """A two-pass page for one set of dimension values, `target` as the origin is asked for it."""

    key: bytes
    target: bytes
    label: str
    record: PageRecord
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer without asking anybody."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Forward the visitor's own request, store nothing."""

    forward: Forward
    detail: str


@dataclass(frozen=True, slots=True)
class PlainLookup:
    """Look for a stored plain response. `probes`: without one, nobody knows what the URL is."""

    probes: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Forward the visitor's own request, keep the answer where it says that it may be kept."""

    forward: Forward


@dataclass(frozen=True, slots=True)
class Validate:
    """Ask the origin whether the stored response still holds."""

    stored: StoredResponse


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer with a stored plain response. `refresh`: validate it in the background."""

    stored: StoredResponse
    status: CacheStatus
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """Forward the visitor's own request and learn from the answer what the URL is.

    `joins`: wait for the verdict of whoever asks already.
    """

    joins: bool = True


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look the page up in the store."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask the origin for a shell, for nobody. `stale` may stand in if that fails."""

    forward: Forward
    stale: PreparedShell | None = None


@dataclass(frozen=True, slots=True)
class Splice:
    """Answer with the shell, its holes filled. `refresh`: renew it in the background."""

    shell: PreparedShell
    status: CacheStatus
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Relay:
    """Answer with the response that the probe brought, and keep it where it may be kept."""

    status: CacheStatus


@dataclass(frozen=True, slots=True)
class Fail:
    """The origin gave no answer that could be shown."""

    status: int
    detail: str
    forward: Forward = Forward.MISS


Step: TypeAlias = (
    Refuse | Pass | Probe | Lookup | Fetch | Splice | Relay | Fail
    | PlainLookup | Ask | Validate | Serve
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shelled:
    """The origin made a shell. `key`: of the page and the values it was rendered for."""

    shell: PreparedShell
    key: bytes
    stored: bool
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """The origin marked the page as one to pass (TwoPass-Pass), or answered without a shell."""

    reason: str
    http_status: int

    @property
    def failed(self) -> bool:
        """Whether the page is broken rather than merely no shell (RFC 5861 §4 may apply)."""
        return self.reason == "error" or self.http_status >= 500


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer. `status`: 502 or 504."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Somebody else's probe: `verdict` is what is known of it after the wait."""

    verdict: Literal["plain", "timeout", "gone"]


@dataclass(frozen=True, slots=True)
class Validated:
    """The stored response holds, or the origin sent one that may be stored in its place."""

    stored: StoredResponse
    http_status: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """The origin answered a validation with something that may not be stored."""

    status: int


@dataclass(frozen=True, slots=True)
class PlainFound:
    """What the store holds of a plain response, and what it is good for now.

    `only_if_cached`: the visitor wants nothing else (RFC 9111 §5.2.1.7).
    """

    stored: StoredResponse | None = None
    reuse: Reuse = Reuse.VALIDATE
    has_variants: bool = False
    paused: bool = False
    only_if_cached: bool = False


ValidationOutcome: TypeAlias = Validated | Unfit | Failed
Fetched: TypeAlias = Shelled | Declined | Failed
Probed: TypeAlias = Shelled | Declined | Failed | Undecided


@dataclass(frozen=True, slots=True)
class Found:
    """What the store holds for a page. `marked`: the reason of a hit-for-pass mark in force;
    `paused`: the last fetch failed so recently that no other is due."""

    shell: PreparedShell | None = None
    marked: str | None = None
    paused: bool = False
