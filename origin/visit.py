"""A request to be answered, with what is known of its sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from django.http import HttpRequest

from fragments.dimensions import Dimension

from .conf import Settings
from .frames import ForNobody
from .single_pass import Single
from .visitor import reduce

ForNobodyOf: TypeAlias = Callable[[HttpRequest, Mapping[str, str]], ForNobody]
"""From a request and dimension values to what prepares requests for nobody beside it."""


@dataclass(slots=True)
class Visit:
    """One visitor's request. `values`: all their dimensions; `drawn`: buckets decided just now."""

    request: HttpRequest
    conf: Settings
    for_nobody_of: ForNobodyOf
    known: Mapping[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(init=False)
    drawn: list[Dimension] = field(init=False)

    def __post_init__(self) -> None:
        dimensions = self.conf.dimensions.values()
        self.values, self.drawn = reduce(self.request, dimensions, self.conf, self.known)

    def single(self) -> Single:
        """What filling in place needs."""
        return Single(self.for_nobody_of(self.request, self.values), self.values)
