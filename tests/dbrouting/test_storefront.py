"""The storefront on replicas, by one setting: its end-to-end tests pass while they die."""

import pytest

from tests.dbrouting.another_run import environment_without, run_tests


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_shops_own_tests_pass_while_replicas_die():
    run_tests(
        *("tests/end_to_end", "-m", "not full", "-p", "tests.dbrouting.dying_replicas"),
        environment=environment_without(),
    )
