"""The README's five steps, done as written on a new `startproject`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.stack import ROOT, Process, free_port

SHARED = {"TWOPASS_SECRET": "s" * 48, "TWOPASS_ADMIN_TOKEN": "t" * 32}
ENVIRONMENT = {**os.environ, **SHARED}
README = (ROOT / "README.md").read_text(encoding="utf-8")
URLS = """
from django.contrib.auth.views import LoginView
from django.urls import path
from catalogue.views import Catalogue

urlpatterns = [
    path("", Catalogue.as_view()),
    path("login/", LoginView.as_view(template_name="login.html", next_page="/")),
]
"""
VIEWS = """
from django.views.generic import TemplateView
from django.contrib import messages
from django.shortcuts import redirect
from catalogue.models import Product
{mark}
    def get_context_data(self, **kwargs):
        return super().get_context_data(products=Product.objects.all(), **kwargs)

    def post(self, request):
        messages.success(request, "Added.")
        return redirect("/")
"""
PAGE = """<html>{% for product in products %}<p>{{ product.name }}</p>{% endfor %}
{% if messages %}{% for message in messages %}<b>{{ message }}</b>{% endfor %}{% endif %}
BLOCK</html>"""
SET_UP = """
from django.contrib.auth.models import User
from catalogue.models import Product
User.objects.create_user("ada", password="ada-has-a-password")
Product.objects.create(name="Lamp")
"""


def step(number: int, language: str) -> str:
    """The code of that language in the step of that number."""
    part = README[README.index(f"**{number}. ") :]
    found = re.search(rf"^```{language}\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    assert found, f"no {language} in step {number}"
    return found[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Steps 2, 3 and 5 on a new project with one app."""
    folder = tmp_path_factory.mktemp("newcomer")
    run = [sys.executable, "-m", "django"]
    subprocess.run([*run, "startproject", "shop", "."], cwd=folder, check=True)
    subprocess.run([sys.executable, "manage.py", "startapp", "catalogue"], cwd=folder, check=True)
    settings = folder / "shop" / "settings.py"
    text = settings.read_text() + '\nINSTALLED_APPS += ["catalogue"]\n' + step(2, "python")
    settings.write_text(text)
    (folder / "catalogue" / "views.py").write_text(VIEWS.format(mark=step(3, "python")))
    model = step(5, "python").rstrip() + "\n    name = models.CharField(max_length=50)\n"
    (folder / "catalogue" / "models.py").write_text(f"from django.db import models\n\n{model}")
    (folder / "shop" / "urls.py").write_text(URLS)
    templates = folder / "catalogue" / "templates"
    templates.mkdir()
    (templates / "catalogue.html").write_text(PAGE.replace("BLOCK", step(3, "html")))
    (templates / "login.html").write_text(
        '<form method="post">{% csrf_token %}{{ form.as_p }}</form>'
    )
    for command in (["makemigrations"], ["migrate"], ["shell", "-c", SET_UP]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=folder, check=True, env=ENVIRONMENT
        )
    return folder


@pytest.fixture(scope="module")
def urls(project: Path) -> Iterator[tuple[str, str]]:
    """Step 4: runserver and the edge."""
    origin, public, admin = free_port(), free_port(), free_port()
    settings = project / "shop" / "settings.py"
    settings.write_text(settings.read_text().replace("127.0.0.1:9000", f"127.0.0.1:{admin}"))
    django = Process(
        [sys.executable, str(project / "manage.py"), "runserver", str(origin), "--noreload"],
        f"http://127.0.0.1:{origin}/login/",
        SHARED,
        project / "django.log",
    )
    edge = Process(
        [
            *(sys.executable, "-m", "edge.cli", "edge"),
            *("--origin", f"http://127.0.0.1:{origin}"),
            *("--listen", f"127.0.0.1:{public}", "--admin", f"127.0.0.1:{admin}"),
        ],
        f"http://127.0.0.1:{admin}/health",
        SHARED,
        project / "edge.log",
    )
    try:
        django.start()
        edge.start()
        yield f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}"
    finally:
        edge.stop()
        django.stop()


def token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"', page)
    assert found, page
    return found[1]


def test_the_checks_find_nothing_to_complain_of(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        cwd=project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


def test_a_page_hits_and_is_personal(urls: tuple[str, str]) -> None:
    edge, _ = urls
    for _ in range(2):
        page = httpx.get(edge)
    assert "hit" in page.headers["cache-status"]
    assert "Log in" in page.text
    with httpx.Client(base_url=edge) as ada:
        form = {"username": "ada", "password": "ada-has-a-password"}
        form["csrfmiddlewaretoken"] = token(ada.get("/login/").text)
        assert ada.post("/login/", data=form, headers={"Referer": edge}).status_code == 302
        page = ada.get("/")
        assert "Hello, ada" in page.text
        assert "hit" in page.headers["cache-status"]
        sent = ada.post(
            "/", data={"csrfmiddlewaretoken": token(page.text)}, headers={"Referer": edge}
        )
        assert sent.status_code == 302
        assert ada.get("/").text.count("Added.") == 1
        assert "Added." not in ada.get("/").text
    assert "ada" not in httpx.get(edge).text


def test_a_change_purges(urls: tuple[str, str], project: Path) -> None:
    edge, _ = urls
    httpx.get(edge)
    script = "from catalogue.models import Product; Product.objects.create(name='Candle')"
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", script],
        cwd=project,
        env=ENVIRONMENT,
        check=True,
    )

    assert "Candle" in httpx.get(edge).text


def test_the_commands(urls: tuple[str, str]) -> None:
    edge, admin = urls
    httpx.get(edge)
    command = [sys.executable, "-m", "edge.cli"]

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments, "--admin", admin],
            env={**ENVIRONMENT, **changes},
            capture_output=True,
            text=True,
            cwd=ROOT,
        )

    purged = run("purge", "--group", "catalogue")
    assert (purged.returncode, "applied by 1 of 1" in purged.stdout) == (0, True), purged.stderr
    assert "hit" not in httpx.get(edge).headers["cache-status"]
    assert "uptime" in run("status").stdout
    assert run("status", "--json").stdout.startswith("{")
    refused = run("purge", "--all", TWOPASS_ADMIN_TOKEN="wrong")
    assert (refused.returncode, "TWOPASS_ADMIN_TOKEN" in refused.stderr) == (1, True)
    assert run("purge").returncode == 1
    assert run("purge", "--url", "/relative").returncode == 1
    nobody = subprocess.run(
        [*command, "status", "--admin", f"http://127.0.0.1:{free_port()}"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (nobody.returncode, "is the edge running" in nobody.stderr) == (1, True)
