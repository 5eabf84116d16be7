"""What the source of data functions tells."""

import ast

import pytest

from migrations_policy.python_source import class_line, function_findings, positions

FUNCTIONS = {
    "Order.objects.update(x=1)": {"unbatched-write"},
    "Order.objects.all().delete()": {"unbatched-write"},
    "Order.objects.filter(pk__in=keys).update(x=1)": {"batched-write"},
    "Order.objects.filter(id__gt=1, id__lte=9).update(x=1)": {"batched-write"},
    "Order.objects.filter(pk=1).delete()": {"batched-write"},
    "for o in Order.objects.all():\n        o.save()": {"unbatched-write"},
    "for o in Order.objects.all()[:100]:\n        o.save()": set(),
    "for o in Order.objects.iterator():\n        pass": {"iterator"},
    "cache.update(x=1)": set(),
    "get_user_model().objects.first()": {"direct-import"},
    "schema_editor.execute(f'DROP TABLE {name}')": {"built-sql"},
    "schema_editor.execute('DROP TABLE %s' % name)": {"built-sql"},
    "schema_editor.execute('DROP TABLE ' + name)": {"built-sql"},
    "schema_editor.execute('DROP TABLE {}'.format(name))": {"built-sql"},
    "schema_editor.execute('UPDATE a SET x = %s', [name])": set(),
    "helper()": {"unbatched-write"},
}
HELPER = "\n\ndef helper():\n    Order.objects.update(x=1)\n"


@pytest.mark.parametrize(("body", "kinds"), FUNCTIONS.items())
def test_findings(body: str, kinds: set[str]) -> None:
    text = f"def forwards(apps, schema_editor):\n    {body}\n{HELPER}"

    found = function_findings(ast.parse(text), "forwards")

    assert {finding.kind for finding in found} == kinds
    assert all(finding.function == "forwards" for finding in found)


def test_models_imported_at_module_level_or_inside() -> None:
    for text in (
        "from shop.models import Order\n\ndef f(apps, editor):\n    Order.objects.first()",
        "def f(apps, schema_editor):\n    from shop.models import Order\n    Order(x=1)",
    ):
        kinds = {finding.kind for finding in function_findings(ast.parse(text), "f")}
        assert "direct-import" in kinds

    historic = (
        "from shop.models import Order\n\ndef f(apps, schema_editor):\n"
        "    Order = apps.get_model('shop', 'Order')\n    Order.objects.first()"
    )
    kinds = {finding.kind for finding in function_findings(ast.parse(historic), "f")}
    assert kinds == {"get-model"}


def test_positions_of_operations_and_of_their_halves() -> None:
    text = (
        "class Migration(migrations.Migration):\n"
        "    operations = [\n"
        "        A(),\n"
        "        SeparateDatabaseAndState(\n"
        "            database_operations=[B()],\n"
        "            state_operations=[C(), D()],\n"
        "        ),\n"
        "    ]\n"
        "    operations += [E()]\n"
    )
    first, second, third = positions(ast.parse(text))

    assert (first.line, second.line, second.end_line, third.line) == (3, 4, 7, 9)
    assert [len(second.database), len(second.state)] == [1, 2]
    assert class_line(ast.parse(text)) == 1
