"""What the pages are made of: text of a known size, and parts that are a visitor's own."""

from __future__ import annotations

from typing import Final

SIZE: Final = 10_000
"""Bytes of a page: a category page of a shop, without its images."""

OWN_SIZE: Final = 200
"""Bytes of a part that is a visitor's own: a greeting, a basket."""

_WORDS: Final = (
    "brass", "walnut", "copper", "lamp", "shade", "harbour", "linen", "teapot", "enamel",
    "kiln", "spoon", "basket", "cobalt", "cord", "stool", "glazed", "oak", "rope",
    "handle", "wick", "saucer", "pewter", "bench", "tray", "amber", "felt", "loom",
    "quilt",
)  # fmt: skip


def prose(size: int, seed: int = 0) -> str:
    """Text of `size` characters that compresses as text does: words in an order of its own."""
    found: list[str] = []
    length, state = 0, seed + 1
    while length < size:
        state = (state * 1103515245 + 12345) % 2**31
        word = _WORDS[state // 65536 % len(_WORDS)]
        found.append(word)
        length += len(word) + 1
    return " ".join(found)[:size]


def own(visitor: str, number: int) -> str:
    """A part that only this visitor may see."""
    text = f"<p>Part {number} is for {visitor or 'nobody'} only: "
    return text + prose(OWN_SIZE - len(text) - 4, number) + "</p>"
