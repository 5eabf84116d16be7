"""The shop's fragments."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.html import escape

from fragments.include import Include
from origin import add_groups, fragment
from origin.passes import emit

from .calls import CALLS


@fragment("basket", max_age=60, cookies=["basket"], groups=["basket"])
def basket(request: HttpRequest) -> str:
    """The basket, kept in a cookie of its own for visitors without a session."""
    CALLS["basket"] += 1
    return f"<b>Basket: {escape(request.COOKIES.get('basket', 'empty'))}</b>"


@fragment("greeting", when_cookie="sessionid")
def greeting(request: HttpRequest) -> str:
    """Who is signed in."""
    CALLS["greeting"] += 1
    name = request.user.get_username() if request.user.is_authenticated else "stranger"
    return f"<i>Hello {escape(name)}</i>"


@fragment("news", writes=True, cookies=["messages"])
def news(request: HttpRequest) -> str:
    """Messages, shown once."""
    return "".join(f"<li>{escape(item.message)}</li>" for item in messages.get_messages(request))


@fragment("next")
def next_link(request: HttpRequest) -> str:
    """A link back to this page."""
    return f'<a href="/login/?next={escape(request.path)}">in</a>'


@fragment("recommended", scope="public", max_age=300, groups=["product:{product}"])
def recommended(request: HttpRequest, product: int) -> str:
    """The same for everybody."""
    CALLS["recommended"] += 1
    add_groups(request, ["recommendations"])
    return f"<p>People who like {product} like {product + 1}</p>"


@fragment("nosy", scope="public")
def nosy(request: HttpRequest) -> str:
    """Public by declaration, private by what it does."""
    return f"<p>for {request.user.get_username() or 'nobody'}</p>"


@fragment("price", scope="public", dimensions=["currency"])
def price(request: HttpRequest) -> str:
    """Differs by currency only."""
    return f"<s>{request.COOKIES.get('currency')}</s>"


@fragment("broken", placeholder="<u>soon</u>")
def broken(request: HttpRequest) -> str:
    """Always fails."""
    raise RuntimeError("the stock <service> is down")


@fragment("stock", alt="stock-unknown")
def stock(request: HttpRequest) -> str:
    """Always fails, and has something to show instead."""
    raise RuntimeError("the stock service is down")


@fragment("stock-unknown")
def stock_unknown(request: HttpRequest) -> str:
    """Shown instead of the stock."""
    return "<u>ask us</u>"


@fragment("writer")
def writer(request: HttpRequest) -> str:
    """Writes to the session without saying so."""
    request.session["seen"] = 1
    return "written"


@fragment("counter", writes=True)
def counter(request: HttpRequest) -> HttpResponse:
    """Writes to the session and sets a cookie."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    response = HttpResponse(f"<p>visit {request.session['visits']}</p>")
    response.set_cookie("visited", "yes")
    return response


@fragment("form")
def form(request: HttpRequest) -> str:
    """A form of its own."""
    return f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">'


@fragment("outer")
def outer(request: HttpRequest) -> str:
    """Holds another fragment."""
    return f"<div>{emit(Include.of('fragment', 'basket', {}))}</div>"


@fragment("endless")
def endless(request: HttpRequest) -> str:
    """Holds itself."""
    return f"<div>{emit(Include.of('fragment', 'endless', {}))}</div>"


@fragment("careless", scope="public")
def careless(request: HttpRequest) -> str:
    """Public, and holds a private one."""
    return f"<div>{emit(Include.of('fragment', 'greeting', {}))}</div>"


@fragment("pooled", concurrent=True)
def pooled(request: HttpRequest, key: int) -> str:
    """Runs on a thread of its own and reads the database there."""
    from django.contrib.auth.models import User

    return f"<p>{key}:{User.objects.filter(pk=key).count()}</p>"


@fragment("agent")
def agent(request: HttpRequest) -> str:
    """Reads a header and the address."""
    return f"<p>{escape(request.headers.get('User-Agent', ''))}</p>"


@fragment("query")
def query(request: HttpRequest) -> str:
    """Reads the query."""
    return request.GET.urlencode().replace("&amp;", "&")


@fragment("address")
def address(request: HttpRequest) -> str:
    """Reads the client's address."""
    return f"<p>{escape(request.META.get('REMOTE_ADDR', ''))}</p>"


def _wait_for(path: str) -> bool:
    """Whether the file has come to be, within a minute."""
    for _ in range(1200):
        if Path(path).exists():
            return True
        time.sleep(0.05)
    return False


@fragment("waiting")
def waiting(request: HttpRequest, path: str) -> str:
    """Is rendered only once a file exists."""
    return f"<p>waited: {_wait_for(path)}</p>"


@fragment("waiting-async")
async def waiting_async(request: HttpRequest, path: str) -> str:
    """The same, without holding a thread."""
    for _ in range(1200):
        if await asyncio.to_thread(Path(path).exists):
            return "<p>waited: True</p>"
        await asyncio.sleep(0.05)
    return "<p>waited: False</p>"
