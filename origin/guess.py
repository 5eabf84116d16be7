"""Which page a request is probably for: resolved before middleware has had its say."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import resolve
from django.utils import translation
from django.utils.translation import get_language_from_path

from .page import page_options_of
from .passes import PageOptions

_URLCONFS: Final[OrderedDict[str, str]] = OrderedDict()
"""Which URLconf middleware chose for a host (tenants), so that later guesses are better."""

_MAX_HOSTS: Final = 1000


def guess_page(request: HttpRequest) -> PageOptions | None:
    """What `@two_pass` declared of the view that will probably answer; None: probably plain.

    Being wrong costs a second run of the stack, nothing else: whatever goes wrong here is a guess
    of "plain".
    """
    try:
        language = get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
        with translation.override(language):
            match = resolve(request.path_info, _URLCONFS.get(_host(request)))
    except Exception:  # noqa: BLE001  # converters may do anything, the database included
        return None
    return page_options_of(match.func)


def learn(request: HttpRequest) -> None:
    """Remember the URLconf that middleware has set for this host, if any."""
    urlconf = getattr(request, "urlconf", None)
    host = _host(request)
    if not isinstance(urlconf, str):
        _URLCONFS.pop(host, None)
        return
    _URLCONFS[host] = urlconf
    _URLCONFS.move_to_end(host)
    while len(_URLCONFS) > _MAX_HOSTS:
        _URLCONFS.popitem(last=False)


def _host(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_HOST", ""))
