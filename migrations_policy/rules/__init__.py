"""All rules, found in this folder: one module each, named after its rule, holding `RULE`."""

from __future__ import annotations

import importlib
import pkgutil

from ..rule import Rule


def _load() -> tuple[Rule, ...]:
    modules = (
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    )
    return tuple(
        sorted((module.RULE for module in modules), key=lambda rule: (rule.row, rule.name))
    )


ALL: tuple[Rule, ...] = _load()
BY_NAME = {rule.name: rule for rule in ALL}
