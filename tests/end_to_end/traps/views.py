from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView, View

from origin import fragment, gates, keeps_fragments, two_pass


@fragment("where", max_age=60)
def where(request: HttpRequest) -> str:
    """Reads the address of the page: a fragment per page, not per visitor."""
    return f"<i id=where>{request.path}</i>"


@fragment("who", max_age=60)
def who(request: HttpRequest) -> str:
    return f"<b id=who>{request.user.get_username() or 'nobody'}</b>"


@fragment("broken")
def broken(request: HttpRequest) -> str:
    raise RuntimeError("this fragment is broken")


@fragment("slow", scope="no-store")
def slow(request: HttpRequest, seconds: float) -> str:
    import time

    time.sleep(seconds)
    return "<i>slow</i>"


@two_pass(max_age=600)
class Page(TemplateView):
    template_name = "page.html"


@two_pass(max_age=600)
class Htmx(View):
    """Answers htmx with a part of the page, at the same address."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("HX-Request"):
            return HttpResponse("<p>part</p>")
        return HttpResponse("<html><p>whole</p></html>")


@method_decorator(two_pass(max_age=600), name="dispatch")
class CachedForm(TemplateView):
    template_name = "cached_form.html"


class PlainCachedForm(TemplateView):
    """Shares its `{% cache %}` block with a two-pass page."""

    template_name = "cached_form.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        messages.info(request, "posted")
        return redirect("/page/home/")


@two_pass(max_age=600)
class Members(LoginRequiredMixin, TemplateView):
    """Forgot that a first pass has no user."""

    template_name = "page.html"


@two_pass(max_age=600, gate=gates.login_required)
class Gated(TemplateView):
    template_name = "page.html"


@two_pass(max_age=600)
class Leaky(View):
    """Renders the user outside a hole."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"<html>user: {request.user.get_username()}</html>")


@two_pass(max_age=600)
class Broken(TemplateView):
    template_name = "broken.html"


@two_pass(max_age=600)
class Slow(TemplateView):
    template_name = "slow.html"


class Echo(View):
    """Not two-pass: what arrives at the origin."""

    def get(self, request: HttpRequest) -> HttpResponse:
        lines = [f"{name}: {value}" for name, value in sorted(request.headers.items())]
        return HttpResponse("\n".join([request.get_full_path(), *lines]), "text/plain")

    def post(self, request: HttpRequest) -> HttpResponse:
        size = 0
        while chunk := request.read(65536):
            size += len(chunk)
        return HttpResponse(str(size))


class Download(View):
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse((b"x" * 65536 for _ in range(200)), content_type="app/bin")


@keeps_fragments
def beacon(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def change(request: HttpRequest) -> HttpResponse:
    """An unsafe request that changes something for its visitor."""
    messages.success(request, "changed")
    return redirect("/page/home/")
