"""Style sheet, scripts and drawn pictures, with headers that let caches keep them.

Served by Django itself, so that the shop needs no web server beside it; behind the edge each
is asked for once.
"""

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import condition
from django.views.generic import View

from ..art.gallery import illustration

DAY, YEAR = 24 * 3600, 365 * 24 * 3600


@lru_cache(maxsize=1 if settings.DEBUG else 512)
def _file(path: str) -> tuple[bytes, str]:
    """Bytes and entity tag of a static file. Raises Http404."""
    found = finders.find(path)
    if not found:
        raise Http404(path)
    content = Path(found).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _etag(request: HttpRequest, path: str) -> str:
    return _file(path)[1]


@method_decorator(condition(etag_func=_etag), name="dispatch")
class StaticAsset(View):
    """A file of the apps' static folders."""

    def get(self, request: HttpRequest, path: str) -> HttpResponse:
        """The bytes; revalidated by entity tag after a while."""
        content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
        response = HttpResponse(_file(path)[0], content_type=content_type)
        max_age = 0 if settings.DEBUG else DAY
        patch_cache_control(response, public=True, max_age=max_age)
        return response


class Artwork(View):
    """The drawn picture of a product; the same URL is the same picture for ever."""

    def get(self, request: HttpRequest, kind: str, colour: str, style: int) -> HttpResponse:
        """Draw it."""
        try:
            picture = illustration(kind, colour, style)
        except (KeyError, ValueError) as error:
            raise Http404(str(error)) from error
        response = HttpResponse(picture, content_type="image/svg+xml")
        patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
        return response


class Healthy(View):
    """Says that the process answers; touches nothing else."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Always the same."""
        return HttpResponse(
            "ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"}
        )


class Robots(View):
    """What crawlers should leave alone."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Pages that are somebody's own."""
        private = ("basket", "account", "orders", "currency", "consent")
        lines = ["User-agent: *", *(f"Disallow: /*/{name}/" for name in private)]
        response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
        patch_cache_control(response, public=True, max_age=DAY)
        return response
