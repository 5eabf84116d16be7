"""What pages of the catalogue read through the data caches instead of asking the database."""

from collections.abc import Iterable, Mapping, Sequence

from django.http import Http404

from origin.datacache import CachedModel, Loader, cached

from .models import Category, Collection, Product, Review

HOUR = 3600.0


class Products(CachedModel[Product]):
    """Products by key, without what they belong to: a neighbour's change drops none of them."""

    model = Product
    max_age = HOUR


class Categories(CachedModel[Category]):
    """Shelves by key."""

    model = Category
    max_age = HOUR


class Collections(CachedModel[Collection]):
    """Collections by key."""

    model = Collection
    max_age = HOUR


class Keys(Loader[str, int]):
    """Keys of products by what stands in their URLs."""

    max_age = HOUR

    def load(self, keys: Sequence[str]) -> Mapping[str, int]:
        """One query."""
        return dict(Product.objects.filter(slug__in=keys).values_list("slug", "pk"))

    def groups_of(self, key: str, value: int) -> Iterable[str]:
        """The product's, whose URL may change."""
        return (f"product:{value}",)


class Reviews(Loader[int, tuple[Review, ...]]):
    """The reviews of products, the newest first. Who writes one saves the product's average."""

    max_age = HOUR
    groups = ("product:{key}",)

    def load(self, keys: Sequence[int]) -> Mapping[int, tuple[Review, ...]]:
        """One query."""
        found: dict[int, list[Review]] = {key: [] for key in keys}
        for review in Review.objects.filter(product__in=keys):
            found[review.product_id].append(review)
        return {key: tuple(reviews) for key, reviews in found.items()}


products, categories, collections = Products(), Categories(), Collections()
keys, reviews = Keys(), Reviews()


def listed_product(slug: str) -> Product:
    """The product of a URL, with its shelf and its collection. Raises Http404."""
    key = keys.get(slug)
    product = None if key is None else products.get(key)
    # a slug that was given away, or a product that is not shown
    if product is None or not product.is_active or product.slug != slug:
        raise Http404(f"no product {slug!r}")
    category = categories.get(product.category_id)
    collection = collections.get(product.collection_id)
    if category is None or collection is None:
        raise Http404(f"no shelf or collection of {slug!r}")
    product.category, product.collection = category, collection
    return product


@cached(key="{path}", max_age=HOUR, groups=("shelves",))
def lineage(path: str) -> tuple[Category, ...]:
    """The shelves from the root down to the one at `path`."""
    paths = Category(path=path).lineage_paths()
    numbers = list(
        Category.objects.filter(path__in=paths).order_by("path").values_list("pk", flat=True)
    )
    found = categories.get_many(numbers)
    return tuple(found[pk] for pk in numbers if pk in found)


@cached(max_age=HOUR, groups=("navigation",))
def shelves() -> tuple[Category, ...]:
    """The top of the tree, each with those below it."""
    return tuple(Category.objects.roots().prefetch_related("children"))
