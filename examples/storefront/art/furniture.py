"""Chairs, stools, side tables and shelves."""

from .canvas import IRON, WOOD, WOOD_DARK, Canvas


def chair(c: Canvas) -> None:
    """A chair with a coloured shell."""
    c.shadow(92)
    c.line("M150 236L126 328M250 236l24 92", WOOD_DARK, 10)
    c.line("M160 236l-8 84M240 236l8 84", WOOD, 10)
    if c.silhouette == 1:
        c.line("M132 244V104M268 244V104", WOOD, 10)
        c.line("M132 116q68-22 136 0", WOOD, 12)
        c.line("M156 114v124M178 110v128M200 108v130M222 110v128M244 114v124", WOOD, 5)
        c.body("M118 224h164q10 26-12 28H130q-22-2-12-28z", 220, 254)
        return
    backs = (
        "M128 226q-26-138 72-138t72 138z",
        "",
        "M118 226V112q0-24 24-24h116q24 0 24 24v114z",
        "M140 226l-16-106q76-52 152 0l-16 106z",
    )
    c.body(backs[c.silhouette], 90, 226)
    c.body("M112 220h176q16 28-16 32H128q-32-4-16-32z", 212, 256, c.colour.deep)


def stool(c: Canvas) -> None:
    """A stool with three or four legs."""
    c.shadow(86)
    c.line("M152 206l-30 122M248 206l30 122", WOOD, 12)
    c.line("M188 206l-8 116M212 206l8 116", WOOD_DARK, 10)
    c.line("M136 276h128", WOOD, 7)
    seats = (
        "M116 190q84-34 168 0v18q-84 22-168 0z",
        "M110 178h180q14 34-14 36H124q-28-2-14-36z",
        "M124 170q76-20 152 0l8 40q-84 20-168 0z",
        "M120 192q80 22 160 0l4-16q12 46-20 46H136q-32 0-20-46z",
    )
    c.body(seats[c.silhouette], 172, 218)


def side_table(c: Canvas) -> None:
    """A small table, with a cup or a book on it."""
    c.shadow(92)
    if c.silhouette == 0:
        c.line("M200 190v134", IRON, 10)
        c.ellipse(200, 326, 60, 9, IRON)
    elif c.silhouette == 1:
        c.line("M128 190l-14 138M272 190l14 138M200 192v128", WOOD, 10)
    elif c.silhouette == 2:
        c.body("M140 190h120v138H140z", 190, 330, c.colour.deep)
    else:
        c.line("M124 190v136h152V190", IRON, 7)
    c.body("M92 176h216q10 20-10 20H102q-20 0-10-20z", 172, 200)
    c.path("M150 160h70v14h-70z", "#c46a45")
    c.path("M156 148h66v12h-66z", "#2f4358")
    c.path("M246 142h34v22q0 12-12 12h-10q-12 0-12-12z", "#efe8dc")


def shelf(c: Canvas) -> None:
    """Boards on the wall or a standing rack."""
    if c.silhouette % 2:
        c.shadow(112)
        c.line("M104 76v252M296 76v252", IRON, 8)
    for number, y in enumerate((136, 222, 308)):
        c.body(f"M92 {y}h216v16H92z", y - 8, y + 20)
        _things(c, number, y)
    if not c.silhouette % 2:
        for y in (136, 222, 308):
            c.path(f"M120 {y + 16}h10v20zM280 {y + 16}h-10v20z", WOOD_DARK)


def _things(c: Canvas, row: int, y: float) -> None:
    """What stands on one board."""
    if (row + c.silhouette) % 3 == 0:
        for x, height, fill in (
            (122, 46, "#2f4358"),
            (138, 54, "#c46a45"),
            (154, 42, "#d9c6a5"),
            (170, 50, "#5f7048"),
        ):
            c.path(f"M{x} {y - height}h13v{height}h-13z", fill)
        c.path(f"M240 {y}q-16-30 10-44h12q26 14 10 44z", "#d39a3a")
    elif (row + c.silhouette) % 3 == 1:
        c.path(f"M136 {y - 30}h44l-6 30h-32z", "#efe8dc")
        c.line(f"M158 {y - 30}q-4-20-22-26M158 {y - 30}v-32M158 {y - 30}q4-20 22-24", "#5f7048", 5)
        c.path(f"M226 {y - 12}h52v12h-52z", "#6e3f52")
        c.path(f"M230 {y - 24}h44v12h-44z", "#9dab8c")
    else:
        c.ellipse(158, y - 20, 22, 20, "#4f8585")
        c.path(f"M228 {y - 46}h46v46h-46z", "#b98a5c")
        c.path(f"M234 {y - 40}h34v34h-34z", "#f3e6cc")
