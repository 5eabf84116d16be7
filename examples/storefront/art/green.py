"""Vases, planters, watering cans, and the plants themselves."""

import math

from .canvas import LEAF, LEAF_DARK, SOIL, Canvas

POTS = (
    "M130 232h140l-16 84q-3 14-18 14h-72q-15 0-18-14z",
    "M124 232h152q4 98-48 98h-56q-52 0-48-98z",
    "M136 232h128v98H136z",
    "M120 232h160v26h-10l-14 72H144l-14-72h-10z",
)


def vase(c: Canvas) -> None:
    """A vase with dried stems."""
    c.shadow(76)
    for lean, height in ((-62, 66), (-20, 40), (26, 54), (66, 84)):
        c.line(f"M200 168Q{200 + lean // 3} 120 {200 + lean} {height}", "#a88f66", 3)
        for step in range(5):
            y, x = height + step * 13, 200 + lean - lean * step * 0.1
            c.ellipse(x, y, 5.5, 9, "#c9a66b" if lean % 4 else "#b58a55")
    bodies = (
        "M176 160h48v34q58 46 46 96q-10 40-46 40h-48q-36 0-46-40q-12-50 46-96z",
        "M164 160h72q-16 60 12 96q30 74-30 74h-36q-60 0-30-74q28-36 12-96z",
        "M182 160h36v62q54 6 54 58t-50 50h-44q-50 2-50-50t54-58z",
        "M152 160h96l14 150q0 20-22 20h-80q-22 0-22-20z",
    )
    c.body(bodies[c.silhouette], 166, 330)
    c.ellipse(200, 160, (24, 36, 18, 48)[c.silhouette], 7, c.colour.dark)


def planter(c: Canvas) -> None:
    """A pot with a young plant."""
    c.shadow(86)
    for angle in range(-70, 71, 28):
        _leaf(c, 200, 226, angle, 82 - abs(angle) * 0.25, 13)
    _pot(c)


def watering_can(c: Canvas) -> None:
    """A can with a long spout."""
    c.shadow(100)
    c.line("M244 296Q310 262 338 148", c.colour.deep, 14)
    c.path("M316 140l40 18-8 14-42-20z", c.colour.dark)
    if c.silhouette % 2:
        c.line("M142 214Q60 190 84 270Q92 308 136 306", c.colour.dark, 11)
    else:
        c.line("M146 202Q150 104 226 132Q262 150 246 206", c.colour.dark, 11)
    bodies = (
        "M124 200h136l10 130H114z",
        "M128 330V236q0-40 66-40t66 40v94z",
        "M112 270q0-66 80-66t80 66v60H112z",
        "M136 200h112q36 66 22 130H114q-14-64 22-130z",
    )
    c.body(bodies[c.silhouette], 200, 330)


def foliage(c: Canvas) -> None:
    """A tall plant with broad or feathered leaves."""
    c.shadow(80)
    (_rubber_plant, _fern, _palm, _monstera)[c.silhouette](c)
    _pot(c)


def cactus(c: Canvas) -> None:
    """A cactus or succulent."""
    c.shadow(80)
    (_column, _barrel, _rosette, _prickly_pear)[c.silhouette](c)
    _pot(c)


def _pot(c: Canvas) -> None:
    rx = (70, 76, 64, 80)[c.silhouette]
    c.ellipse(200, 232, rx, 12, SOIL)
    c.body(POTS[c.silhouette], 240, 330)


def _leaf(c: Canvas, x: float, y: float, angle: float, length: float, width: float) -> None:
    """A pointed leaf growing from (x, y), ``angle`` degrees from upright."""
    low, high = round(-length * 0.35), round(-length * 0.75)
    d = f"M0 0C{-width} {low} {-width} {high} 0 {-length}C{width} {high} {width} {low} 0 0z"
    fill = LEAF if round(angle) % 4 else LEAF_DARK
    vein = (
        f'<path d="M0 0V{-length * 0.85:.0f}" stroke="#e6ecd8" stroke-opacity=".5" '
        'stroke-width="1.6"/>'
    )
    c.elements.append(
        f'<g transform="translate({x:.0f} {y:.0f}) rotate({angle:.0f})">'
        f'<path d="{d}" fill="{fill}"/>{vein if width > 10 else ""}</g>'
    )


