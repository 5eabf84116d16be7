"""Finds the drawer of a kind and draws: ``illustration("mug", "ochre", 7)``."""

from collections.abc import Callable
from functools import lru_cache

from . import furniture, green, lighting, tableware, textiles, wall
from .canvas import STYLES, Canvas
from .palette import COLOURS

DRAWERS: dict[str, Callable[[Canvas], None]] = {
    "pendant-lamp": lighting.pendant_lamp,
    "table-lamp": lighting.table_lamp,
    "floor-lamp": lighting.floor_lamp,
    "candle-holder": lighting.candle_holder,
    "mug": tableware.mug,
    "bowl": tableware.bowl,
    "plate": tableware.plate,
    "teapot": tableware.teapot,
    "jug": tableware.jug,
    "vase": green.vase,
    "planter": green.planter,
    "watering-can": green.watering_can,
    "foliage": green.foliage,
    "cactus": green.cactus,
    "cushion": textiles.cushion,
    "throw": textiles.throw,
    "rug": textiles.rug,
    "towel": textiles.towel,
    "chair": furniture.chair,
    "stool": furniture.stool,
    "side-table": furniture.side_table,
    "shelf": furniture.shelf,
    "clock": wall.clock,
    "mirror": wall.mirror,
    "print": wall.print_,
}


@lru_cache(maxsize=1024)
def illustration(kind: str, colour: str, style: int) -> str:
    """The picture as SVG text, the same for the same arguments on every machine.

    Raises KeyError for an unknown kind or colour, ValueError for a style out of range.
    """
    if not 0 <= style < STYLES:
        raise ValueError(f"style must be 0 to {STYLES - 1}, not {style}")
    canvas = Canvas(COLOURS[colour], style)
    DRAWERS[kind](canvas)
    return canvas.svg()
