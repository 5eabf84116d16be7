"""The seeded range."""

import io

import pytest
from django.core.management import CommandError, call_command

from examples.storefront.art.gallery import illustration
from examples.storefront.blog.models import Post
from examples.storefront.catalogue.models import Category, Product, Review
from examples.storefront.seed.plant import plant
from examples.storefront.seed.progress import ProgressBar
from examples.storefront.seed.range import articles


def test_two_thousand_products_the_same_each_time() -> None:
    first, second = list(articles()), list(articles())

    assert len(first) == 2000
    assert first == second
    assert len({article.fields["slug"] for article in first}) == 2000
    assert len({article.fields["name_de"] for article in first}) == 2000


def test_every_product_has_a_picture() -> None:
    for article in articles():
        kind, _, rest = str(article.fields["artwork"]).partition("/")
        colour, _, style = rest.rpartition("-")
        assert illustration(kind, colour, int(style)).startswith("<svg")


def test_planting(db: None) -> None:
    steps: list[tuple[str, int, int]] = []
    plant(lambda *step: steps.append(step))

    assert Product.objects.count() == 2000
    assert Category.objects.roots().count() == 7
    assert Post.objects.count() == 8
    rated = Product.objects.filter(rating_count__gt=0).first()
    assert rated is not None
    assert rated.rating_count == Review.objects.filter(product=rated).count()
    assert {what for what, _, _ in steps} == {"people", "products", "reviews", "journal"}
    with pytest.raises(CommandError, match="has products already"):
        call_command("seed_shop")
    call_command("seed_shop", if_empty=True)


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_in_place_for_people_and_in_lines_for_logs() -> None:
    terminal, log = Terminal(), io.StringIO()
    for output in (terminal, log):
        bar = ProgressBar(output)
        bar("products", 500, 2000)
        bar("products", 2000, 2000)

    assert "500 / 2,000" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
    assert log.getvalue() == "  products   2,000\n"
