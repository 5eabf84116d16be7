"""Cushions, throws, rugs and towels."""

from .canvas import WOOD, WOOD_DARK, Canvas


def cushion(c: Canvas) -> None:
    """A plump cushion."""
    c.shadow(112)
    if c.silhouette == 3:
        c.body("M200 118a106 106 0 1 0 .1 0z", 118, 330)
        c.ellipse(200, 224, 12, 12, c.colour.dark)
        c.line(
            "M200 212V124M200 236v88M188 224h-88M212 224h88M208 216l60-60M192 232l-60 60",
            c.colour.deep,
            2.5,
        )
        return
    corners = (
        "M88 132q112 26 224 0q-24 98 0 196q-112-22-224 0q24-98 0-196z",
        "M64 176q136 22 272 0q-18 76 0 152q-136-18-272 0q18-76 0-152z",
        "M96 140q104-16 208 0q14 94 0 188q-104 10-208 0q-14-94 0-188z",
    )
    c.body(corners[c.silhouette], 136, 328)
    if c.silhouette == 0:
        for x, y in ((88, 132), (312, 132), (88, 328), (312, 328)):
            c.ellipse(x, y, 9, 9, c.colour.dark)
    if c.silhouette == 2:
        c.line(
            "M106 150q94-14 188 0q12 84 0 168q-94 8-188 0q-12-84 0-168z",
            c.colour.light,
            2.5,
            'stroke-dasharray="7 7"',
        )


def throw(c: Canvas) -> None:
    """A folded blanket with fringes."""
    c.shadow(124)
    layers = ((290, 40), (252, 40), (214, 40), (178, 38))[: 4 - c.silhouette % 2]
    for number, (y, height) in enumerate(layers):
        inset = number * 4
        left, half = 92 + inset, height / 2
        d = f"M{left} {y}h{212 - inset * 2}q22 {half} 0 {height}H{left}q-14-{half} 0-{height}z"
        c.body(d, y - 10, y + height + 6)
        c.line(f"M{96 + inset} {y + height}h{206 - inset * 2}", c.colour.dark, 1.6, 'opacity=".4"')
        for fringe in range(5):
            c.line(f"M{82 + inset} {y + 6 + fringe * 7}h-20", c.colour.light, 3.4)


def rug(c: Canvas) -> None:
    """A rug lying in the room, half unrolled."""
    c.shadow(150, 322)
    if c.silhouette == 3:
        c.body("M200 206c92 0 158 26 158 58s-66 58-158 58s-158-26-158-58s66-58 158-58z", 208, 322)
        c.ellipse(200, 264, 104, 36, "none", f'stroke="{c.colour.light}" stroke-width="6"')
        c.ellipse(200, 264, 52, 17, c.colour.light)
        return
    c.body("M96 190h208l66 134H30z", 190, 324)
    c.line("M110 202h180l52 110H58z", c.colour.light, 5)
    if c.silhouette == 0:
        c.path("M200 214l70 42-70 46-70-46z", c.colour.light)
        c.path("M200 230l44 26-44 29-44-29z", c.colour.dark)
    elif c.silhouette == 1:
        c.line("M138 226h124M118 252h164M98 280h204", c.colour.light, 9)
    else:
        c.line("M150 214q-20 46-34 90M200 214v90M250 214q20 46 34 90", c.colour.light, 7)
    for x in range(36, 370, 16):
        c.line(f"M{x} 326l-3 12", c.colour.dark, 2.4)


def towel(c: Canvas) -> None:
    """A towel on a rail."""
    c.line("M64 112h272", WOOD, 13)
    c.ellipse(64, 112, 10, 10, WOOD_DARK)
    c.ellipse(336, 112, 10, 10, WOOD_DARK)
    if c.silhouette % 2:
        c.body("M212 104h82v176h-82z", 104, 280, c.colour.light)
    width = (148, 128, 168, 140)[c.silhouette]
    left = (126, 92, 116, 96)[c.silhouette]
    c.body(f"M{left} 106q{width / 2}-14 {width} 0v204q-{width / 2} 12-{width} 0z", 110, 310)
    c.line(f"M{left} 268h{width}M{left} 282h{width}", c.colour.light, 5)
    for x in range(left + 6, left + width, 11):
        c.line(f"M{x} 314v14", c.colour.deep, 3)
