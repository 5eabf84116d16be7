"""Data caches in levels: request → process → Redis → loader, under one clock of group versions.

The public names load when they are first used, so that models may import this package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .codec import Unstorable as Unstorable
    from .functions import cached as cached
    from .keys import BadKey as BadKey
    from .layers import reset_levels as reset_levels
    from .loaders import Loader as Loader
    from .models import CachedModel as CachedModel
    from .request_layer import request_cache as request_cache
    from .stats import snapshot as snapshot

__all__ = [
    "BadKey",
    "CachedModel",
    "Loader",
    "Unstorable",
    "cached",
    "request_cache",
    "reset_levels",
    "snapshot",
]

_HOMES: Final = {
    "BadKey": ".keys",
    "CachedModel": ".models",
    "Loader": ".loaders",
    "Unstorable": ".codec",
    "cached": ".functions",
    "request_cache": ".request_layer",
    "reset_levels": ".layers",
    "snapshot": ".stats",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
