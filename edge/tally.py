"""What one worker counts; docs/edge.md lists it all."""

from __future__ import annotations

from edge.counters import Counter, Counters


class Tally:
    """The counters of the data path. Label values come from closed sets, never from visitors."""

    def __init__(self, counters: Counters) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return counters.counter(f"twopass_edge_{name}_total", text, labels)

        self.requests = counter("requests", "Requests, by what Cache-Status says.", "outcome")
        self.responses = counter("responses", "Responses, by class of status.", "status")
        self.passes = counter("passes", "Requests passed to the origin, by reason.", "reason")
        self.origin_requests = counter("origin_requests", "Requests to the origin.", "kind")
        self.origin_failures = counter(
            "origin_failures", "Requests that the origin did not answer.", "kind", "reason"
        )
        self.fragments = counter("fragments", "Holes filled, by source.", "source")
        self.esi_fragments = counter("esi_fragments", "Includes of ESI documents.", "source")
        self.bundles = counter("bundles", "Bundles asked for, by what is in them.", "kind")
        self.encoded = counter("encoded", "Pages compressed for later requests.", "coding")
        self.stored = counter("stored", "Objects offered to the store.", "kind", "verdict")
        self.collapsed = counter("collapsed", "Requests that shared another's fetch.", "kind")
        self.invalidations = counter("invalidations", "Invalidations applied.")
        self.invalidated = counter("invalidated", "Objects dropped or made stale by them.")
        self.not_modified = counter("not_modified", "Pages answered with 304.")
        self.late_cookies = counter(
            "late_cookies", "Set-Cookie fields of bundles that came after the head: dropped."
        )
        self.epochs = counter("epochs", "Visitor epochs begun.")
        self.clients_gone = counter("clients_gone", "Clients who left before the end.")
        self.manifest_fetches = counter("manifest_fetches", "Fetches of the manifest.", "verdict")
        self.wire_errors = counter(
            "wire_errors", "Messages of the origin that broke the contract.", "code"
        )
        self.websockets = counter("websockets", "Websockets proxied.", "verdict")
