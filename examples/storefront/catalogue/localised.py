"""Texts that staff keep in both languages of the shop."""

from django.utils.translation import get_language


class Localised:
    """For models with a field and its German twin, ``name`` and ``name_de``."""

    def localised(self, field: str) -> str:
        """The text in the active language; English where the German one is empty."""
        german = getattr(self, f"{field}_de") if (get_language() or "").startswith("de") else ""
        return str(german or getattr(self, field))