def _rubber_plant(c: Canvas) -> None:
    c.line("M200 230V82", "#7b5b3f", 6)
    for step, y in enumerate(range(214, 84, -22)):
        _leaf(c, 200, y, 56 if step % 2 else -56, 88, 25)
    _leaf(c, 200, 96, 5, 66, 18)


def _fern(c: Canvas) -> None:
    for angle in range(-84, 85, 21):
        tip_x = 200 + 128 * math.sin(math.radians(angle))
        tip_y = 222 - 150 * math.cos(math.radians(angle * 0.72))
        c.line(
            f"M200 228Q{(200 + tip_x) / 2:.0f} {tip_y - 26:.0f} {tip_x:.0f} {tip_y:.0f}",
            LEAF_DARK,
            4,
        )
        for step in range(2, 9):
            x = 200 + (tip_x - 200) * step / 8
            y = 228 + (tip_y - 228) * step / 8 - 34 * (step / 8) * (1 - step / 8) * 4 * 0.5
            _leaf(c, x, y, angle - 52, 30 - step, 6)
            _leaf(c, x, y, angle + 53, 30 - step, 6)


def _palm(c: Canvas) -> None:
    for angle in (-58, -34, -12, 14, 37, 61):
        x = 200 + 96 * math.sin(math.radians(angle))
        y = 196 - 100 * math.cos(math.radians(angle))
        c.line(f"M200 230Q200 170 {x:.0f} {y:.0f}", LEAF_DARK, 4)
        for spread in range(-75, 76, 25):
            _leaf(c, x, y, angle + spread, 52, 8)


def _monstera(c: Canvas) -> None:
    for x, y, angle, size in (
        (132, 150, -38, 1.0),
        (262, 140, 34, 1.06),
        (196, 100, -4, 1.12),
        (168, 204, -62, 0.7),
    ):
        c.line(f"M200 232Q200 190 {x} {y}", LEAF_DARK, 5)
        c.elements.append(
            f'<g transform="translate({x} {y}) rotate({angle}) scale({size})">'
            '<path d="M0 34C-66 20-54-52 0-62C54-52 66 20 0 34z" '
            f'fill="{LEAF if size > 1 else LEAF_DARK}"/>'
            f'<g stroke="{c.colour.backdrop}" stroke-width="7" stroke-linecap="round">'
            '<path d="M-52-14l30 8M-44 12l26-4M52-14l-30 8M44 12l-26-4M-34-42l20 18M34-42l-20 18"/>'
            '</g><path d="M0 30V-50" stroke="#e6ecd8" stroke-opacity=".6" stroke-width="2"/></g>'
        )


def _column(c: Canvas) -> None:
    c.line("M158 176v-40M242 196v-52", LEAF_DARK, 30)
    c.line("M158 172q0 30 40 28M242 192q0 22-40 22", LEAF_DARK, 26)
    c.line("M200 228V104", LEAF, 54)
    c.line("M186 226V108M200 226V100M214 226V108", "#dfe8cf", 2, 'opacity=".6"')
    c.ellipse(200, 78, 10, 8, "#e08a8a")


def _barrel(c: Canvas) -> None:
    c.ellipse(200, 186, 66, 56, LEAF)
    for rx in (54, 34, 12):
        c.ellipse(
            200, 186, rx, 56, "none", 'stroke="#dfe8cf" stroke-opacity=".7" stroke-width="2.4"'
        )
    for x in (180, 200, 220):
        c.ellipse(x, 130, 10, 8, "#eeb04f")


def _rosette(c: Canvas) -> None:
    for ring, length in ((7, 104), (5, 78), (3, 52)):
        for index in range(ring):
            _leaf(c, 200, 230, -78 + 156 * index / (ring - 1) + 1, length, 17)


def _prickly_pear(c: Canvas) -> None:
    pads = (
        (200, 188, 40, 48, 0),
        (158, 132, 30, 38, -24),
        (238, 126, 32, 40, 20),
        (204, 92, 24, 30, 4),
    )
    for number, (x, y, rx, ry, angle) in enumerate(pads):
        c.ellipse(
            x, y, rx, ry, LEAF_DARK if number % 2 else LEAF, f'transform="rotate({angle} {x} {y})"'
        )
        dots = "".join(f"M{x + dx} {y + dy}v.1" for dx in (-14, 0, 14) for dy in (-18, 0, 18))
        c.line(dots, "#eef2e2", 4)
