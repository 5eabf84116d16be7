"""What stands on a table: mugs, bowls, plates, teapots and jugs."""

from .canvas import Canvas


def mug(c: Canvas) -> None:
    """A mug with an ear."""
    c.shadow(96)
    c.line("M262 196q62-8 56 42q-4 44-66 46", c.colour.deep, 18)
    bodies = (
        "M122 160h156l-8 150q-2 20-24 20h-92q-22 0-24-20z",
        "M118 160h164q8 170-56 170h-52q-64 0-56-170z",
        "M132 160h136l14 142q2 28-28 28H146q-30 0-28-28z",
        "M128 160h144v96q0 74-72 74t-72-74z",
    )
    c.body(bodies[c.silhouette], 160, 330)
    left, right = ((122, 278), (118, 282), (132, 268), (128, 272))[c.silhouette]
    c.ellipse(200, 160, (right - left) / 2, 15, c.colour.light)
    c.ellipse(200, 163, (right - left) / 2 - 9, 10, "#5a3d2a")


def bowl(c: Canvas) -> None:
    """A bowl, seen a little from above."""
    c.shadow(96)
    bodies = (
        "M70 196h260q-10 118-96 126v8h-68v-8q-86-8-96-126z",
        "M84 196h232q20 134-76 134h-80q-96 0-76-134z",
        "M62 196h276l-84 126v8H146v-8z",
        "M74 196h252q6 68-50 104l10 30H114l10-30q-56-36-50-104z",
    )
    c.body(bodies[c.silhouette], 200, 330)
    rx = (130, 116, 138, 126)[c.silhouette]
    c.ellipse(200, 196, rx, 30, c.colour.light)
    c.ellipse(200, 200, rx - 12, 23, c.colour.deep)


def plate(c: Canvas) -> None:
    """A plate on its edge, leaning."""
    c.shadow(110)
    ring = "M200 92a118 118 0 1 0 .1 0z"
    c.body(ring, 92, 328)
    c.ellipse(200, 210, 84, 84, c.colour.light, 'opacity=".35"')
    inner = (78, 62, 84, 52)[c.silhouette]
    c.ellipse(
        200, 210, inner, inner, "none", f'stroke="{c.colour.dark}" stroke-width="3" opacity=".5"'
    )
    if c.silhouette % 2:
        c.line(
            "M172 252q22-70 58-88M186 220l-18-16M200 196l-14-20M190 226l26-4M206 200l24-2",
            c.colour.dark,
            4,
        )
    else:
        c.line("M158 210q42-46 84 0q-42 46-84 0z", c.colour.dark, 4)


def teapot(c: Canvas) -> None:
    """A teapot with spout, lid and handle."""
    c.shadow(104)
    c.path("M268 226q40-6 62-62l22 10q-20 98-84 104z", c.colour.deep)
    if c.silhouette % 2:
        c.line("M132 196Q200 40 268 196", "#9a6d43", 12)
    else:
        c.line("M128 208q-70-4-62 50q8 40 66 36", c.colour.deep, 16)
    bodies = (
        "M118 248q0-66 82-66t82 66q0 82-58 82h-48q-58 0-58-82z",
        "M126 330V214q0-24 30-24h88q30 0 30 24v116z",
        "M108 268q10-84 92-84t92 84q-8 62-58 62h-68q-50 0-58-62z",
        "M116 330l26-132q4-12 20-12h76q16 0 20 12l26 132z",
    )
    c.body(bodies[c.silhouette], 186, 330)
    c.path("M150 188q50-34 100 0z", c.colour.light)
    c.ellipse(200, 164, 13, 11, c.colour.dark)


def jug(c: Canvas) -> None:
    """A tall jug with a lip."""
    c.shadow(82)
    c.line("M252 150q72 10 62 74q-10 52-66 66", c.colour.deep, 16)
    bodies = (
        "M140 104l26 12h94q-14 60 8 110q24 104-36 104h-64q-60 0-36-104q22-50 8-122z",
        "M130 108l32 8h92v160q0 54-54 54t-54-54V128z",
        "M144 100l22 12h84v40q44 60 32 178H118q-12-118 32-178v-32z",
        "M132 106l30 10h96l16 190q0 24-26 24h-96q-26 0-26-24l14-180z",
    )
    c.body(bodies[c.silhouette], 112, 330)
