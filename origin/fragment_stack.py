"""The middleware that a second pass runs through: the project's own, less what cannot matter to it.

It is one synchronous chain under WSGI and ASGI alike. Django's asynchronous chain moves each
synchronous middleware to a thread and back, twice for most of its own; this one takes one thread
for all of a second pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from typing import Any, cast

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

logger = logging.getLogger("twopass.fragments")

ViewMiddleware = Callable[..., HttpResponseBase | None]


class FragmentStack(BaseHandler):
    """Runs `middleware` (dotted paths, outermost first) around the view; `first` sees it first.

    Those in `skipped` are left out. Each is made anew: an instance belongs to one chain.
    """

    def __init__(
        self, middleware: Sequence[str], skipped: Container[str], first: ViewMiddleware
    ) -> None:
        self._view_middleware: list[ViewMiddleware] = []
        self._template_response_middleware: list[Callable[..., Any]] = []
        self._exception_middleware: list[Callable[..., Any]] = []
        innermost: Any = self._get_response  # type: ignore[attr-defined]  # stubs lack it
        self._chain: Any = convert_exception_to_response(innermost)
        for path in reversed(middleware):
            if path not in skipped:
                self._surround(path)
        self._view_middleware.insert(0, first)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response of view and middleware; errors become responses, as Django does it."""
        return cast(HttpResponseBase, self._chain(request))

    def _surround(self, path: str) -> None:
        """Put one more middleware around the chain. Raises ImproperlyConfigured."""
        factory = import_string(path)
        is_async = not getattr(factory, "sync_capable", True)
        inner = self._chain
        if is_async:
            inner = self.adapt_method_mode(True, inner, False)
        try:
            instance = factory(inner)
        except MiddlewareNotUsed:
            return
        if instance is None:
            raise ImproperlyConfigured(f"middleware factory {path} returned None")
        self._hook(instance)
        outer: Any = convert_exception_to_response(instance)
        self._chain = async_to_sync(outer) if is_async else outer

    def _hook(self, instance: object) -> None:
        # as in BaseHandler.load_middleware: the view's from outside in, the others inside out
        if hasattr(instance, "process_view"):
            self._view_middleware.insert(0, _sync(instance.process_view))
        if hasattr(instance, "process_template_response"):
            self._template_response_middleware.append(_sync(instance.process_template_response))
        if hasattr(instance, "process_exception"):
            self._exception_middleware.append(_sync(instance.process_exception))


def below(kind: type, middleware: Sequence[str]) -> Sequence[str] | None:
    """What stands in `middleware` (dotted paths) after `kind`; None where that is not to be seen.

    So it is with a factory that wraps it, say.
    """
    for position, path in enumerate(middleware):
        if import_string(path) is kind:
            return middleware[position + 1 :]
    return None


def _sync(method: Callable[..., Any]) -> Callable[..., Any]:
    return async_to_sync(method) if iscoroutinefunction(method) else method
