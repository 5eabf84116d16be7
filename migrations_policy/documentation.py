"""A rule's page in the documentation, made from the rule itself. Pure."""

from __future__ import annotations

import textwrap

from .rule import Blocks, BreaksOldCode, Fails, Leaves, NotShown, Queues, Rule, Shown
from .violation import Violation

NOTE = "<!-- Made from the rule; do not edit. See docs/migrations_policy.md. -->"


def page(rule: Rule, found: Violation | None) -> str:
    """Return the page in Markdown; `found` is what the rule says to its own example."""
    example = rule.example
    parts = [
        f"{NOTE}\n\n# {rule.name} ({rule.severity})",
        f"{rule.title}. {rule.why}",
        f"- Lock: {rule.lock}\n- PostgreSQL: {rule.versions}\n- Row of the reference: {rule.row}",
        "## Example",
    ]
    if example.setup:
        parts += ["With this before it:", code(example.setup)]
    bad = f"{example.preamble.strip()}\n\n{example.bad}" if example.preamble else example.bad
    parts += [code(bad)]
    if not example.atomic:
        parts.append("(in a migration with `atomic = False`)")
    if found:
        parts += ["## What is reported", f"> {found.message}"]
        if found.why and found.why != rule.why:
            parts.append(f"> {found.why}")
        if found.recipe:
            parts += ["## Instead", code(found.recipe_text)]
    parts += ["## How it is shown", shown(example.shown)]
    allow = f"# policy: allow {rule.name} -- <why it is fine here>"
    parts += ["## Allowing it", "Beside the operation:", code(allow)]
    return "\n\n".join(parts) + "\n"


def code(text: str) -> str:
    """Return a fenced block of Python."""
    return f"```python\n{textwrap.dedent(text).strip()}\n```"


def shown(how: Shown) -> str:
    """Return in words how the tests show that the example is bad and the recipe is not."""
    match how:
        case Blocks(table, reads, writes, long):
            who = " and ".join(n for n, on in (("a reader", reads), ("a writer", writes)) if on)
            last = " while it works through the table" if long else ""
            verb = "are" if reads and writes else "is"
            return (
                f"On PostgreSQL, {who} of `{table}` {verb} made to wait by the example{last}; with "
                "the recipe nobody waits for more than a change of the catalog."
            )
        case BreaksOldCode(statement):
            return (
                f"On PostgreSQL, this statement of a running release fails after the example and "
                f"works after each step of the recipe:\n\n```sql\n{statement}\n```"
            )
        case Fails(error, on_retry, backwards):
            when = "run a second time, " if on_retry else "taken back, " if backwards else ""
            return f"On PostgreSQL, the example, {when}fails with “{error}”; the recipe does not."
        case Leaves(query, bad, good):
            return (
                f"On PostgreSQL, `{query}` gives `{bad}` after the example and `{good}` after the "
                "recipe."
            )
        case Queues(table):
            return (
                f"On PostgreSQL, behind a long transaction on `{table}`, visitors wait as long as "
                "the example waits for its lock; with the recipe they do not."
            )
        case NotShown(reason):
            return f"Not shown by running it: {reason}"


def index(rules: tuple[Rule, ...]) -> str:
    """Return the table of all rules."""
    lines = [f"{NOTE}\n\n# Migration rules\n", "| Row | Rule | Severity | Unsafe | Lock |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| {rule.row} | [{rule.name}]({rule.name}.md) | {rule.severity} | {rule.title} "
        f"| {rule.lock} |"
        for rule in rules
    ]
    return "\n".join(lines) + "\n"
