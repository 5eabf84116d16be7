"""What template engines are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.template import engines

from ..conf import Settings

BUILTINS: Final = "origin.templatetags.twopass_auto"
EXTENSION: Final = "origin.jinja2_auto_holes.AutoHolesExtension"
_PROCESSOR: Final = "django.contrib.messages.context_processors.messages"


def check_auto_holes(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Every engine that shows messages makes holes of them."""
    if not conf.enabled or not apps.is_installed("django.contrib.messages"):
        return
    for backend in engines.all():
        if hasattr(backend, "env"):
            if EXTENSION not in backend.env.extensions and _shows_messages_in_jinja2(backend):
                yield _missing(backend.name, f'"extensions": ["{EXTENSION}"]')
        elif hasattr(backend, "engine"):
            engine: Any = backend.engine
            if _PROCESSOR in engine.context_processors and BUILTINS not in engine.builtins:
                yield _missing(backend.name, f'"builtins": ["{BUILTINS}"]')


def _shows_messages_in_jinja2(backend: Any) -> bool:
    processors = getattr(backend, "context_processors", ())
    return _PROCESSOR in processors or "get_messages" in backend.env.globals


def _missing(name: str, option: str) -> checks.Warning:
    return checks.Warning(
        f"Templates of the engine {name!r} that show messages are passed: messages are a "
        "visitor's own.",
        hint=f"Add {option} to its OPTIONS, and what shows messages is rendered per visitor.",
        id="twopass.W009",
    )
