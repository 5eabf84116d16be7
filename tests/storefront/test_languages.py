"""English and German: addresses, texts, and a catalogue that needs no gettext."""

import gettext
import json
import re
from pathlib import Path

import pytest
from django.test import Client

from examples.storefront.settings import BASE_DIR

from .small_shop import Shop

LOCALE = Path(BASE_DIR) / "locale/de/LC_MESSAGES"
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def entries() -> list[dict[str, str]]:
    """The entries of the .po file: msgid, msgid_plural, msgstr, msgstr[0] …"""
    found = []
    for block in (LOCALE / "django.po").read_text("utf-8").split("\n\n"):
        entry: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("msg"):
                key = line.split(" ", 1)[0]
                entry[key] = ""
            if line.startswith(("msg", '"')):
                entry[key] += "".join(STRING.findall(line))
        if entry:
            found.append({key: json.loads(f'"{text}"') for key, text in entry.items()})
    return found


def test_every_text_is_translated() -> None:
    missing = [
        entry["msgid"]
        for entry in entries()
        if not all(text for key, text in entry.items() if key.startswith("msgstr"))
    ]
    assert missing == []


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    with (LOCALE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries():
        if entry["msgid"] == "":
            continue
        if "msgid_plural" in entry:
            for number in (1, 2):
                said = compiled.ngettext(entry["msgid"], entry["msgid_plural"], number)
                assert said == entry[f"msgstr[{number - 1}]"]
        else:
            assert compiled.gettext(entry["msgid"]) == entry["msgstr"]


def test_placeholders_survive_translation() -> None:
    for entry in entries():
        wanted = set(re.findall(r"%\(\w+\)[sd]", entry["msgid"]))
        for key, text in entry.items():
            if key.startswith("msgstr") and entry["msgid"]:
                assert set(re.findall(r"%\(\w+\)[sd]", text)) == wanted, entry["msgid"]


def test_templates_say_nothing_that_is_not_in_the_catalogue() -> None:
    known = {entry["msgid"] for entry in entries()}
    pattern = re.compile(r'{%\s*translate\s+"((?:[^"\\]|\\.)*)"')
    for template in (Path(BASE_DIR) / "templates").rglob("*.html"):
        for text in pattern.findall(template.read_text("utf-8")):
            assert text in known, f"{template.name}: {text}"


def test_the_root_leads_to_the_visitors_language(shop: Shop, client: Client) -> None:
    assert client.get("/", headers={"accept-language": "de"})["Location"] == "/de/"
    assert client.get("/", headers={"accept-language": "fr"})["Location"] == "/en/"


@pytest.mark.parametrize(
    ("language", "name", "button"),
    [("en", "Mug 1", "Add to basket"), ("de", "Becher 1", "In den Warenkorb")],
)
def test_a_page_speaks_its_language(
    shop: Shop, client: Client, language: str, name: str, button: str
) -> None:
    mug = shop.product()
    html = client.get(f"/{language}/p/{mug.slug}/").content.decode()

    assert f'<html lang="{language}">' in html
    assert f"<h1>{name}</h1>" in html
    assert button in html


def test_english_and_german_alternate(shop: Shop, client: Client) -> None:
    for _ in range(2):
        assert "Basket" in client.get("/en/").content.decode()
        assert "Warenkorb" in client.get("/de/").content.decode()


def test_the_switch_leads_to_the_same_page(shop: Shop, client: Client) -> None:
    shop.product()
    html = client.get("/en/c/mugs/?sort=cheap").content.decode()

    assert 'href="/de/c/mugs/?sort=cheap"' in html


def test_an_empty_german_text_falls_back_to_english(shop: Shop, client: Client) -> None:
    mug = shop.product(name_de="")
    assert "<h1>Mug 1</h1>" in client.get(f"/de/p/{mug.slug}/").content.decode()


def test_messages_speak_the_language_of_the_page(shop: Shop, client: Client) -> None:
    data = {"product": shop.product().pk, "quantity": 1}
    html = client.post("/de/basket/add/", data, follow=True).content.decode()
    assert "Becher 1 liegt in deinem Warenkorb" in html
