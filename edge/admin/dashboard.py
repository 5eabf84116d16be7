"""The dashboard: one page without outside parts, which draws what `/status` says."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def render_dashboard() -> str:
    """The page; it asks for what it shows itself, and redraws every two seconds."""
    return files(__package__).joinpath("dashboard.html").read_text(encoding="utf-8")
