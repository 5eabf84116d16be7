"""Lamps and candle holders."""

from .canvas import BRASS, IRON, WOOD, Canvas

GLOW = "#ffe9b0"


def pendant_lamp(c: Canvas) -> None:
    """A shade on a cord."""
    c.line("M200 0V118", IRON, 3)
    c.path("M192 108h16v20h-16z", BRASS)
    shades = (
        "M92 246a108 120 0 0 1 216 0z",
        "M104 248l52-122h88l52 122z",
        "M86 214q114-120 228 0l-18 34H104z",
        "M112 248q-8-118 88-122q96 4 88 122z",
    )
    c.ellipse(200, 250, 96, 20, GLOW)
    c.path("M118 254L70 372h260L282 254z", GLOW, 'opacity=".28"')
    c.body(shades[c.silhouette], 124, 250)
    c.ellipse(200, 248, 30, 17, "#fff8e2")


def table_lamp(c: Canvas) -> None:
    """A shade on a turned foot."""
    c.shadow(84)
    feet = (
        "M168 330q-34-54 12-116h40q46 62 12 116z",
        "M152 330a48 52 0 0 1 96 0z M190 214h20v82h-20z",
        "M164 330v-78q0-38 26-38h20q26 0 26 38v78z",
        "M158 330q42-60 32-116h20q-10 56 32 116z",
    )
    c.body(feet[c.silhouette], 214, 330)
    c.path("M193 190h14v28h-14z", BRASS)
    c.path("M112 198l38-112h100l38 112q-88 20-176 0z", "#f7ecd4")
    c.path("M112 198l38-112h34l-22 120z", GLOW, 'opacity=".6"')
    c.line("M113 198q87 20 174 0", c.colour.deep, 3)


def floor_lamp(c: Canvas) -> None:
    """A tall stem with a shade."""
    c.shadow(66)
    stems = (
        "M200 128V326",
        "M200 128V326",
        "M252 326Q262 96 176 92",
        "M200 130L158 330M200 130L242 330M200 130V322",
    )
    c.line(stems[c.silhouette], WOOD if c.silhouette == 3 else IRON, 6)
    if c.silhouette < 2:
        c.ellipse(200, 326, 52, 9, IRON)
    elif c.silhouette == 2:
        c.ellipse(252, 326, 48, 9, IRON)
    c.path("M132 132L86 300h228L268 132z", GLOW, 'opacity=".22"')
    shades = (
        "M128 134l32-86h80l32 86z",
        "M132 134a68 80 0 0 1 136 0z",
        "M112 140a66 66 0 0 1 132 0z",
        "M136 134V58h128v76z",
    )
    c.body(shades[c.silhouette], 50, 136)


def candle_holder(c: Canvas) -> None:
    """One to three candles on a foot."""
    c.shadow(96)
    for x in ((200,), (168, 232), (144, 200, 256), (200,))[c.silhouette]:
        height = 120 + (x * 7 % 40)
        c.path(f"M{x - 11} 236V{height + 26}h22V236z", "#ecd9b4")
        c.path(f"M{x - 11} 236V{height + 26}h8V236z", "#f8ecd2")
        c.line(f"M{x} {height + 26}v-12", IRON, 2)
        c.path(f"M{x} {height - 22}q14 22 0 36q-14-14 0-36z", "#f2b544")
        c.path(f"M{x} {height - 8}q7 12 0 20q-7-8 0-20z", "#fff1c4")
    bodies = (
        "M178 232h44l-8 24q-2 40 44 62v12H142v-12q46-22 44-62z",
        "M130 232h140q0 50-54 58v22h40v18H144v-18h40v-22q-54-8-54-58z",
        "M112 232h176v30h-64l20 68h-88l20-68h-64z",
        "M146 330q-14-60 30-98h48q44 38 30 98z",
    )
    c.body(bodies[c.silhouette], 232, 330)
