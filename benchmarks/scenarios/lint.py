"""`lint`: see benchmarks/migrations/lint.py."""

from ..migrations.lint import scenario

SCENARIO = scenario()
