"""The shop's views: marked in every way there is, and unmarked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
    parse_cookie,
)
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView, View

from fragments.include import Include
from origin import dimension, gates, keeps_fragments, two_pass
from origin.context import refresh_context
from origin.passes import emit

from .calls import CALLS


@method_decorator(login_not_required, name="dispatch")
@two_pass(max_age=300, groups=["product:{pk}"], dimensions=["currency"], query=["page"])
class ProductView(TemplateView):
    """Marked as a class."""

    template_name = "shop/product.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Counts."""
        CALLS["product"] += 1
        return super().get_context_data(**kwargs)


@method_decorator(two_pass(max_age=60), name="dispatch")
class MethodView(TemplateView):
    """Marked through method_decorator."""

    template_name = "shop/page.html"
    extra_context = {"title": "method"}


class PlainView(TemplateView):
    """Marked in the URLconf."""

    template_name = "shop/page.html"
    extra_context = {"title": "urlconf"}


@two_pass
def function(request: HttpRequest) -> HttpResponse:
    """A function, marked bare."""
    CALLS["function"] += 1
    return render(request, "shop/page.html", {"title": "function"})


@two_pass(max_age=60)
async def asynchronous(request: HttpRequest) -> HttpResponse:
    """An async function."""
    CALLS["asynchronous"] += 1
    return HttpResponse(f"<h1>async</h1>{emit(Include.of('fragment', 'basket', {}))}")


@two_pass(max_age=60)
class AsyncClassView(View):
    """An async class."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Answers."""
        return HttpResponse(f"<h1>async class</h1>{emit(Include.of('fragment', 'basket', {}))}")


@two_pass(max_age=60)
def with_fragments(request: HttpRequest, names: str) -> HttpResponse:
    """A page that holds the fragments named in its URL."""
    CALLS["with_fragments"] += 1
    return render(request, "shop/page.html", {"title": names, "names": names.split(",")})


@two_pass(max_age=60)
def cached(request: HttpRequest) -> HttpResponse:
    """Holds a {% cache %} block around a fragment and a form."""
    return render(request, "shop/cached.html")


@two_pass(max_age=60)
def nosy(request: HttpRequest) -> HttpResponse:
    """Looks at the user outside any hole."""
    return render(request, "shop/nosy.html")


@two_pass(max_age=60)
class NosyTemplateView(TemplateView):
    """The same, rendered after the view."""

    template_name = "shop/nosy.html"


@two_pass(max_age=60)
def swallowed(request: HttpRequest) -> HttpResponse:
    """Looks at the user where the template engine swallows exceptions."""
    return render(request, "shop/swallowed.html", {"title": "x"})


@two_pass(max_age=60)
def evaluates(request: HttpRequest, what: str) -> HttpResponse:
    """Evaluates one thing of the visitor's."""
    looks: dict[str, Any] = {
        "user": lambda: bool(request.user),
        "session": lambda: request.session.get("x"),
        "session-in": lambda: "x" in request.session,
        "session-key": lambda: request.session.session_key,
        "session-set": lambda: request.session.__setitem__("x", 1),
        "session-keys": lambda: list(request.session.keys()),
        "messages": lambda: list(messages.get_messages(request)),
        "messages-add": lambda: messages.info(request, "hi"),
        "cookie": lambda: request.COOKIES.get("basket"),
        "cookies": lambda: dict(request.COOKIES.items()),
        "cookies-any": lambda: bool(request.COOKIES),
        "cookies-copy": lambda: request.COOKIES.copy(),
        "touch": lambda: (request.user, request.session, request.COOKIES),
    }
    looks[what]()
    return HttpResponse("<p>seen</p>")


@two_pass(max_age=60, dimensions=["currency", "banner", "device", "tier"])
def varied(request: HttpRequest) -> HttpResponse:
    """Differs by four dimensions."""
    CALLS["varied"] += 1
    names = ("currency", "banner", "device", "tier")
    shown = " ".join(dimension(request, name) for name in names)
    return HttpResponse(f"{shown} {request.COOKIES.get('ab_banner')}")


@two_pass(max_age=60, dimensions=["currency"])
def undeclared(request: HttpRequest) -> HttpResponse:
    """Goes by a dimension that it does not declare."""
    return HttpResponse(dimension(request, "tier"))


@two_pass(max_age=60)
class MembersView(LoginRequiredMixin, TemplateView):
    """Behind LoginRequiredMixin, and no gate."""

    template_name = "shop/page.html"
    extra_context = {"title": "members"}


@two_pass(max_age=60, gate=gates.login_required)
def club(request: HttpRequest) -> HttpResponse:
    """Behind a gate."""
    CALLS["club"] += 1
    return render(request, "shop/page.html", {"title": "club"})


@two_pass(max_age=60, gate=gates.staff_required)
def backroom(request: HttpRequest) -> HttpResponse:
    """Behind a gate that refuses."""
    return render(request, "shop/page.html", {"title": "backroom"})


@two_pass(max_age=60)
def missing(request: HttpRequest) -> HttpResponse:
    """Raises Http404."""
    raise Http404


@two_pass(max_age=60)
def failing(request: HttpRequest) -> HttpResponse:
    """Fails when told to."""
    CALLS["failing"] += 1
    if CALLS["fail now"]:
        raise RuntimeError("the view is down")
    return HttpResponse("<p>all well</p>")


@two_pass(max_age=60)
def streamed(request: HttpRequest, size: int) -> HttpResponseBase:
    """Streams its page."""

    def chunks() -> Iterator[str]:
        yield "<h1>stream</h1>"
        yield emit(Include.of("fragment", "basket", {}))
        yield "x" * size

    return StreamingHttpResponse(chunks())


