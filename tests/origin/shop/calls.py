"""Counts what the shop's views and fragments did."""

from __future__ import annotations

from collections import Counter

CALLS: Counter[str] = Counter()
