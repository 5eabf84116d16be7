from __future__ import annotations

import pytest
from django.test import Client, override_settings

from .template_sets import django_engine, engines_of

FORM = "<form>{% if messages %}{% for m in messages %}<b>{{ m }}</b>{% endfor %}{% endif %}</form>"


@pytest.fixture(autouse=True)
def site():
    with (
        engines_of(
            django_engine({"form.html": FORM}, builtins=("origin.templatetags.twopass_auto",))
        ),
        override_settings(
            ROOT_URLCONF="tests.origin.purging_urls",
            MESSAGE_STORAGE="django.contrib.messages.storage.cookie.CookieStorage",
            MIDDLEWARE=[
                "origin.middleware.TwoPassMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
                "tests.origin.test_messages_in_place.a_user",
            ],
        ),
    ):
        yield


def a_user(get_response):
    from django.contrib.auth.models import AnonymousUser

    def answer(request):
        request.user = AnonymousUser()
        return get_response(request)

    return answer


def test_a_message_added_while_the_form_is_shown_again_is_in_it_and_once():
    client = Client()

    assert client.post("/form/").content == b"<form><b>Please correct &lt;this&gt;</b></form>"
    assert client.get("/form/").content == b"<form></form>"


def test_a_message_left_for_the_next_page_is_shown_there_and_once():
    client = Client()
    client.post("/form/?elsewhere")

    assert client.get("/form/").content == b"<form><b>Saved</b></form>"
    assert client.get("/form/").content == b"<form></form>"
