"""What a TestCase rolls back is not there in the next one."""

import pytest

from origin.datacache import layers
from tests.datacache.shop.models import Shelf
from tests.datacache.test_rows import shoes


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["one", "other"])
def test_nothing_is_kept_that_a_test_case_rolls_back(shared: layers.Levels, name: str) -> None:
    shelf = Shelf.objects.create(pk=1, name=name)
    shelf.shoes.create(pk=7, name=name)

    for _ in range(2):
        found = shoes.get(7)
        assert found is not None
        assert found.shelf.name == name
    assert len(shared.process) == 0
