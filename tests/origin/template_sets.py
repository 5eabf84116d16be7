"""Templates out of dictionaries, rendered in a pass, and their markers filled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory, override_settings

from fragments.include import Include, split_markers
from origin import passes, rendering
from origin.conf import get_settings

PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def django_engine(
    templates: Mapping[str, str], name: str = "django", builtins: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A setting for Django templates from a dictionary."""
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": name,
        "OPTIONS": {
            "loaders": [("django.template.loaders.locmem.Loader", dict(templates))],
            "context_processors": PROCESSORS,
            "builtins": ["origin.templatetags.twopass", *builtins],
            "debug": True,
        },
    }


@contextlib.contextmanager
def engines_of(*settings: Mapping[str, Any]) -> Iterator[None]:
    """Have these template engines."""
    with override_settings(TEMPLATES=list(settings)):
        yield


def page(request: HttpRequest, template: str, using: str | None = None, **context: object) -> str:
    """`template` as the middleware gets it: with markers."""
    state = passes.TwoPass(passes.Pass.FIRST)
    with passes.entered(state):
        return plain(request, template, using, **context)


def plain(request: HttpRequest, template: str, using: str | None = None, **context: object) -> str:
    """`template` outside any pass."""
    engine = engines[using] if using else engines.all()[0]
    return str(engine.get_template(template).render(dict(context), request))


def includes(text: str) -> list[Include]:
    """The genuine markers of `text`, in order, without the page's language."""
    parts = split_markers(text.encode(), get_settings().keyring)
    return [_without_language(part[1]) for part in parts if not isinstance(part, bytes)]


def _without_language(include: Include) -> Include:
    args = tuple(item for item in include.args if item[0] != passes.LANGUAGE_ARGUMENT)
    return replace(include, args=args)


def fill(request: HttpRequest, text: str, depth: int = 4) -> str:
    """`text` with every marker rendered by reference for `request`, and theirs in turn."""
    parts = split_markers(text.encode(), get_settings().keyring)
    filled: list[str] = []
    for part in parts:
        if isinstance(part, bytes):
            filled.append(part.decode())
            continue
        with passes.entered(passes.TwoPass(passes.Pass.SECOND)):
            inner = rendering.render(_without_language(part[1]), request)
        filled.append(fill(request, inner, depth - 1) if depth else inner)
    return "".join(filled)


def visitor(path: str = "/", **cookies: str) -> HttpRequest:
    """A request as middleware would hand it on, without session or user."""
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    return request
