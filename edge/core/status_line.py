"""The first line of a response as HTTP/1.1 has it (RFC 9112 §4)."""

from __future__ import annotations

from http import HTTPStatus


def status_line(status: int) -> bytes:
    """With the phrase that is usual; with none where there is no usual one."""
    return _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}
