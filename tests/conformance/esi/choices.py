"""Where ESI 1.0 is silent and others differ: what ours does, as docs/esi.md says.

A choice that is not the case's own expectation replaces it here, so that it is tested too.
"""

from __future__ import annotations

from typing import Any

CHOICES: dict[str, dict[str, Any]] = {
    # Unknown elements: their tags go, their content stays.
    "nodesi-typo": {"body": "<section></section>", "not_fetched": ["http://localhost/x"]},
    # An include without "/" and without end tag is an include.
    "nodesi-unclosed": {"body": "<section><div>test</div></section>"},
    # A failed include without onerror costs its own place; the strict setting is tested beside.
    "mrswitch-error-throws": {"body": ""},
    # An include without src is a failed include.
    "symfony-no-src": {"body": "foo "},
    # Surrogate-Control decides, not the media type.
    "symfony-text-plain": {"body": "x", "fetched": ["http://example.com/x"]},
    # The edge is the last surrogate: nothing of Surrogate-Control leaves it.
    "symfony-sc-partial": {"body": "foo x", "headers_absent": ["Surrogate-Control"]},
    # ESI 1.0 processes what stands in <!--esi -->, blanks included.
    "go-esi-escape": {"body": "\n  <p>Hello, !</p>\n"},
    "go-esi-full": {
        "body_nospace": "<html><head><title>Hellofromdomain.com:9080</title></head><body>"
        "<h1>CHAINED2</h1><h1>ALTERNATEESIINCLUDE</h1><div><h1>ESIINCLUDE</h1></div></body></html>"
    },
}
