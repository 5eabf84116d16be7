"""`{% cache %}` blocks bring the groups of what is in them, also when nothing of it is read.

Groups and the strictest age lie beside the block's text, under a key of their own, with a digest of
the text that they are of. Where they are missing (evicted, or another program filled the block),
the block is rendered anew rather than shown on a page that no purge would find.
"""

from __future__ import annotations

import copy
import hashlib
import time
from typing import Any, Final

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.core.cache.utils import make_template_fragment_key
from django.template import Context
from django.templatetags.cache import CacheNode

from .datacache.bypassing import is_bypassed
from .datacache.dependencies import Collector, contained, is_watched, note
from .datacache.readings import Reading

_BESIDE: Final = ".twopass"
_render_as_django: Final = CacheNode.render


def connect() -> None:
    """Have every `{% cache %}` do so, however its library was loaded. For `AppConfig.ready`."""
    CacheNode.render = _render  # type: ignore[method-assign]


class _Recorder:
    """A block's nodes, and what they read when they were rendered."""

    def __init__(self, nodes: Any) -> None:
        self._nodes = nodes
        self.contents: Collector | None = None

    def render(self, context: Context) -> str:
        with contained() as contents:
            text: str = self._nodes.render(context)
        self.contents = contents
        return text


def _render(self: Any, context: Context) -> str:
    inside = _Recorder(self.nodelist)
    if is_bypassed():  # a report, which is to see what pages are made of
        text = inside.render(context)
        _tell(self, inside.contents)
        return text
    block = copy.copy(self)  # a template's nodes are every thread's
    block.nodelist = inside
    text = _render_as_django(block, context)
    contents = inside.contents
    if contents is None and not is_watched():
        return text
    cache, key = _place(self, context)
    if contents is None:
        contents = _read(cache.get(key + _BESIDE), text)
    if contents is None:
        text = inside.render(context)
        cache.set(key, text, _timeout(self, context))
    if inside.contents is not None:
        contents = inside.contents
        cache.set(key + _BESIDE, _written(contents, text), _timeout(self, context))
    _tell(self, contents)
    return text


def _place(block: Any, context: Context) -> tuple[BaseCache, str]:
    """Where Django keeps the block; it has refused by now what cannot be resolved."""
    alias = "template_fragments" if "template_fragments" in settings.CACHES else "default"
    if block.cache_name:
        alias = block.cache_name.resolve(context)
    values = [expression.resolve(context) for expression in block.vary_on]
    return caches[alias], make_template_fragment_key(block.fragment_name, values)


def _timeout(block: Any, context: Context) -> int | None:
    seconds = block.expire_time_var.resolve(context)
    return None if seconds is None else int(seconds)


def _written(contents: Collector, text: str) -> list[Any]:
    until = None if contents.left is None else time.time() + contents.left
    return [_digest(text), list(contents.groups), until]


def _read(beside: Any, text: str) -> Collector | None:
    """What lies beside `text`; None where that is of another text, or nothing of ours."""
    if not isinstance(beside, list) or len(beside) != 3 or beside[0] != _digest(text):
        return None
    _, groups, until = beside
    left = None if until is None else max(0.0, until - time.time())
    return Collector(groups=dict.fromkeys(groups), left=left)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _tell(block: Any, contents: Collector | None) -> None:
    """What surrounds the block is made of what is in it."""
    if contents is not None and (contents.groups or contents.left is not None):
        groups = tuple(contents.groups)
        inner = contents.readings
        name = f"{{% cache %}} {block.fragment_name}"
        note(Reading(name, "", "block", groups, contents.left, inner=inner))
