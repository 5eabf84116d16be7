"""SQL put together from values instead of parameters."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from ..context import Context
from ..facts import Operation, Source
from ..paste import Note, Paste, Recipe, quoted
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find f-strings, % and + in the SQL of a migration."""
    operation = context.operation
    for finding in operation.findings:
        if finding.kind == "built-sql":
            yield context.found(
                "SQL is put together from values: a quote in one of them changes the statement",
                recipe=_recipe(operation),
                source=Source(
                    operation.source.path, finding.line, finding.line, operation.source.first_line
                ),
            )


def _recipe(operation: Operation) -> Recipe:
    made = parametrised(operation.source.text)
    if made is None:
        return (Note('Pass values as parameters: cursor.execute("… = %s", [value]).'),)
    text, values = made
    step = f"migrations.RunSQL(\n    [({quoted(text)}, [{', '.join(values)}])],\n"
    return (Paste(step + "    reverse_sql=migrations.RunSQL.noop,\n)"),)


def parametrised(source: str) -> tuple[str, list[str]] | None:
    """Turn the first f-string into text with %s and the list of its values."""
    try:
        tree = ast.parse(textwrap.dedent(source.strip().rstrip(",")))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text, values = "", []
            for part in node.values:
                if isinstance(part, ast.Constant):
                    text += str(part.value)
                elif isinstance(part, ast.FormattedValue):
                    text += "%s"
                    values.append(ast.unparse(part.value))
            return text.replace("'%s'", "%s"), values
    return None


RULE = Rule(
    "built-sql",
    50,
    Severity.ERROR,
    "Builds SQL out of values",
    "Quoting by hand fails on the first name with an apostrophe, and does worse on a hostile one.",
    check,
    Example(
        "migrations.RunSQL(f\"UPDATE shop_customer SET email = '{NAME}' WHERE id = 1\", "
        "migrations.RunSQL.noop)",
        Fails("syntax error at or near"),
        preamble='NAME = "O\'Hara"\n',
        message="SQL is put together from values",
    ),
    lock="none of its own",
)
