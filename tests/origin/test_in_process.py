"""Both passes in one process: no edge, the same pages."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def test_marked_page(client: Client) -> None:
    response = client.get("/product/1/")
    print(response.content.decode(), response.headers, response.cookies)
    assert response.status_code == 200
    assert CALLS["product"] == 1
