"""References to inline blocks: `template.html#name`, with `@engine` where it is not the first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.backends.base import BaseEngine

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")
"""What a template's author may call a block; automatic holes have a colon in their names."""


class BlockNotFound(LookupError):
    """The template of a reference is gone, or holds no block of that name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an inline block stands. `engine` is an alias of settings.TEMPLATES, None: the first.

    >>> str(Reference("shop/base.html", "greeting"))
    'shop/base.html#greeting'
    """

    template: str
    name: str
    engine: str | None = None

    def __str__(self) -> str:
        suffix = "" if self.engine is None else f"@{self.engine}"
        return f"{self.template}#{self.name}{suffix}"

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference that `str` wrote. Raises BlockNotFound for any other text."""
        template, mark, rest = text.rpartition("#")
        if not mark or not template:
            raise BlockNotFound(f"{text!r} is no reference to a block (template.html#name)")
        name, _, engine = rest.partition("@")
        return cls(template, name, engine or None)


def backend_of(reference: Reference) -> BaseEngine:
    """The template backend that a reference names. Raises BlockNotFound."""
    if reference.engine is None:
        return engines.all()[0]
    try:
        return engines[reference.engine]
    except (ImproperlyConfigured, KeyError) as error:
        raise BlockNotFound(f"{reference}: no template engine {reference.engine!r}") from error


def alias_of(engine: object) -> str | None:
    """The alias by which references name `engine` (Django's Engine or Jinja2's Environment)."""
    for position, backend in enumerate(engines.all()):
        if inner_engine(backend) is engine:
            return str(backend.name) if position else None
    return None


def inner_engine(backend: BaseEngine) -> object:
    """The engine that a backend wraps: `engine` of Django's, `env` of those for Jinja2."""
    return getattr(backend, "engine", None) or getattr(backend, "env", backend)
