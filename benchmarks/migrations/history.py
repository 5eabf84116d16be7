"""Writes a project with a long history: models come, grow, get indexes and lose fields."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """
SECRET_KEY = "benchmark"
INSTALLED_APPS = ["catalogue", "migrations_policy"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "unused"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
HEAD = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"


def operation(number: int) -> str:
    """Return the operation of migration `number`; a model lives through ten of them."""
    model, step = f"Model{number // 10}", number % 10
    if step == 0:
        fields = (
            '("id", models.BigAutoField(primary_key=True)), '
            '("name", models.CharField(max_length=50)), ("state", models.IntegerField())'
        )
        if number:
            fields += f', ("parent", models.ForeignKey("Model{number // 10 - 1}", models.CASCADE))'
        return f'migrations.CreateModel("{model}", [{fields}])'
    lower = model.lower()
    return {
        1: f'migrations.AddField("{lower}", "note", models.TextField(null=True))',
        2: f'migrations.AddField("{lower}", "count", models.IntegerField(default=0))',
        3: f'migrations.AlterField("{lower}", "count", models.BigIntegerField(default=0))',
        4: f'migrations.AddIndex("{lower}", models.Index(fields=["state"], name="i{number}"))',
        5: f'migrations.AddField("{lower}", "price", models.DecimalField(max_digits=9, '
        "decimal_places=2, null=True))",
        6: f'migrations.AddConstraint("{lower}", models.CheckConstraint('
        f'condition=models.Q(state__gte=0), name="c{number}"))',
        7: f'migrations.AlterField("{lower}", "name", models.CharField(max_length=80))',
        8: f'migrations.RemoveField("{lower}", "note")',
        9: f'migrations.RunSQL("UPDATE catalogue_{lower} SET state = 1 WHERE state IS NULL", "")',
    }[step]


def write_project(folder: Path, count: int) -> None:
    """Write settings and an app with `count` migrations into the folder."""
    (folder / "history_settings.py").write_text(SETTINGS)
    home = folder / "catalogue" / "migrations"
    home.mkdir(parents=True)
    for package in (home, home.parent):
        (package / "__init__.py").write_text("")
    previous = "[]"
    for number in range(count):
        name = f"{number:04}_step"
        body = f"    dependencies = {previous}\n"
        body += f"    operations = [\n        {operation(number)},\n    ]\n"
        (home / f"{name}.py").write_text(HEAD + body)
        previous = f'[("catalogue", "{name}")]'
