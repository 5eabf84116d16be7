"""Lints the project in the current folder once, in a process of its own; prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Set Django up, lint, print how long the lint took and what it found."""
    sys.path.insert(0, str(Path.cwd()))
    os.environ["DJANGO_SETTINGS_MODULE"] = "history_settings"
    import django

    django.setup()
    from migrations_policy.project import lint_project

    started, used = time.perf_counter(), time.process_time()
    result = lint_project()
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu seconds": time.process_time() - used,
        "migrations": result.migrations,
        "violations": len(result.violations),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
