"""Why `{% url %}` in a fragment is no look at the page's address.

Django resolves a namespaced URL relative to the application instance of the page being shown, and
so asks `request.resolver_match` for every link. That matters only where one application is deployed
in several instances (docs.djangoproject.com, "URL namespaces"); elsewhere all pages get the same
link, and a fragment that holds one stays the same on all of them.
"""

from __future__ import annotations

import functools

from django.http import HttpRequest
from django.urls import URLResolver, get_resolver


def settle(request: HttpRequest, urlconf: str | None) -> None:
    """Set `request.current_app` where it cannot change any link; read nothing of the address."""
    if "current_app" not in request.__dict__ and has_single_instances(urlconf):
        request.__dict__["current_app"] = ""


@functools.lru_cache(maxsize=32)
def has_single_instances(urlconf: str | None) -> bool:
    """Whether every application namespace has one instance, at every level."""
    return _is_single(get_resolver(urlconf))


def _is_single(resolver: URLResolver) -> bool:
    if any(len(instances) > 1 for instances in resolver.app_dict.values()):
        return False
    return all(_is_single(inner) for _, inner in resolver.namespace_dict.values())
