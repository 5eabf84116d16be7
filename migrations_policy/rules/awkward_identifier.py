"""Names PostgreSQL cuts off, reserved words, and tables without their schema."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, run_sql
from ..rule import Example, Fails, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation

NAME = re.compile(r'"([^"]+)"|\b([A-Za-z_][A-Za-z0-9_$]*)\b')
LIMIT = 63  # NAMEDATALEN - 1
RESERVED = frozenset(
    {
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "default",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "for",
        "foreign",
        "from",
        "grant",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "placing",
        "primary",
        "references",
        "select",
        "session_user",
        "some",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "when",
        "where",
        "window",
        "with",
    }
)


def check(context: Context) -> Iterator[Violation]:
    """Find over-long names, reserved words as names, and unqualified tables beside qualified."""
    if not context.operation.is_sql:
        return
    for statement in context.operation.statements:
        names = sorted(_long_names(statement.text))
        text = statement.text
        for name in names:
            text = text.replace(name, shortened(name))
        for name in names:
            yield context.found(
                f"PostgreSQL cuts {name!r} to {name[:LIMIT]!r}: two such names may clash",
                recipe=(Paste(run_sql(text)),),
                statement=statement,
            )
        yield from _reserved(context, statement)
        yield from _unqualified(context, statement)


def _long_names(text: str) -> set[str]:
    plain = re.sub(r"'(?:[^']|'')*'|\$\$.*?\$\$", "", text, flags=re.S)
    names = {quoted or bare for quoted, bare in NAME.findall(plain)}
    return {name for name in names if len(name.encode()) > LIMIT}


def shortened(name: str) -> str:
    """Return the name cut to fit, ending in a checksum so that it stays its own."""
    return f"{name[: LIMIT - 9]}_{zlib.crc32(name.encode()):08x}"


def _reserved(context: Context, statement: Statement) -> Iterator[Violation]:
    names = {column.name for column in statement.definitions}
    names |= {action.column.name for action in statement.actions if action.column}
    names |= {statement.table} if statement.kind == "create-table" and statement.table else set()
    for name in sorted(names & RESERVED):
        yield context.found(
            f'"{name}" is a reserved word: every query has to quote it',
            recipe=(Note(f'Choose another name, such as "{name}_value".'),),
            statement=statement,
            severity=Severity.INFO,
        )


def _unqualified(context: Context, statement: Statement) -> Iterator[Violation]:
    everywhere = [s for _, s in context.migration.statements() if s.table]
    if statement.table and statement.schema is None and any(s.schema for s in everywhere):
        yield context.found(
            f"{statement.table} is meant in whichever schema search_path finds first",
            recipe=(Note(f"Write the schema: public.{statement.table}."),),
            statement=statement,
            severity=Severity.INFO,
        )


RULE = Rule(
    "awkward-identifier",
    53,
    Severity.WARNING,
    "Uses names that are cut off, reserved or ambiguous",
    "Names longer than 63 bytes are cut silently; two that differ only behind that are one.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN '
        f'{"long_" * 13}first int, ADD COLUMN {"long_" * 13}second int", migrations.RunSQL.noop)',
        Fails("already exists"),
        message="PostgreSQL cuts",
    ),
    lock="none of its own",
)
