from __future__ import annotations

import contextlib
import logging
import sys
import types

import pytest
from django.apps import apps
from django.contrib.auth import logout
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core import serializers
from django.db import transaction
from django.db.models import F
from django.test import override_settings

from fragments.shell import Shell
from origin import model_groups, shells
from origin.conf import get_settings
from origin.invalidation import (
    invalidate_all,
    invalidate_groups,
    invalidate_prefixes,
    invalidate_urls,
)
from origin.model_groups import BadGroups, declare_groups, groups_of_model
from origin.purge import MAX_NAMES, Batch, Purge, UnfitPurge, newest_lsn

from .recorded_outbox import RecordedOutbox
from .stock.models import Bargain, Category, Page, Plain, Product, Review, Tag
from .template_sets import visitor

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])


class Rollback(Exception):
    """Ends a transaction."""


@pytest.fixture(autouse=True)
def _watched(outbox: RecordedOutbox) -> None:
    """Every test has an outbox."""


@pytest.fixture
def shop(outbox: RecordedOutbox) -> types.SimpleNamespace:
    tea, cups = Category.objects.create(name="tea"), Category.objects.create(name="cups")
    product = Product.objects.create(name="Oolong", category=tea)
    made = types.SimpleNamespace(tea=tea, cups=cups, product=product)
    outbox.purges.clear()
    return made


# --- when it leaves


def test_nothing_leaves_before_the_commit_and_then_all_at_once(outbox):
    with transaction.atomic():
        invalidate_groups("a", "b")
        with transaction.atomic(savepoint=False):
            invalidate_groups("b", "c")
        invalidate_urls("https://shop.example/x")
        assert outbox.purges == []

    assert outbox.purges == [Purge(urls=("https://shop.example/x",), groups=("a", "b", "c"))]


def test_a_rollback_takes_it_back(outbox):
    with contextlib.suppress(Rollback), transaction.atomic():
        invalidate_groups("a")
        raise Rollback

    with transaction.atomic():
        invalidate_groups("b")

    assert outbox.groups == {"b"}


def test_a_savepoint_that_is_rolled_back_takes_back_only_its_own(outbox):
    with transaction.atomic():
        with contextlib.suppress(Rollback), transaction.atomic():
            invalidate_groups("inner")
            raise Rollback
        invalidate_groups("outer")
        with transaction.atomic():
            invalidate_groups("kept")

    assert outbox.groups == {"outer", "kept"}


def test_each_database_has_its_own_commit(outbox):
    with transaction.atomic(using="other"):
        invalidate_groups("here")
        invalidate_groups("there", using="other")
        assert outbox.groups == {"here"}

    assert outbox.groups == {"here", "there"}


def test_soft_and_hard_do_not_mix(outbox):
    with transaction.atomic():
        invalidate_groups("a", soft=True)
        invalidate_groups("b")
        invalidate_groups("c", soft=True)

    assert outbox.purges == [
        Purge(groups=("a", "c"), soft=True),
        Purge(groups=("b",)),
    ]


def test_prefixes_and_everything(outbox):
    invalidate_prefixes("https://shop.example/sale/")
    with transaction.atomic():
        invalidate_groups("a")
        invalidate_all()
        invalidate_groups("b")

    assert outbox.purges == [
        Purge(prefixes=("https://shop.example/sale/",)),
        Purge(everything=True),
    ]


