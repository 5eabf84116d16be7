"""Twenty private parts."""

from .personal import scenario

SCENARIO = scenario(20, at_least=8)
