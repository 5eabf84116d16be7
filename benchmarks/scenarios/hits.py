"""Whether a cache really hits: a run whose hit ratio is not what it claims is refused."""

from __future__ import annotations

import time
from urllib.request import urlopen


def require_hits(
    url: str, header: str = "Cache-Status", word: str = "hit", tries: int = 20
) -> None:
    """Raises RuntimeError unless responses say `word` in `header` once the cache is warm."""
    seen = ""
    for _ in range(tries):
        with urlopen(url, timeout=10) as response:
            seen = response.headers.get(header, "")
            response.read()
        if word in seen:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{url} is not served from the cache: {header} says {seen!r}")