def test_nothing_is_nothing(outbox):
    invalidate_groups()

    assert outbox.purges == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: invalidate_urls("/product/42"), "is not absolute"),
        (lambda: invalidate_groups(""), "no name of 1 to"),
        (lambda: invalidate_groups("x" * 9000), "no name of 1 to"),
        (lambda: invalidate_groups(42), "no name of 1 to"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_said(call, message):
    with pytest.raises(UnfitPurge, match=message):
        call()


def test_too_many_names_become_everything():
    batch = Batch()

    assert batch.add(Purge(groups=tuple(map(str, range(MAX_NAMES))))) is False
    assert batch.add(Purge(groups=("one more",), lsn="0/1")) is True
    assert batch.to_json(0)["all"] is True
    assert batch.to_json(0)["groups"] == []
    assert batch.to_json(0)["lsn"] == "0/1"


def test_the_newest_position():
    assert newest_lsn("0/FF", None, "1/0", "0/100") == "1/0"
    assert newest_lsn(None) is None


# --- positions in the primary's log


@pytest.fixture
def routing(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    state = types.SimpleNamespace(position=0x16B3748, error=None)

    def current_lsn():
        if state.error:
            raise state.error
        return state.position

    package = types.ModuleType("dbrouting")
    package.current_lsn = current_lsn
    package.format_lsn = lambda lsn: f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
    conf = types.ModuleType("dbrouting.conf")
    conf.get_settings = lambda: types.SimpleNamespace(primary="default")
    monkeypatch.setitem(sys.modules, "dbrouting", package)
    monkeypatch.setitem(sys.modules, "dbrouting.conf", conf)
    monkeypatch.setattr(apps, "is_installed", lambda name: True)
    return state


def test_a_purge_says_how_far_its_data_are(outbox, routing):
    invalidate_groups("a")
    invalidate_groups("b", using="other")

    assert [purge.lsn for purge in outbox.purges] == ["0/16B3748", None]


def test_without_a_position_it_leaves_all_the_same(outbox, routing, caplog):
    routing.error = RuntimeError("no connection")

    with caplog.at_level(logging.ERROR, "twopass.invalidation"):
        invalidate_groups("a")

    assert [purge.lsn for purge in outbox.purges] == [None]
    assert "may read old data" in caplog.text


# --- pages that are kept in process


@pytest.mark.parametrize(
    "call",
    [
        invalidate_all,
        lambda: invalidate_prefixes("https://shop.example/p/"),
        lambda: invalidate_urls("https://shop.example/p/1"),
        lambda: invalidate_groups("a", "other"),
        lambda: invalidate_groups("a", soft=True),
    ],
)
def test_every_kind_drops_what_is_kept_in_process(call):
    conf = get_settings()
    key = shells.PageKey("https://shop.example/p/1", (), "")
    shell = Shell(status=200, headers=(), body=(b"x",), max_age=60, groups=("a",))
    shells.store(key, shell, shells.begin(conf), conf)
    assert shells.lookup(key, conf)
    invalidate_groups("elsewhere")
    assert shells.lookup(key, conf)

    call()

    assert shells.lookup(key, conf) is None


def test_a_cache_in_trouble_is_logged_and_the_save_goes_through(outbox, caplog):
    broken = {"default": {"BACKEND": "tests.origin.broken_cache.BrokenCache"}}
    with override_settings(CACHES=broken), caplog.at_level(logging.ERROR, "twopass.invalidation"):
        invalidate_groups("a")

    assert outbox.groups == {"a"}
    assert "may be stale" in caplog.text


# --- models


def test_saving_and_deleting(shop, outbox):
    shop.product.price = 5
    shop.product.save()

    assert outbox.groups == {f"product:{shop.product.pk}", f"category:{shop.tea.pk}"}
    outbox.purges.clear()
    key = shop.product.pk
    shop.product.delete()
    assert f"product:{key}" in outbox.groups


def test_a_save_is_one_purge(shop, outbox):
    with transaction.atomic():
        shop.product.save()
        Category.objects.create(name="pots")

    assert len(outbox.purges) == 1


def test_what_moves_is_purged_in_both_places(shop, outbox):
    product = Product(pk=shop.product.pk, name="Oolong", category=shop.cups)
    product._state.adding = False
    product.save()

    assert {f"category:{shop.tea.pk}", f"category:{shop.cups.pk}"} <= outbox.groups


def test_a_save_asks_once_where_the_row_stands_and_not_at_all_where_the_key_says_it(
    shop, outbox, django_assert_num_queries
):
    with django_assert_num_queries(2):
        shop.product.save(update_fields=["price"])
    with django_assert_num_queries(1):
        shop.tea.save()

    assert f"product:{shop.product.pk}" in outbox.groups


@pytest.mark.parametrize(
    "change",
    [
        lambda product: product.save(),
        lambda product: product.save(update_fields=["price"]),
        lambda product: product.delete(),
        lambda product: product.tags.add(Tag.objects.create(name="green")),
    ],
    ids=["save", "save of other fields", "delete", "many-to-many"],
)
def test_who_loaded_a_row_before_another_moved_it_purges_where_it_is_now(shop, outbox, change):
    loaded_before = Product.objects.get(pk=shop.product.pk)
    Product.objects.filter(pk=shop.product.pk).update(category=shop.cups)
    outbox.purges.clear()

    change(loaded_before)

    assert f"category:{shop.cups.pk}" in outbox.groups


def test_a_new_instance_with_the_key_of_a_stored_row_moves_that_row(shop, outbox):
    Product(pk=shop.product.pk, name="Oolong", category=shop.cups).save()

    assert {f"category:{shop.tea.pk}", f"category:{shop.cups.pk}"} <= outbox.groups


def test_where_an_expression_moves_a_row_the_database_is_asked(shop, outbox):
    review = Review.objects.create(product=shop.product, stars=2)
    shop.product.price = shop.cups.pk
    shop.product.save()
    outbox.purges.clear()

    shop.product.category_id = F("price")
    shop.product.save()
    review.stars = F("stars") + 1
    review.save()

    assert {f"category:{shop.cups.pk}", "stars:3"} <= outbox.groups


def test_a_fixture_that_is_loaded_over_a_row_moves_that_row(shop, outbox):
    moved = Product(pk=shop.product.pk, name="Oolong", category=shop.cups)

    for loaded in serializers.deserialize("json", serializers.serialize("json", [moved])):
        loaded.save()

    assert {f"category:{shop.tea.pk}", f"category:{shop.cups.pk}"} <= outbox.groups


def test_a_method_of_the_model(shop, outbox):
    review = Review.objects.create(product=shop.product, stars=2)
    outbox.purges.clear()
    review.stars = 5
    review.save()

    assert outbox.groups == {f"product:{shop.product.pk}", "stars:2", "stars:5"}


def test_proxies(shop, outbox):
    Bargain.objects.get(pk=shop.product.pk).save()

    assert f"product:{shop.product.pk}" in outbox.groups


def test_deleting_many(shop, outbox):
    keys = {shop.product.pk, Product.objects.create(name="b", category=shop.cups).pk}
    outbox.purges.clear()
    Product.objects.all().delete()

    assert {f"product:{key}" for key in keys} <= outbox.groups


def test_a_cascade(shop, outbox):
    shop.tea.delete()

    assert len([name for name in outbox.groups if name.startswith("product:")]) == 1


def test_update_before_and_after(shop, outbox):
    other = Product.objects.create(name="b", category=shop.tea)
    outbox.purges.clear()

    assert Product.objects.filter(category=shop.tea).update(category=shop.cups) == 2
    assert outbox.groups == {
        f"product:{shop.product.pk}",
        f"product:{other.pk}",
        f"category:{shop.tea.pk}",
        f"category:{shop.cups.pk}",
    }


def test_update_of_a_model_with_a_method(shop, outbox):
    Review.objects.create(product=shop.product, stars=5)
    outbox.purges.clear()
    Review.objects.all().good().update(stars=1)

    assert outbox.groups == {f"product:{shop.product.pk}", "stars:5", "stars:1"}


def test_an_update_that_is_rolled_back(shop, outbox):
    with contextlib.suppress(Rollback), transaction.atomic():
        Product.objects.update(price=1)
        raise Rollback

    assert outbox.purges == []


def test_bulk_create_and_bulk_update(shop, outbox):
    made = Product.objects.bulk_create([Product(name=str(n), category=shop.cups) for n in range(3)])

    assert outbox.groups == {f"category:{shop.cups.pk}", *(f"product:{p.pk}" for p in made)}
    outbox.purges.clear()
    for product in made:
        product.category = shop.tea
    Product.objects.bulk_update(made, ["category"], batch_size=2)
    assert outbox.groups == {
        f"category:{shop.tea.pk}",
        f"category:{shop.cups.pk}",
        *(f"product:{p.pk}" for p in made),
    }
    assert len(outbox.purges) == 1


def test_related_managers_and_other_ways(shop, outbox):
    product = shop.tea.products.create(name="Sencha")
    assert f"product:{product.pk}" in outbox.groups
    outbox.purges.clear()
    shop.tea.products.update(price=3)
    assert f"product:{product.pk}" in outbox.groups


async def test_async_ways(outbox):
    tea = await Category.objects.acreate(name="tea")
    product = await Product.objects.acreate(name="a", category=tea)
    outbox.purges.clear()
    await Product.objects.filter(pk=product.pk).aupdate(price=4)

    assert outbox.groups == {f"product:{product.pk}", f"category:{tea.pk}"}


def test_many_to_many_from_both_sides(shop, outbox):
    green = Tag.objects.create(name="green")
    product = f"product:{shop.product.pk}"
    outbox.purges.clear()

    shop.product.tags.add(green)
    assert {product, "tag:green"} <= outbox.groups
    outbox.purges.clear()
    green.product_set.remove(shop.product)
    assert {product, "tag:green"} <= outbox.groups
    outbox.purges.clear()
    green.product_set.set([shop.product])
    assert {product, "tag:green"} <= outbox.groups


def test_clearing_purges_what_was_there(shop, outbox):
    green = Tag.objects.create(name="green")
    shop.product.tags.add(green)
    outbox.purges.clear()

    shop.product.tags.clear()

    assert {f"product:{shop.product.pk}", "tag:green"} <= outbox.groups


def test_models_without_groups_cost_nothing(outbox, django_assert_num_queries):
    with django_assert_num_queries(1):
        Plain.objects.create(name="x")
    Plain.objects.update(name="y")
    Plain.objects.bulk_create([Plain(name="z")])
    Plain.objects.all().delete()

    assert outbox.purges == []


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_groups, "_declared", {})


def test_a_model_of_others(declarations, outbox):
    Page.objects.create(slug="a")
    assert outbox.purges == []

    declare_groups(Page, "page:{slug}", lambda page: ["pages"])
    Page.objects.create(slug="b")

    assert outbox.groups == {"page:b", "pages"}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["product:{price}"], "no field of its own"),
        (["product:{category}"], r"write 'product:\{category_id\}'"),
        (["product:{"], "no name of a group"),
        ([42], "names or functions"),
    ],
)
def test_a_declaration_that_cannot_work(declarations, groups, message):
    model = Page if "price" in str(groups) else Product
    with pytest.raises(BadGroups, match=message):
        declare_groups(model, *groups)


