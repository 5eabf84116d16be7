"""Clocks, mirrors and prints."""

from .canvas import BRASS, IRON, WOOD, Canvas


def clock(c: Canvas) -> None:
    """A wall clock at ten past ten."""
    faces = (
        "M200 78a112 112 0 1 0 .1 0z",
        "M116 78h168q28 0 28 28v168q0 28-28 28H116q-28 0-28-28V106q0-28 28-28z",
        "M200 70L304 130v120L200 310 96 250V130z",
        "M84 300V192a116 116 0 0 1 232 0v108z",
    )
    c.body(faces[c.silhouette], 84, 300)
    c.ellipse(200, 190, 82, 82, "#fbf8f2")
    for x, y in ((200, 122), (268, 190), (200, 258), (132, 190)):
        c.ellipse(x, y, 5, 5, IRON)
    for x, y in (
        (234, 131),
        (259, 156),
        (259, 224),
        (234, 249),
        (166, 249),
        (141, 224),
        (141, 156),
        (166, 131),
    ):
        c.ellipse(x, y, 2.5, 2.5, "#8b857c")
    c.line("M200 190l-38-24", IRON, 7)
    c.line("M200 190l44-42", IRON, 5)
    c.line("M200 190v50", BRASS, 2.5)
    c.ellipse(200, 190, 7, 7, BRASS)


def mirror(c: Canvas) -> None:
    """A mirror in a coloured frame."""
    frames = (
        ("M104 320V172a96 96 0 0 1 192 0v148z", "M122 302V172a78 78 0 0 1 156 0v130z"),
        ("M200 66a124 124 0 1 0 .1 0z", "M200 86a104 104 0 1 0 .1 0z"),
        (
            "M118 60h164q16 0 16 16v232q0 16-16 16H118q-16 0-16-16V76q0-16 16-16z",
            "M122 80h156v224H122z",
        ),
        (
            "M200 56c74 0 104 60 104 134s-30 134-104 134S96 264 96 190S126 56 200 56z",
            "M200 76c60 0 84 54 84 114s-24 114-84 114s-84-54-84-114s24-114 84-114z",
        ),
    )
    outer, inner = frames[c.silhouette]
    c.body(outer, 60, 322)
    c.path(inner, "#dfe9ea")
    c.elements.append(f'<clipPath id="glass"><path d="{inner}"/></clipPath>')
    c.elements.append(
        '<g clip-path="url(#glass)" fill="#fff"><path opacity=".5" d="M70 290L270 60h50L110 330z"/>'
        '<path opacity=".4" d="M150 330L320 130v40L190 330z"/></g>'
    )


def print_(c: Canvas) -> None:
    """A framed print: hills, an arch, leaves or a still life."""
    c.path("M96 52h208v284H96z", WOOD)
    c.path("M106 62h188v264H106z", "#fdfaf4")
    c.body("M124 80h152v228H124z", 80, 308, c.colour.backdrop)
    c.elements.append(
        '<clipPath id="sheet"><path d="M124 80h152v228H124z"/></clipPath>'
        '<g clip-path="url(#sheet)">'
    )
    (_hills, _arches, _stems, _still_life)[c.silhouette](c)
    c.elements.append("</g>")


def _hills(c: Canvas) -> None:
    c.ellipse(226, 150, 32, 32, "#d39a3a")
    c.path("M110 230q50-60 100-10t90-20v120H110z", c.colour.light)
    c.path("M110 260q60-40 110 0t80-10v70H110z", c.colour.base)
    c.path("M110 290q70-30 190 0v30H110z", c.colour.dark)


def _arches(c: Canvas) -> None:
    for radius, stroke in ((66, c.colour.dark), (48, c.colour.base), (30, c.colour.light)):
        c.line(f"M{200 - radius} 310V216a{radius} {radius} 0 0 1 {radius * 2} 0v94", stroke, 13)
    c.ellipse(200, 118, 18, 18, c.colour.base)


def _stems(c: Canvas) -> None:
    c.line("M200 312Q192 200 208 106", c.colour.dark, 5)
    for step, y in enumerate(range(280, 116, -28)):
        side = 1 if step % 2 else -1
        c.path(
            f"M202 {y}q{side * 26}-38 {side * 58}-34q{-side * 8} 36 {-side * 58} 34z",
            c.colour.base if step % 3 else c.colour.deep,
        )


def _still_life(c: Canvas) -> None:
    c.path("M110 262h180v60H110z", c.colour.light)
    c.path("M166 262q-26-50 8-82v-34h28v34q34 32 8 82z", c.colour.base)
    c.ellipse(232, 246, 20, 18, "#d39a3a")
    c.ellipse(256, 250, 14, 13, "#c46a45")
