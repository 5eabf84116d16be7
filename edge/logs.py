"""Structured logs: one JSON object a line, or readable text for a terminal."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and whatever `extra` held."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        document: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        document.update(_extra(record))
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same for human eyes."""

    def format(self, record: logging.LogRecord) -> str:
        """`12:00:01 info    edge: message key=value`; control characters are escaped."""
        extra = " ".join(f"{key}={value}" for key, value in _extra(record).items())
        text = f"{record.getMessage()} {extra}".rstrip()
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():<8} "
        line += text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up(level: str, style: str) -> None:
    """Send the root logger to standard error. `style`: json or text.

    Raises ValueError for an unknown level or style.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    formatters = {"json": JsonFormatter, "text": TextFormatter}
    if number is None or style not in formatters:
        raise ValueError("log level: debug, info, warning, error; log format: json or text")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatters[style]())
    logging.basicConfig(level=number, handlers=[handler], force=True)
    # httpx logs every request at info: that is our access log's business
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {
        key: value
        for key, value in record.__dict__.items()
        if key not in _STANDARD and key != "color_message"
    }
