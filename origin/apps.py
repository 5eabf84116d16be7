"""The Django app: label `twopass`, whatever the folder is called."""

from __future__ import annotations

import importlib

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TwoPassConfig(AppConfig):
    """Finds the project's `fragments` modules and connects what listens to it."""

    name = "origin"
    label = "twopass"
    verbose_name = "Two-pass pages"
    default = True

    def ready(self) -> None:
        """Import what registers itself: fragments, checks, signals, the apps' renderers."""
        for module in ("csrf", "checks", "invalidation"):
            importlib.import_module(f"{self.name}.{module}")
        autodiscover_modules("fragments")
        for module in ("model_signals", "cache_blocks"):
            importlib.import_module(f"{self.name}.{module}").connect()
        for module in ("invalidating", "transactions", "metrics"):
            importlib.import_module(f"{self.name}.datacache.{module}").connect()