def test_the_group_of_all_rows_leaves_with_the_others_and_not_alone(shop, outbox):
    Product.objects.filter(name="nothing").update(name="none")
    assert outbox.purges == []
    shop.product.save()

    (purge,) = outbox.purges
    assert {"rows:stock.product", f"product:{shop.product.pk}"} <= set(purge.groups)


def test_declared_groups_join_the_models_own(declarations):
    declare_groups(Product, "all-products")

    assert groups_of_model(Product).names == (
        "product:{pk}",
        "category:{category_id}",
        "all-products",
        "rows:stock.product",
    )
    assert "all-products" in groups_of_model(Bargain).names


# --- users


def test_what_others_change_about_a_user(outbox):
    user = User.objects.create_user("ada", password="x")
    name = f"user:{user.pk}"
    outbox.purges.clear()

    user.set_password("y")
    user.save()
    assert outbox.groups == {name}
    outbox.purges.clear()
    user.groups.add(Group.objects.create(name="staff"))
    assert name in outbox.groups
    outbox.purges.clear()
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert name in outbox.groups
    outbox.purges.clear()
    user.delete()
    assert name in outbox.groups


def test_a_login_alone_purges_nothing(outbox):
    user = User.objects.create_user("ada")
    outbox.purges.clear()
    user.save(update_fields=["last_login"])

    assert outbox.purges == []


def test_logout(outbox):
    request = visitor()
    request.user = user = User.objects.create_user("ada")
    request.session = SessionStore()
    outbox.purges.clear()

    logout(request)

    assert outbox.groups == {f"user:{user.pk}"}


@pytest.mark.django_db(transaction=False)
def test_hooks_that_a_test_captures_hold_what_was_said_inside(
    outbox, django_capture_on_commit_callbacks
):
    invalidate_groups("before")
    with django_capture_on_commit_callbacks(execute=True):
        invalidate_groups("inside")

    assert outbox.groups == {"inside"}
