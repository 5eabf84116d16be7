"""Which holes of a page are empty, which are held, and which must be asked for, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edge.core.fragment_key import NOBODY, PUBLIC, FragmentKey, KnownReads, Visit
from edge.core.prepared import PreparedFragment, PreparedShell
from fragments.shell import FragmentHole

Held = Callable[[FragmentKey], PreparedFragment | None]
Known = Callable[[bytes], KnownReads | None]


@dataclass(frozen=True, slots=True)
class Ask:
    """A hole to ask the origin for; `key` under which its fragment would be held."""

    hole: FragmentHole
    key: FragmentKey

    @property
    def is_private(self) -> bool:
        """Whether the answer is for this visitor alone."""
        return self.key[1] not in (PUBLIC, NOBODY)

    @property
    def may_collapse(self) -> bool:
        """Whether one answer may serve several requests that have the very same key."""
        return self.hole.scope != "no-store" and not self.hole.writes


@dataclass(frozen=True, slots=True)
class Found:
    """A fragment that was held, and what it was found by: all that the finding rests on."""

    base: bytes
    reads: KnownReads | None
    key: FragmentKey
    fragment: PreparedFragment


@dataclass(slots=True)
class Plan:
    """What becomes of every hole. `refresh`: shown stale now, to be asked for afterwards."""

    empty: list[FragmentHole] = field(default_factory=list)
    held: dict[FragmentHole, PreparedFragment] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)
    refresh: list[Ask] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        """Whether something asked for may write, so that the page's head must wait."""
        return any(ask.hole.writes for ask in self.asked)

    @property
    def personal(self) -> list[Ask]:
        """What goes into the bundle with this visitor's own cookies.

        Public ones travel along when there is such a bundle anyway: one request per page.
        """
        if any(ask.is_private for ask in self.asked):
            return [ask for ask in self.asked if ask.key[1] != NOBODY]
        return []

    @property
    def impersonal(self) -> list[Ask]:
        """What is asked for from a stripped request."""
        if any(ask.is_private for ask in self.asked):
            return [ask for ask in self.asked if ask.key[1] == NOBODY]
        return self.asked

    @property
    def is_no_store(self) -> bool:
        """Whether a part of the page must not be stored by anybody (RFC 9111 §5.2.2.5)."""
        return any(ask.hole.scope == "no-store" for ask in self.asked)

    def may_need_csrf(self, shell: PreparedShell, known: Known, visit: Visit) -> bool:
        """Whether the response may come to hold a CSRF token."""
        if shell.has_csrf or any(fragment.has_csrf for fragment in self.held.values()):
            return True
        reads = (known(visit.base(ask.hole)) for ask in self.asked)
        return any(found is None or found.has_csrf for found in reads)


def make_plan(shell: PreparedShell, visit: Visit, held: Held, known: Known, now: float) -> Plan:
    """Sort the shell's holes. `held` looks a fragment up, `known` what its frames read so far."""
    plan = Plan()
    for hole in shell.holes:
        if hole.when_cookies and not visit.visitor.has_any(hole.when_cookies):
            plan.empty.append(hole)
            continue
        base = visit.base(hole)
        reads = known(base)
        key = visit.key(hole, reads, base)
        fragment = None if hole.scope == "no-store" else held(key)
        if fragment is not None and fragment.expiry.is_fresh(now):
            plan.held[hole] = fragment
            plan.found.append(Found(base, reads, key, fragment))
        elif fragment is not None and fragment.expiry.may_refresh(now) and not hole.writes:
            plan.held[hole] = fragment
            plan.refresh.append(Ask(hole, key))
        else:
            plan.asked.append(Ask(hole, key))
    return plan
