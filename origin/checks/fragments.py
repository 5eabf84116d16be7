"""What views and fragments refer to."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from .. import registry
from ..conf import Settings
from ..manifest import marked_views


def check_names(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Fragments refer to dimensions and fragments that exist."""
    fragments = registry.all_fragments()
    names = {fragment.name for fragment in fragments}
    for fragment in fragments:
        options = fragment.options
        for dimension in options.dimensions:
            if dimension not in conf.dimensions:
                yield _no_dimension(f"Fragment {fragment.name!r}", dimension, conf)
        if options.alt is not None and options.alt not in names:
            yield checks.Error(
                f"Fragment {fragment.name!r} falls back to {options.alt!r}, which nobody "
                "registers.",
                hint="Register it with @fragment, or name another as alt.",
                id="twopass.E013",
            )


def check_views(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Views refer to dimensions that exist."""
    if not getattr(settings, "ROOT_URLCONF", ""):
        return
    for found in marked_views():
        for dimension in found.page.dimensions:
            if dimension not in conf.dimensions:
                yield _no_dimension(f"The two-pass view at {found.pattern!r}", dimension, conf)


def _no_dimension(owner: str, name: str, conf: Settings) -> checks.Error:
    known = ", ".join(sorted(conf.dimensions)) or "none"
    return checks.Error(
        f"{owner} differs by the dimension {name!r}, which is not in TWOPASS['DIMENSIONS'].",
        hint=f"Declare it there; known are: {known}.",
        id="twopass.E012",
    )
