"""What holds for all suites: how hypothesis runs.

Deadlines are off: the machines that run these tests are shared and slow at times, and a test
that fails for that reason teaches nothing. CI tries the same examples every time, so that a
change is judged by what it changed; everybody else, and ``make fuzz``, tries new ones.
"""

import os

from hypothesis import settings

settings.register_profile("twopass", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.register_profile("fuzz", deadline=None, max_examples=1_000)
settings.load_profile("twopass")
