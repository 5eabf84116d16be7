"""The shop's colours: what glazes, yarns and lacquers are called, and what is drawn with them."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Colour:
    """A colourway: its names, and the tint its picture stands on."""

    code: str
    name: Promise
    english: str
    german: str
    base: str
    ground: str

    @property
    def light(self) -> str:
        """The side towards the light."""
        return mix(self.base, "#ffffff", 0.35)

    @property
    def dark(self) -> str:
        """The side away from it."""
        return mix(self.base, "#2b2118", 0.35)

    @property
    def deep(self) -> str:
        """A second tone for bands and rims."""
        return mix(self.base, "#2b2118", 0.18)

    @property
    def backdrop(self) -> str:
        """The arch or disc behind the piece."""
        return mix(self.ground, "#ffffff", 0.42)


def mix(one: str, other: str, share: float) -> str:
    """The colour ``share`` (0 to 1) of the way from one hexadecimal colour to another."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


COLOURS = {
    colour.code: colour
    for colour in (
        Colour("chalk", _("chalk"), "chalk", "Kreide", "#efe8dc", "#d3bfa6"),
        Colour("oat", _("oat"), "oat", "Hafer", "#d9c6a5", "#f0e7d8"),
        Colour("ochre", _("ochre"), "ochre", "Ocker", "#d39a3a", "#f3e6cc"),
        Colour("terracotta", _("terracotta"), "terracotta", "Terrakotta", "#c46a45", "#f4dfd1"),
        Colour("rust", _("rust"), "rust", "Rost", "#99472c", "#efd9c8"),
        Colour("blush", _("blush"), "blush", "Rosé", "#dba79b", "#f6e8e2"),
        Colour("plum", _("plum"), "plum", "Pflaume", "#6e3f52", "#ecdde0"),
        Colour("sage", _("sage"), "sage", "Salbei", "#9dab8c", "#e8ebdf"),
        Colour("moss", _("moss"), "moss", "Moos", "#5f7048", "#e4e7d4"),
        Colour("lagoon", _("lagoon"), "lagoon", "Lagune", "#4f8585", "#dbe9e6"),
        Colour("ink", _("ink"), "ink", "Tinte", "#2f4358", "#dde3e8"),
        Colour("slate", _("slate"), "slate", "Schiefer", "#6f7478", "#e6e5e2"),
    )
}
