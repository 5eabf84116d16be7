"""First passes, refills and tasks: what the origin's side builds on."""

import pytest
from django.db import connections

import dbrouting
from dbrouting import pinning
from dbrouting.lsn import UNREACHABLE
from dbrouting.units import current_unit, required_lsn
from tests.dbrouting.shop.models import Order, Product
from tests.dbrouting.test_routing import server_of


def test_a_first_pass_reads_replicas_for_every_model(shop):
    with dbrouting.first_pass_reads():
        assert server_of(Order.objects.all()).startswith("replica")
    assert Order.objects.all().db == "default"


def test_a_first_pass_reads_no_node_behind_its_minimum(shop):
    shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    shop.primary.query("UPDATE shop_product SET stock = 99", "shop")
    purge_lsn = shop.primary.current_lsn()

    with dbrouting.first_pass_reads(min_lsn=purge_lsn):
        assert Product.objects.get().stock == 99
        assert server_of(Product.objects.all()) == "primary"
    with dbrouting.first_pass_reads():
        assert Product.objects.get().stock == 0
    shop.replicas[1].resume_replay()
    shop.replicas[1].wait_until_replayed(purge_lsn)
    with dbrouting.first_pass_reads(min_lsn=purge_lsn):
        assert server_of(Product.objects.all()) == "replica2"


def test_a_refill_never_reads_older_data_than_its_stamp(shop):
    shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    Product.objects.update(stock=17)
    stamp = dbrouting.current_lsn()

    with dbrouting.unit_of_work(), dbrouting.fresh_as_of(stamp) as connection:
        assert Product.objects.get().stock == 17
        with connection.cursor() as cursor:
            cursor.execute("SELECT stock FROM shop_product")
            assert cursor.fetchone() == (17,)
    with dbrouting.unit_of_work(), dbrouting.fresh_as_of(None):
        assert Product.objects.get().stock == 0


@pytest.mark.parametrize("block", [dbrouting.first_pass_reads, dbrouting.fresh_as_of])
def test_a_minimum_that_is_no_position_is_refused(block):
    with pytest.raises(ValueError, match="log sequence number"), block("yesterday"):
        pass


def test_minima_nest_and_end(shop):
    with dbrouting.fresh_as_of(50):
        with dbrouting.fresh_as_of("0/10"):
            assert required_lsn() == 50
        with dbrouting.fresh_as_of(90):
            assert required_lsn() == 90
        assert required_lsn() == 50


def test_what_a_first_pass_writes_pins_no_visitor(shop):
    shop.stock_up(1)
    with dbrouting.unit_of_work() as visitor:
        with dbrouting.first_pass_reads():
            Product.objects.update(stock=1)
        assert not visitor.has_written


def test_a_pin_travels_to_a_task(shop):
    with dbrouting.unit_of_work():
        Product.objects.create(name="x")
        token = dbrouting.pin_token()
        pin = pinning.current_pin()

    with dbrouting.unit_of_work(token) as task:
        assert task.pin == pin.lsn > 0
        assert pinning.current_pin() == pin


def test_signed_values_round_trip_and_forgeries_do_not():
    assert pinning.unsign(pinning.sign(pinning.Pin(123))) == pinning.Pin(123)
    assert pinning.unsign(pinning.sign(pinning.Pin(UNREACHABLE))) == pinning.Pin(UNREACHABLE)
    assert pinning.unsign(pinning.sign(pinning.Pin(123))[:-1] + "~") is None


def test_a_pin_too_old_to_matter_is_no_pin(dbrouting_settings, monkeypatch):
    value = pinning.sign(pinning.Pin(123))
    dbrouting_settings(PIN_SECONDS=10)
    monkeypatch.setattr("django.core.signing.time.time", lambda: 9e9)

    assert pinning.unsign(value) is None


def test_a_unit_of_work_is_apart_from_what_surrounds_it(shop):
    outer = current_unit()
    with dbrouting.unit_of_work():
        Product.objects.create(name="x")
        assert current_unit().has_written
    assert current_unit() is outer


def test_a_unit_that_wrote_reads_from_the_primary_until_it_ends(shop):
    shop.stock_up(1)
    with dbrouting.unit_of_work():
        assert Product.objects.all().db == "replica"
        built_before = Product.objects.using("replica").filter(stock=70)
        Product.objects.update(stock=70)
        assert Product.objects.all().db == "default"
        assert built_before.count() == 1
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            assert cursor.fetchone() == (False,)
    with dbrouting.unit_of_work():
        assert Product.objects.all().db == "replica"
