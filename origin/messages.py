"""Where django.contrib.messages keeps a visitor's messages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest
from django.utils.module_loading import import_string


def message_cookies() -> tuple[str, ...]:
    """The cookies without which a visitor has no messages, by MESSAGE_STORAGE."""
    storage = import_string(settings.MESSAGE_STORAGE)
    names: dict[str, None] = {}
    for kind in getattr(storage, "storage_classes", (storage,)):
        is_cookie = issubclass(kind, CookieStorage)
        names[kind.cookie_name if is_cookie else settings.SESSION_COOKIE_NAME] = None
    return tuple(names)


def has_new_messages(request: HttpRequest) -> bool:
    """Whether this request itself added some, so that no cookie tells of them yet."""
    return bool(getattr(getattr(request, "_messages", None), "added_new", False))
