from __future__ import annotations

import pytest

from fragments.signing import Keyring

SECRET = "a-secret-that-only-tests-know-0123456789"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring([SECRET])
