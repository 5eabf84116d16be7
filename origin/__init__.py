"""The Django side of two-pass rendering: views, tags, middleware, invalidation, data caches.

The public names load when they are first used, so that the app registry can import this package
before Django is ready.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from . import gates as gates
    from .context import refresh_context as refresh_context
    from .keeps import keeps_fragments as keeps_fragments
    from .page import two_pass as two_pass
    from .passes import add_groups as add_groups
    from .passes import nonce as nonce
    from .registry import fragment as fragment
    from .visitor import dimension as dimension

__all__ = [
    "add_groups",
    "dimension",
    "fragment",
    "gates",
    "keeps_fragments",
    "nonce",
    "refresh_context",
    "two_pass",
]

_HOMES: Final = {
    "add_groups": ".passes",
    "dimension": ".visitor",
    "fragment": ".registry",
    "keeps_fragments": ".keeps",
    "nonce": ".passes",
    "refresh_context": ".context",
    "two_pass": ".page",
}


def __getattr__(name: str) -> object:
    if name == "gates":
        return importlib.import_module(".gates", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
