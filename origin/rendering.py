"""From a signed include to the fragment that it names, whether registered or inline."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable

from asgiref.sync import async_to_sync
from django.http import HttpRequest

from fragments.include import Include

from . import registry
from .references import BlockNotFound, Reference, backend_of
from .registry import Fragment, Rendered, UnknownFragment


def find(include: Include) -> Fragment:
    """What `include` asks for: call its `render(request, **dict(include.args))`.

    Raises UnknownFragment for a name that this release does not have (a shell of the last release
    may still ask for it), and for kind `nonce`, which nobody renders.
    """
    if include.kind == "fragment":
        return registry.find(include.name)
    if include.kind == "block":
        try:
            return _find_block(Reference.parse(include.name))
        except BlockNotFound as error:
            raise UnknownFragment(str(error)) from error
    raise UnknownFragment(f"a {include.kind} is not rendered but made per response")


def render(include: Include, request: HttpRequest) -> str:
    """The fragment's HTML for this visitor, here and now: for code outside any pass.

    A response other than 200 is nothing. Raises UnknownFragment.
    """
    rendered = find(include).render(request, **dict(include.args))
    if inspect.isawaitable(rendered):
        rendered = async_to_sync(_await)(rendered)
    if isinstance(rendered, str):
        return rendered
    return rendered.content.decode(rendered.charset) if rendered.status_code == 200 else ""


async def _await(rendered: Awaitable[Rendered]) -> Rendered:
    return await rendered


def _find_block(reference: Reference) -> Fragment:
    backend = backend_of(reference)
    if hasattr(backend, "env"):
        # a project without Jinja2 need not have it installed
        from .jinja2_blocks import find_jinja2_block

        return find_jinja2_block(reference, backend)
    from .django_blocks import find_django_block

    return find_django_block(reference, backend)
