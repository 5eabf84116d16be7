"""Where in a project's templates and code something happened: read off the call stack."""

from __future__ import annotations

import sys
from pathlib import PurePath
from types import FrameType
from typing import Final

_LIBRARIES: Final = ("django.", "jinja2.", "asgiref.", "origin.", "fragments.", "importlib")


def describe() -> str:
    """The template line and the code line nearest to the caller; empty when there is neither."""
    template = code = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not (template and code):
        template = template or _django_line(frame) or _jinja_line(frame)
        code = code or _code_line(frame)
        frame = frame.f_back
    return ", in ".join(place for place in (template, code) if place)


def _django_line(frame: FrameType) -> str:
    if frame.f_code.co_name != "render_annotated":
        return ""
    node = frame.f_locals.get("self")
    token, origin = getattr(node, "token", None), getattr(node, "origin", None)
    if token is None or origin is None:
        return ""
    name = getattr(origin, "template_name", None) or origin.name
    return f"template {name}, line {token.lineno} ({_excerpt(str(token.contents))})"


def _jinja_line(frame: FrameType) -> str:
    template = frame.f_globals.get("__jinja_template__")
    if template is None:
        return ""
    return f"template {template.name}, line {template.get_corresponding_lineno(frame.f_lineno)}"


def _code_line(frame: FrameType) -> str:
    module = str(frame.f_globals.get("__name__", ""))
    if not module or f"{module}.".startswith(_LIBRARIES) or "__jinja_template__" in frame.f_globals:
        return ""
    if "site-packages" in frame.f_code.co_filename:
        return ""
    file = PurePath(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}, line {frame.f_lineno} ({frame.f_code.co_qualname})"


def _excerpt(contents: str) -> str:
    text = " ".join(contents.split())
    return text if len(text) <= 60 else text[:57] + "..."
