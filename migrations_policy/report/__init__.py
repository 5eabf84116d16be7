"""Reports: a result in, text out, in the format asked for. Pure."""

from collections.abc import Callable

from ..linter import Result
from . import github, gitlab, json, junit, sarif, text

FORMATS: dict[str, Callable[[Result], str]] = {
    "text": text.render,
    "json": json.render,
    "sarif": sarif.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "junit": junit.render,
}

__all__ = ["FORMATS"]
