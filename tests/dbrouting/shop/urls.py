"""Views that write and read, sync and async."""

from collections.abc import AsyncIterator, Iterator

from django.db import connections
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path

from dbrouting import replica_reads, untracked_writes

from .models import Order, Product


def node_of_reads() -> str:
    """The port that a declared read goes to."""
    list(Product.objects.all()[:1])
    with connections[Product.objects.all().db].cursor() as cursor:
        cursor.execute("SELECT current_setting('cluster_name')")
        return cursor.fetchone()[0]


def show(request: HttpRequest, pk: int) -> JsonResponse:
    """What a page of this product says, and which servers it read."""
    nodes = {node_of_reads() for _ in range(3)}
    stock = Product.objects.filter(pk=pk).values_list("stock", flat=True).first()
    return JsonResponse({"stock": stock, "nodes": sorted(nodes)})


async def show_async(request: HttpRequest, pk: int) -> JsonResponse:
    """The same, asynchronously."""
    product = await Product.objects.filter(pk=pk).afirst()
    return JsonResponse(
        {"stock": product and product.stock, "alias": product and product._state.db}
    )


def buy(request: HttpRequest, pk: int) -> JsonResponse:
    """Writes, then reads in the same request."""
    Product.objects.filter(pk=pk).update(stock=int(request.GET["stock"]))
    return JsonResponse({"after": Product.objects.get(pk=pk)._state.db})


async def buy_async(request: HttpRequest, pk: int) -> JsonResponse:
    """The same, asynchronously."""
    await Product.objects.filter(pk=pk).aupdate(stock=int(request.GET["stock"]))
    product = await Product.objects.aget(pk=pk)
    return JsonResponse({"after": product._state.db})


def count_view(request: HttpRequest, pk: int) -> JsonResponse:
    """Writes what nobody needs to read."""
    with untracked_writes():
        Product.objects.filter(pk=pk).update(stock=1)
    return JsonResponse({})


@replica_reads
def orders(request: HttpRequest) -> JsonResponse:
    """A view that reads from replicas as a whole."""
    return JsonResponse({"alias": Order.objects.all().db})


def stream(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Reads while the body is streamed, long after the middleware returned."""

    def parts() -> Iterator[str]:
        yield "stock "
        yield str(Product.objects.values_list("stock", flat=True).get(pk=pk))

    return StreamingHttpResponse(parts())


async def stream_async(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The same, asynchronously."""

    async def parts() -> AsyncIterator[str]:
        yield "stock "
        yield str((await Product.objects.aget(pk=pk)).stock)

    return StreamingHttpResponse(parts())


def log_in(request: HttpRequest) -> JsonResponse:
    """Starts a session and writes."""
    request.session["visitor"] = "yes"
    request.session.save()
    Product.objects.update(stock=int(request.GET["stock"]))
    return JsonResponse({})


urlpatterns = [
    path("show/<int:pk>", show),
    path("show-async/<int:pk>", show_async),
    path("buy/<int:pk>", buy),
    path("buy-async/<int:pk>", buy_async),
    path("count/<int:pk>", count_view),
    path("stream/<int:pk>", stream),
    path("stream-async/<int:pk>", stream_async),
    path("orders", orders),
    path("log-in", log_in),
]
