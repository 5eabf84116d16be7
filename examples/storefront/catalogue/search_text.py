"""Text as searches compare it: without case and without marks, so ``kuche`` finds ``Küche``."""

import unicodedata


def fold(text: str) -> str:
    """Casefold, and drop combining marks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
