"""What every picture shares: backdrop, shadow, and bodies with a glaze and the light on them."""

from dataclasses import dataclass, field

from .palette import Colour

WOOD, WOOD_DARK = "#b98a5c", "#8f6540"
BRASS, IRON, LEAF, LEAF_DARK, SOIL = "#c9a35a", "#3d3b38", "#6d8b5a", "#4c6a45", "#5b4636"
PATTERNS = 5
SILHOUETTES = 4
STYLES = PATTERNS * SILHOUETTES


@dataclass
class Canvas:
    """Collects the elements of one picture, 400 by 400 units, the piece standing on y = 330."""

    colour: Colour
    style: int
    elements: list[str] = field(default_factory=list)
    bodies: int = 0

    @property
    def pattern(self) -> int:
        """Plain, dipped, speckled, striped or scalloped."""
        return self.style % PATTERNS

    @property
    def silhouette(self) -> int:
        """Which of a kind's forms."""
        return self.style // PATTERNS

    def path(self, d: str, fill: str, extra: str = "") -> None:
        """A filled outline."""
        self.elements.append(f'<path d="{d}" fill="{fill}" {extra}/>')

    def line(self, d: str, stroke: str, width: float, extra: str = "") -> None:
        """A stroke with round ends."""
        self.elements.append(
            f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width}" '
            f'stroke-linecap="round" stroke-linejoin="round" {extra}/>'
        )

    def ellipse(
        self, cx: float, cy: float, rx: float, ry: float, fill: str, extra: str = ""
    ) -> None:
        """A filled ellipse."""
        self.elements.append(
            f'<ellipse cx="{cx}" cy="{cy}" rx="{rx}" ry="{ry}" fill="{fill}" {extra}/>'
        )

    def shadow(self, rx: float, cy: float = 332, cx: float = 200) -> None:
        """Where the piece meets the ground."""
        self.ellipse(cx, cy, rx, max(6, rx / 11), "#2b2118", 'opacity=".16"')

    def body(self, d: str, top: float, bottom: float, fill: str = "") -> None:
        """An outline in the piece's colour, with its pattern between two heights, and shading."""
        self.bodies += 1
        clip = f"c{self.bodies}"
        self.elements.append(f'<clipPath id="{clip}"><path d="{d}"/></clipPath>')
        self.path(d, fill or self.colour.base)
        drawn = PATTERN_DRAWERS[self.pattern](self.colour, top, bottom)
        self.elements.append(
            f'<g clip-path="url(#{clip})">{drawn}'
            '<rect width="400" height="400" fill="url(#volume)"/></g>'
        )

    def svg(self) -> str:
        """The whole picture."""
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
            '<defs><linearGradient id="volume" gradientUnits="userSpaceOnUse" '
            'x1="90" x2="310"><stop offset="0" stop-color="#fff" stop-opacity=".2"/>'
            '<stop offset=".42" stop-color="#fff" stop-opacity="0"/>'
            '<stop offset="1" stop-color="#2b2118" stop-opacity=".24"/></linearGradient></defs>'
            f'<rect width="400" height="400" fill="{self.colour.ground}"/>'
            f"{_backdrop(self.colour, self.silhouette)}{''.join(self.elements)}</svg>"
        )


def _backdrop(colour: Colour, silhouette: int) -> str:
    """An arch, a disc, a window or a low sun."""
    shape = (
        '<path d="M82 340V182a118 118 0 0 1 236 0V340z"',
        '<circle cx="200" cy="192" r="142"',
        '<rect x="66" y="58" width="268" height="282" rx="22"',
        '<circle cx="268" cy="138" r="88"',
    )[silhouette % 4]
    floor = '<rect y="340" width="400" height="60" fill="#2b2118" opacity=".05"/>'
    return f'{shape} fill="{colour.backdrop}"/>{floor}'


def _plain(colour: Colour, top: float, bottom: float) -> str:
    return ""


def _dipped(colour: Colour, top: float, bottom: float) -> str:
    """The lower part in raw clay or undyed yarn, its edge not quite level."""
    edge = top + (bottom - top) * 0.62
    raw = colour.light if colour.code != "chalk" else "#c9b497"
    return f'<path d="M0 {edge:.0f}q100 -14 200 0t200 -4V400H0z" fill="{raw}"/>'


def _speckled(colour: Colour, top: float, bottom: float) -> str:
    """Iron specks, scattered by two irrational steps: even, but without a grid."""
    specks = []
    for index in range(70):
        x = 60 + (index * 0.754877 % 1) * 280
        y = top + (index * 0.569840 % 1) * (bottom - top)
        radius = 1.3 + index % 4 * 0.7
        specks.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.1f}"/>')
    return f'<g fill="{colour.dark}" opacity=".55">{"".join(specks)}</g>'


def _striped(colour: Colour, top: float, bottom: float) -> str:
    """Thin rings as a wheel leaves them."""
    step = (bottom - top) / 7
    rings = "".join(f"M0 {top + step * n:.1f}q200 16 400 0" for n in range(1, 7))
    return f'<path d="{rings}" fill="none" stroke="{colour.light}" stroke-width="5" opacity=".75"/>'


def _scalloped(colour: Colour, top: float, bottom: float) -> str:
    """Two rows of half rounds."""
    rows = []
    for number, height in enumerate((0.34, 0.62)):
        y = top + (bottom - top) * height
        rows.append(f"M{-16 - 16 * number} {y:.0f}" + "a16 16 0 0 0 32 0" * 15 + f"v-6H{-16}z")
    return f'<path d="{" ".join(rows)}" fill="{colour.deep}"/>'


PATTERN_DRAWERS = (_plain, _dipped, _speckled, _striped, _scalloped)
