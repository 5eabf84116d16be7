"""Pure facts about operations, migrations and the database; every guess is marked as assumed."""

from .database import ColumnFacts, Database, Known, TableFacts
from .fields import FieldFacts, FieldSource, ModelFacts
from .migrations import Migration, Operation, Plan
from .source import Finding, Source
from .traced import Traced, TracedStatement

__all__ = [
    "ColumnFacts",
    "Database",
    "FieldFacts",
    "FieldSource",
    "Finding",
    "Known",
    "Migration",
    "ModelFacts",
    "Operation",
    "Plan",
    "Source",
    "TableFacts",
    "Traced",
    "TracedStatement",
]
