"""Plants the seed: fills an empty database in bulk and tells how far it is."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from ..accounts.models import Customer, CustomerGroup
from ..blog.models import Post
from ..catalogue.models import Category, Collection, GroupPrice, Product, Review
from ..money.models import ExchangeRate
from .collections import SERIES
from .journal import stories
from .opinions import AUTHORS, OPINIONS
from .people import CUSTOMER, STAFF, TRADE, TRADE_GROUP
from .range import SEED_DAY, articles
from .shelves import shelves

Progress = Callable[[str, int, int], None]
RATES = (("CHF", "0.93450"), ("GBP", "0.86120"), ("USD", "1.08400"))
BATCH = 250
STAR_WEIGHTS = (52, 30, 11, 4, 3)


def plant(progress: Progress) -> None:
    """Fill an empty database, all or nothing; ``progress(what, done, of)`` is called meanwhile."""
    with transaction.atomic():
        progress("people", 0, 1)
        _people()
        ExchangeRate.objects.bulk_create(
            ExchangeRate(code=code, rate=Decimal(rate)) for code, rate in RATES
        )
        progress("people", 1, 1)
        products = _products(_categories(), _collections(), progress)
        _reviews(products, progress)
        _group_prices(products)
        _posts()
        progress("journal", 1, 1)


def _people() -> None:
    """Store groups, a customer, a trade customer and a member of staff."""
    trade = CustomerGroup.objects.create(
        code=TRADE_GROUP, name="Trade", discount_percent=Decimal(15)
    )
    for person, extra in (
        (CUSTOMER, {}),
        (TRADE, {"group": trade}),
        (STAFF, {"is_staff": True, "is_superuser": True}),
    ):
        Customer.objects.create_user(
            person.email,
            person.password,
            first_name=person.first_name,
            last_name=person.last_name,
            **extra,
        )


def _categories() -> dict[str, Category]:
    by_path = {}
    for position, shelf in enumerate(shelves()):
        root = Category(
            slug=shelf.slug, position=position, name=shelf.name, name_de=shelf.name_de,
            blurb=shelf.blurb, blurb_de=shelf.blurb_de, artwork=shelf.artwork,
        )  # fmt: skip
        root.save()
        for place, kind in enumerate(shelf.kinds):
            child = Category(
                parent=root, slug=kind.slug, position=place, name=kind.plural,
                name_de=kind.plural_de, blurb=kind.use, blurb_de=kind.use_de,
                artwork=f"{kind.code}/{SERIES[place * 3].colours[0]}-{place * 3}",
            )  # fmt: skip
            child.save()
            by_path[child.path] = child
    return by_path


def _collections() -> dict[str, Collection]:
    Collection.objects.bulk_create(
        Collection(slug=s.name.lower(), name=s.name, story=s.story, story_de=s.story_de)
        for s in SERIES
    )
    return {collection.slug: collection for collection in Collection.objects.all()}


def _products(
    categories: dict[str, Category], collections: dict[str, Collection], progress: Progress
) -> list[Product]:
    products = [
        Product(
            category=categories[article.category_path],
            collection=collections[article.collection],
            **article.fields,
        )
        for article in articles()
    ]
    for product, stars in zip(products, _stars(), strict=True):
        product.rating_count = len(stars)
        average = sum(stars) / len(stars) if stars else 0
        product.rating_average = Decimal(str(round(average, 2)))
        product.search_text = product.searchable()
    for start in range(0, len(products), BATCH):
        Product.objects.bulk_create(products[start : start + BATCH])
        progress("products", min(start + BATCH, len(products)), len(products))
    return products


def _stars() -> Iterator[list[int]]:
    """The stars of each product's reviews, in the order of the products."""
    dice = random.Random("stars")
    for _ in articles():
        yield dice.choices((5, 4, 3, 2, 1), STAR_WEIGHTS, k=dice.choice((0, 1, 2, 3, 3, 4, 5, 7)))


def _reviews(products: list[Product], progress: Progress) -> None:
    dice = random.Random("reviews")
    noon = timezone.make_aware(datetime.combine(SEED_DAY, time(12)))
    reviews = []
    for product, given in zip(products, _stars(), strict=True):
        for stars in given:
            language = dice.choice(("en", "en", "de"))
            title, body = dice.choice(OPINIONS[language][stars])
            written = noon - timedelta(minutes=dice.randrange(400 * 24 * 60))
            reviews.append(
                Review(
                    product=product,
                    author=dice.choice(AUTHORS),
                    stars=stars,
                    title=title,
                    body=body,
                    language=language,
                    created=written,
                )
            )
    step = 4 * BATCH
    for start in range(0, len(reviews), step):
        Review.objects.bulk_create(reviews[start : start + step])
        progress("reviews", min(start + step, len(reviews)), len(reviews))


def _group_prices(products: list[Product]) -> None:
    """Every fortieth product has a price of its own for the trade."""
    trade = CustomerGroup.objects.get(code=TRADE_GROUP)
    GroupPrice.objects.bulk_create(
        GroupPrice(product=p, group=trade, price=round(p.price * Decimal("0.72"), 2))
        for p in products[::40]
    )


def _posts() -> None:
    morning = timezone.make_aware(datetime.combine(SEED_DAY, time(8)))
    Post.objects.bulk_create(
        Post(
            slug=s.slug, title=s.title, title_de=s.title_de, teaser=s.teaser,
            teaser_de=s.teaser_de, body=s.body, body_de=s.body_de, author=s.author,
            artwork=s.artwork, published=morning - timedelta(days=s.days),
        )
        for s in stories()
    )  # fmt: skip
