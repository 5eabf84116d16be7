"""RFC 9111 §4.4 and RFC 9875: what a change makes invalid."""

from __future__ import annotations

from tests.conformance.scenario import Scenario, first, says, scenario, step

FRESH = "Cache-Control: max-age=3600"


def _invalidates(
    method: str, status: int, *, kind: str = "required", holds: bool = True
) -> Scenario:
    verb = "invalidates" if holds else "does not invalidate"
    return scenario(
        f"invalidate-{method.lower()}-{status}", kind, "9111 §4.4",  # type: ignore[arg-type]
        f"{method} answered {status} {verb} the page",
        first(FRESH),
        # A stored GET may answer HEAD itself; every other method is the origin's.
        step(method, answer=says("", status), is_setup=True,
             asked=None if method == "HEAD" else True),
        step(answer=says(FRESH), asked=holds, source=3 if holds else 1),
    )  # fmt: skip


def _other(id_: str, field: str, value: str, kind: str, title: str, *, holds: bool) -> Scenario:
    return scenario(
        id_, kind, "9111 §4.4", title,  # type: ignore[arg-type]
        step(path="/b", answer=says(FRESH), source=1, asked=True),
        step("POST", path="/a", answer=says(f"{field}: {value}", 201), asked=True, is_setup=True),
        step(path="/b", answer=says(FRESH), asked=holds, source=3 if holds else 1),
    )  # fmt: skip


def _groups(
    id_: str,
    title: str,
    groups: str,
    invalidated: str,
    *,
    holds: bool,
    method: str = "POST",
    status: int = 200,
) -> Scenario:
    return scenario(
        id_, "optional", "9875 §3", title,
        step(path="/b", answer=says(f"{FRESH}\nCache-Groups: {groups}"), source=1, asked=True),
        step(path="/c", answer=says(f'{FRESH}\nCache-Groups: "{id_}-known"'), source=2, asked=True,
             is_setup=True),
        step("POST", path="/d", asked=True, is_setup=True,
             answer=says(f'Cache-Group-Invalidation: "{id_}-known"')),
        # The cache must be seen to know groups at all, or keeping one shows nothing.
        step(path="/c", answer=says(FRESH), asked=True, source=4, is_setup=not holds),
        step(method, path="/a", answer=says(f"Cache-Group-Invalidation: {invalidated}", status),
             asked=True, is_setup=True),
        step(path="/b", answer=says(FRESH), asked=holds, source=6 if holds else 1),
    )  # fmt: skip


SCENARIOS: list[Scenario] = [
    *(_invalidates(method, 200) for method in ("POST", "PUT", "DELETE", "PATCH", "FROBNICATE")),
    _invalidates("POST", 201),
    _invalidates("POST", 204),
    _invalidates("POST", 303),
    _invalidates("DELETE", 204),
    *(
        _invalidates(method, status, kind="optional", holds=False)
        for method, status in (("POST", 400), ("POST", 404), ("POST", 500), ("PUT", 503))
    ),
    *(
        _invalidates(method, 200, kind="optional", holds=False)
        for method in ("HEAD", "OPTIONS")
    ),
    _other("invalidate-location", "Location", "{base}/b", "optional",
           "Location of the same origin is invalidated", holds=True),
    _other("invalidate-content-location", "Content-Location", "{base}/b", "optional",
           "Content-Location of the same origin is invalidated", holds=True),
    _other("invalidate-location-relative", "Location", "b", "optional",
           "So is a relative one", holds=True),
    _other("invalidate-location-other", "Location", "http://other.example{base}/b", "required",
           "Location of another origin is not", holds=False),
    _other("invalidate-content-location-other", "Content-Location",
           "http://other.example{base}/b", "required",
           "Content-Location of another origin is not", holds=False),
    scenario("invalidate-variants", "required", "9111 §4.4", "All variants of the page go",
             first(f"{FRESH}\nVary: Foo", send="Foo: 1"),
             step(send="Foo: 2", asked=True, source=2, is_setup=True,
                  answer=says(f"{FRESH}\nVary: Foo")),
             step("POST", answer=says(), asked=True, is_setup=True),
             step(send="Foo: 1", answer=says(FRESH), asked=True, source=4),
             step(path="?other", answer=says(FRESH), source=5)),
    scenario("invalidate-get-body", "check", "9110 §9.3.1", "A GET with a body changes nothing",
             first(FRESH), step(asked=None, answer=says(FRESH)),
             step(asked=False, source=1)),
    _groups("groups-shared", "A group that is invalidated goes", '"g1-{base}"', '"g1-{base}"',
            holds=True),
    _groups("groups-one-of", "One group of several is enough", '"a", "g2-{base}"',
            '"x", "g2-{base}"', holds=True),
    _groups("groups-other", "Another group stays", '"g3-{base}"', '"g3-{base}x"', holds=False),
    _groups("groups-case", "Names are compared with their case", '"g4-{base}a"', '"g4-{base}A"',
            holds=False),
    _groups("groups-safe", "A safe request invalidates no group", '"g5-{base}"', '"g5-{base}"',
            holds=False, method="GET"),
    _groups("groups-error", "An error invalidates no group", '"g6-{base}"', '"g6-{base}"',
            holds=False, status=500),
    _groups("groups-token", "Tokens are no group names", '"g7{base}"', "g7", holds=False),
]  # fmt: skip
