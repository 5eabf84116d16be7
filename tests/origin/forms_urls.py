"""A two-pass page with a form, and views that take what is sent, behind Django's own check."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie

from origin import two_pass

FORM = "<form>{% csrf_token %}</form><script>var token = '{{ csrf_token }}'</script>"


@two_pass(max_age=60)
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(FORM).render({}, request))


@ensure_csrf_cookie
def django_cookie(request: HttpRequest) -> HttpResponse:
    """What Django's own middleware sets."""
    return HttpResponse()


def take(request: HttpRequest) -> HttpResponse:
    return HttpResponse("taken")


urlpatterns = [
    path("shop/page/", page),
    path("shop/django-cookie/", django_cookie),
    path("shop/take/", take),
]
