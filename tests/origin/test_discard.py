"""Responses that are dropped in the middle of a request do not end it."""

import io

from django.core.signals import request_finished
from django.http import FileResponse, HttpResponse

from origin.streams import discard


def test_a_dropped_response_is_closed_without_ending_the_request() -> None:
    heard: list[object] = []

    def listener(**_: object) -> None:
        heard.append(True)

    file = io.BytesIO(b"x")
    response = FileResponse(file)
    request_finished.connect(listener)
    try:
        discard(response)
        discard(HttpResponse("x"))
    finally:
        request_finished.disconnect(listener)

    assert file.closed
    assert response.closed
    assert heard == []
