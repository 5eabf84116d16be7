"""Where to go after a form or a link: back, but only to pages of this shop."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def page_to_return_to(request: HttpRequest, default: str) -> str:
    """The ``next`` of a form or link, else the page that sent the visitor, else ``default``.

    Fragments that all pages share cannot name the page they stand on; for those the browser's
    Referer does.
    """
    target = request.POST.get("next") or request.GET.get("next") or ""
    if is_own_page(request, target):
        return target
    return page_that_sent(request) or default


def page_that_sent(request: HttpRequest) -> str:
    """The path of the page of this shop that linked here; empty when it was none."""
    here = f"{request.scheme}://{request.get_host()}/"
    referer = request.META.get("HTTP_REFERER", "")
    path = "/" + referer.removeprefix(here) if referer.startswith(here) else ""
    # "//elsewhere" would be a path to us and a host to the browser
    return path if is_own_page(request, path) else ""


def is_own_page(request: HttpRequest, target: str) -> bool:
    """Whether a browser that is sent to ``target`` stays in this shop."""
    return url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
