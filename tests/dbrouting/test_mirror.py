"""Under Django's own test runner the replica mirrors the primary's test database."""

import unittest

import pytest
from django.db import connections, transaction
from django.test import TestCase, TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from dbrouting.testing import as_new_visitor, assert_reads_primary, assert_reads_replica
from tests.dbrouting.shop.models import Order, Product


@pytest.fixture
def test_databases(shop):
    """What `manage.py test` does before and after the tests."""
    before = {alias: dict(connections.settings[alias]) for alias in connections}
    old = setup_databases(verbosity=0, interactive=False)
    yield
    connections["replica"].close()
    teardown_databases(old, verbosity=0)
    for alias, settings in before.items():
        connections.settings[alias].clear()
        connections.settings[alias].update(settings)


def outcome_of(case: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun > 0
    return result


class Cases:
    """Hidden from pytest, run by the tests below."""

    class InATransaction(TestCase):
        databases = ("default", "replica")

        @classmethod
        def setUpTestData(cls) -> None:
            Product.objects.create(name="test data")

        def test_replica_reads_see_what_the_test_wrote(self) -> None:
            Product.objects.create(name="mine")
            with as_new_visitor(), self.assertNumQueries(1, using="replica"):
                assert Product.objects.count() == 2

        def test_nothing_is_left_of_other_tests(self) -> None:
            assert Product.objects.using("replica").count() == 1

        def test_the_helpers_tell_them_apart(self) -> None:
            with as_new_visitor(), assert_reads_replica():
                list(Product.objects.all())
            with assert_reads_primary():
                list(Order.objects.all())
            with pytest.raises(AssertionError, match="went to replicas"), assert_reads_replica():
                list(Order.objects.all())
            with (
                as_new_visitor(),
                pytest.raises(AssertionError, match="SELECT"),
                assert_reads_primary(),
            ):
                list(Product.objects.all())

        def test_atomic_reads_from_the_primary_as_in_production(self) -> None:
            with transaction.atomic(), assert_reads_primary():
                list(Product.objects.all())

        def test_atomic_on_the_mirror_commits_nothing(self) -> None:
            with transaction.atomic(using="replica"):
                assert Product.objects.using("replica").count() == 1

        def test_a_view_runs_whole(self) -> None:
            pk = Product.objects.get().pk
            assert self.client.get(f"/buy/{pk}", {"stock": 3}).json() == {"after": "default"}
            assert self.client.get(f"/show/{pk}").json()["stock"] == 3

    class WithCommits(TransactionTestCase):
        databases = ("default", "replica")

        def test_commits_are_seen(self) -> None:
            Product.objects.create(name="committed")
            with as_new_visitor():
                assert Product.objects.get()._state.db == "replica"


@pytest.mark.parametrize("case", [Cases.InATransaction, Cases.WithCommits])
def test_mirrors(test_databases, case):
    result = outcome_of(case)

    assert "\n".join(text for _, text in result.errors + result.failures) == ""
