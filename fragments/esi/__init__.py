"""The ESI language 1.0 (W3C note, 2001): documents to programs, programs to pages, without I/O.

`parse` compiles a document once, when it is stored. An `Evaluation` plays the program for one
request: it names the fragments to fetch, takes what came of them in any order, and gives the page's
bytes in document order. What is chosen where ESI 1.0 is silent stands in docs/esi.md.
"""

from .destination import DestinationGuard, RefusedDestination
from .errors import EsiError, ExpressionError, LimitExceeded, Problem
from .evaluation import Cancel, Evaluation, Fetch, FragmentFailure
from .limits import Limits
from .parser import Parser, parse
from .program import Program
from .variables import RequestView

__all__ = [
    "Cancel",
    "DestinationGuard",
    "EsiError",
    "Evaluation",
    "ExpressionError",
    "Fetch",
    "FragmentFailure",
    "LimitExceeded",
    "Limits",
    "Parser",
    "Problem",
    "Program",
    "RefusedDestination",
    "RequestView",
    "parse",
]
