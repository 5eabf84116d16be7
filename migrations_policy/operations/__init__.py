"""Safe operations: multi-step recipes as Django operations, reversible and re-runnable."""

from .backfill import BackfillInBatches, UpdateInBatches
from .constraints import AddCheckNotValid, AddForeignKeyNotValid, ValidateConstraint
from .indexes import AddIndexConcurrently, AddUniqueConcurrently, SetUniqueSafely
from .not_null import SetNotNullSafely
from .remove import DropColumnSafely, DropTableSafely, RemoveFieldSafely, RemoveModelSafely
from .rename import FinishRenameField, RenameFieldSafely

__all__ = [
    "AddCheckNotValid",
    "AddForeignKeyNotValid",
    "AddIndexConcurrently",
    "AddUniqueConcurrently",
    "BackfillInBatches",
    "DropColumnSafely",
    "DropTableSafely",
    "FinishRenameField",
    "RemoveFieldSafely",
    "RemoveModelSafely",
    "RenameFieldSafely",
    "SetNotNullSafely",
    "SetUniqueSafely",
    "UpdateInBatches",
    "ValidateConstraint",
]
