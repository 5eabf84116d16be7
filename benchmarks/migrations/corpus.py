"""Lints the migrations of public Django packages and counts what is found, as a Markdown table.

    python3 -m venv --without-pip /tmp/peers
    python3 -m pip --python /tmp/peers/bin/python install \
        'Django==5.2.19' wagtail django-oscar 'psycopg[binary]' postgast
    /tmp/peers/bin/python -m benchmarks.migrations.corpus
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from importlib.metadata import version
from typing import Any

CONTRIB = ["admin", "auth", "contenttypes", "sessions", "sites", "flatpages", "redirects"]
WAGTAIL = [
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.contrib.search_promotions",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
]
OSCAR = [
    "address",
    "analytics",
    "basket",
    "catalogue",
    "catalogue.reviews",
    "checkout",
    "communication",
    "customer",
    "offer",
    "order",
    "partner",
    "payment",
    "search",
    "shipping",
    "voucher",
    "wishlists",
]
PACKAGES = {"django.contrib": "Django", "wagtail": "wagtail", "oscar": "django-oscar"}


def configure() -> None:
    """Set Django up with all packages of the corpus."""
    import django
    from django.conf import settings

    oscar = []
    for name in OSCAR:
        last = name.rpartition(".")[2].title()
        config = {"Reviews": "CatalogueReviews"}.get(last, last)
        oscar.append(f"oscar.apps.{name}.apps.{config}Config")
    settings.configure(
        SECRET_KEY="corpus",
        INSTALLED_APPS=[f"django.contrib.{name}" for name in CONTRIB]
        + ["django.contrib.messages", *oscar, "django_tables2", "haystack", "treebeard"]
        + WAGTAIL,
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "unused"}},
        HAYSTACK_CONNECTIONS={
            "default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SITE_ID=1,
        STATIC_URL="/static/",
        OSCAR_DEFAULT_CURRENCY="EUR",
    )
    from oscar import defaults

    for name in dir(defaults):
        if name.startswith("OSCAR_") and not hasattr(settings, name):
            setattr(settings, name, getattr(defaults, name))
    django.setup()


def main() -> None:
    """Print the counts by package and rule; with --list every finding of some rules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", metavar="RULE", action="append", default=[])
    parser.add_argument("--package", choices=sorted(PACKAGES))
    options = parser.parse_args()
    configure()
    findings, migrations = judge()
    if options.list:
        for package, found in findings:
            chosen = options.package in (None, package)
            if chosen and (found.rule in options.list or "all" in options.list):
                line = " ".join(found.source.first_line.split())[:100]
                sys.stdout.write(f"{found.label}: [{found.rule}] {found.message}\n    {line}\n")
        return
    sys.stdout.write(table(findings, migrations))


def judge() -> tuple[list[tuple[str, Any]], Counter[str]]:
    """Return every finding with its package, and the number of migrations of each."""
    from django.apps import apps

    from migrations_policy.facts import Database
    from migrations_policy.linter import lint
    from migrations_policy.plan import load_plan

    plan = load_plan()
    result = lint(plan, Database(time_zone="UTC"))
    owner = {
        config.label: package
        for config in apps.get_app_configs()
        for package in PACKAGES
        if config.name == package or config.name.startswith(f"{package}.")
    }
    counts = Counter(owner[m.app_label] for m in plan.migrations if m.app_label in owner)
    found = [(owner[v.app_label], v) for v in result.violations if v.app_label in owner]
    return found, counts


def table(findings: list[tuple[str, Any]], migrations: Counter[str]) -> str:
    """Return the Markdown table: rules down, packages across."""
    cells = Counter((package, found.rule) for package, found in findings)
    severities = {found.rule: str(found.severity) for _, found in findings}
    heads = [f"{name} {version(dist)}" for name, dist in PACKAGES.items()]
    lines = [f"| Rule | Severity | {' | '.join(heads)} |", "|---|---|" + "---:|" * len(heads)]
    counts = " | ".join(str(migrations[name]) for name in PACKAGES)
    lines.append(f"| *migrations* | | {counts} |")
    for rule in sorted(severities):
        row = " | ".join(str(cells[name, rule] or "-") for name in PACKAGES)
        lines.append(f"| {rule} | {severities[rule]} | {row} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
