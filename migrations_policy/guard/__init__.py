"""Guarded migrate: limits, retries, phases, throttle by replica lag, repair and hooks."""

from .run import Guard, GuardRefused, Options

__all__ = ["Guard", "GuardRefused", "Options"]
