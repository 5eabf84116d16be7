"""Five private parts."""

from .personal import scenario

SCENARIO = scenario(5, at_least=3)
