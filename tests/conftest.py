"""What holds for all suites: how hypothesis runs.

Deadlines are off: the machines that run these tests are shared and slow at times, and a test
that fails for that reason teaches nothing.
"""

from hypothesis import settings

settings.register_profile("twopass", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile("twopass")
