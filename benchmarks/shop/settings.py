"""The storefront for caches that are not ours: ESI markup, and an address for scripts to ask."""

import os
from pathlib import Path

from examples.storefront.settings import *  # noqa: F403
from examples.storefront.settings import TEMPLATES, TWOPASS

TWOPASS = {
    **TWOPASS,
    "SURROGATE_SECRET": os.environ["BENCHMARK_SURROGATE_SECRET"],
    # visitors of benchmarks bring their token's cookie along, so none is lost
    "SURROGATE_CSRF": True,
}
TEMPLATES[0]["DIRS"] = [*TEMPLATES[0]["DIRS"], Path(__file__).parent / "templates"]  # type: ignore[misc]
ROOT_URLCONF = "benchmarks.shop.urls"
