"""Has the mirror of the clock stand where Redis stands, where being late by a moment counts."""

from __future__ import annotations

from .layers import Levels
from .listener import take_in
from .request_layer import request_level
from .shared_layer import as_clock
from .steps import Ask, Flow


def catch_up(levels: Levels) -> Flow:
    """Know, once a request, of every invalidation that was there when it began."""
    level = request_level()
    has_caught_up = level is not None and level.caught_up
    if level is not None:
        level.caught_up = True
    if levels.link is None:
        if not has_caught_up:
            levels.hear()
        return
    # also before the first load: of what is loaded unheard nobody would tell us
    is_new = levels.clock.position is None
    if not is_new and (level is None or has_caught_up):
        return
    answers = yield Ask([("GET", levels.commands.names.clock)])
    if answers is not None:
        yield from reach(levels, as_clock(answers[0]))


def reach(levels: Levels, clock: int) -> Flow:
    """Have the mirror stand at `clock` or later."""
    position = levels.clock.position
    if position is None:
        levels.clock.begin(clock)
    elif position != clock:
        answers = yield Ask([levels.commands.listen(position, None)])
        if answers is None:
            return
        is_good = take_in(levels.clock, answers[0])
        if not is_good or (levels.clock.position or 0) < clock or clock == 0 or clock < position:
            levels.clock.restart(clock)