@two_pass(max_age=60)
def sets_cookie(request: HttpRequest) -> HttpResponse:
    """Sets a cookie for everybody."""
    response = HttpResponse("<p>cookie</p>")
    response.set_cookie("visitor", "17")
    return response


@two_pass(max_age=60)
def stray(request: HttpRequest) -> HttpResponse:
    """Holds somebody's own token."""
    return HttpResponse(f'<input name="csrfmiddlewaretoken" value="{"aB3" * 21}x">')


@two_pass(max_age=60)
def markup(request: HttpRequest) -> HttpResponse:
    """Holds text that an ESI processor would act on."""
    return HttpResponse('<!-- <ESI:include src="/admin/"/> -->')


@two_pass(max_age=60)
def varies(request: HttpRequest) -> HttpResponse:
    """Varies by a field that is no dimension."""
    response = HttpResponse("<p>varies</p>")
    response.headers["Vary"] = "X-Country"
    return response


@two_pass(max_age=60)
def echo(request: HttpRequest) -> HttpResponse:
    """Shows what a view sees."""
    CALLS["echo"] += 1
    names = sorted(name for name in request.META if name.startswith("HTTP_"))
    # as the field has them: the guard watches request.COOKIES
    cookies = sorted(parse_cookie(request.META.get("HTTP_COOKIE", "")))
    return HttpResponse(
        f"{request.GET.urlencode()}|{request.headers.get('HX-Request', '')}|"
        f"{request.META.get('REMOTE_ADDR')}|{','.join(names)}|{','.join(cookies)}"
    )


@two_pass(max_age=60)
def titled(request: HttpRequest, title: str) -> HttpResponse:
    """Shows what its path and its query say."""
    CALLS["titled"] += 1
    return HttpResponse(f"{title!r} {request.GET.urlencode()}")


@two_pass(max_age=60)
def echo_host(request: HttpRequest) -> HttpResponse:
    """Shows its own address."""
    return HttpResponse(request.build_absolute_uri())


@two_pass(max_age=60)
@ensure_csrf_cookie
def scripted(request: HttpRequest) -> HttpResponse:
    """Needs the CSRF cookie but shows no token."""
    return HttpResponse("<script src=app.js></script>")


@two_pass(max_age=60)
def secured(request: HttpRequest) -> HttpResponse:
    """Has a nonce in header and body."""
    from origin import nonce

    response = HttpResponse(f"<script nonce={nonce()}></script>")
    response.headers["Content-Security-Policy"] = f"script-src 'nonce-{nonce()}'"
    return response


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """An ordinary view that extends the same base template."""
    if request.method == "POST":
        user = User.objects.get(username=request.POST["username"])
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        messages.success(request, "Welcome back")
        return HttpResponseRedirect("/product/1/")
    if request.GET.get("refresh"):
        refresh_context(request)
    return render(request, "shop/page.html", {"title": "sign in"})


def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return HttpResponseRedirect("/product/1/")


def add(request: HttpRequest) -> HttpResponse:
    """An unsafe view: says so in a message."""
    messages.info(request, "Added to basket")
    if request.GET.get("stay"):
        return render(request, "shop/page.html", {"title": "added"})
    return HttpResponseRedirect("/product/1/")


@keeps_fragments
def beacon(request: HttpRequest) -> HttpResponse:
    """An unsafe view that changes nothing the visitor sees."""
    return HttpResponse(status=204)


@two_pass(max_age=60)
def comment(request: HttpRequest) -> HttpResponse:
    """A marked view that takes POSTs."""
    if request.method == "POST":
        messages.info(request, "Thanks")
        return render(request, "shop/page.html", {"title": f"got {request.POST['text']}"})
    return render(request, "shop/page.html", {"title": "comment"})


@two_pass(max_age=60)
def tenant(request: HttpRequest) -> HttpResponse:
    """Is in a tenant's URLconf only."""
    return render(request, "shop/page.html", {"title": "tenant"})


@two_pass(max_age=60, query=["page"])
def picky(request: HttpRequest) -> HttpResponse:
    """Declares what it reads, and holds a fragment that reads more."""
    return HttpResponse(f"{request.GET.urlencode()} [{emit(Include.of('fragment', 'query', {}))}]")


@two_pass(max_age=60)
def jinja(request: HttpRequest) -> HttpResponse:
    """Looks at the user in a Jinja2 template."""
    return render(request, "nosy.j2", using="j2")


@two_pass(max_age=60)
def moved(request: HttpRequest) -> HttpResponse:
    """Sends everybody elsewhere, for reasons of its own."""
    return HttpResponseRedirect("/login/")


def unmarked(request: HttpRequest) -> HttpResponse:
    """An ordinary view that holds a fragment and no token."""
    return HttpResponse(emit(Include.of("fragment", "basket", {})))


def for_machines(request: HttpRequest, kind: str) -> HttpResponse:
    """An ordinary view whose answer is no page, and holds a fragment all the same."""
    basket = emit(Include.of("fragment", "basket", {}))
    return HttpResponse(f'{{"html": "{basket}"}}', content_type=kind)


def shareable(request: HttpRequest) -> HttpResponse:
    """An ordinary view that allows caches to share its page, whose fragment is often empty."""
    response = HttpResponse(emit(Include.of("fragment", "greeting", {})))
    response.headers["Cache-Control"] = "public, max-age=600"
    return response


@two_pass(max_age=60)
def marked_shareable(request: HttpRequest) -> HttpResponse:
    """The same, marked."""
    return shareable(request)


@two_pass(max_age=60)
def dated(request: HttpRequest) -> HttpResponse:
    """Says when it was last modified."""
    response = unmarked(request)
    response.headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
    return response


def hidden(view: Any) -> Any:
    """A decorator that hides the mark of what it wraps."""

    def answer(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = view(request)
        return response

    return answer


late = hidden(function)
