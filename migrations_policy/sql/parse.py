"""The adapter over `postgast` (BSD-2, PostgreSQL's own grammar): text in, `Statement`s out.

Nothing else in the package imports the parser, so that it can be replaced here alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

import postgast
from postgast import pg_query_pb2 as pb

from .statement import Action, Column, Constraint, ConstraintKind, Default, Statement, TypeName

# PostgreSQL's internal type names and the names people write.
TYPE_NAMES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "bpchar": "char",
    "float8": "double precision",
    "float4": "real",
}
CONSTRAINT_KINDS: dict[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign-key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary-key",
    "CONSTR_EXCLUSION": "exclusion",
    "CONSTR_NOTNULL": "not-null",
}
ACTION_KINDS = {
    "AT_AddColumn": "add-column",
    "AT_DropColumn": "drop-column",
    "AT_AlterColumnType": "alter-type",
    "AT_SetNotNull": "set-not-null",
    "AT_DropNotNull": "drop-not-null",
    "AT_ColumnDefault": "set-default",
    "AT_AddConstraint": "add-constraint",
    "AT_DropConstraint": "drop-constraint",
    "AT_ValidateConstraint": "validate-constraint",
    "AT_AddIdentity": "add-identity",
    "AT_DropIdentity": "drop-identity",
    "AT_SetTableSpace": "set-tablespace",
    "AT_SetUnLogged": "set-unlogged",
    "AT_SetLogged": "set-logged",
    "AT_EnableRowSecurity": "enable-row-security",
    "AT_DisableRowSecurity": "disable-row-security",
    "AT_ForceRowSecurity": "force-row-security",
    "AT_NoForceRowSecurity": "no-force-row-security",
    "AT_AttachPartition": "attach-partition",
    "AT_DetachPartition": "detach-partition",
    "AT_DetachPartitionFinalize": "detach-partition-finalize",
    "AT_ClusterOn": "cluster-on",
    "AT_SetStatistics": "set-statistics",
    "AT_SetRelOptions": "set-options",
}
DROPPED = {
    "OBJECT_TABLE": "drop-table",
    "OBJECT_INDEX": "drop-index",
    "OBJECT_SCHEMA": "drop-schema",
    "OBJECT_TYPE": "drop-type",
    "OBJECT_TRIGGER": "drop-trigger",
}
RENAMED = {
    "OBJECT_TABLE": "rename-table",
    "OBJECT_COLUMN": "rename-column",
    "OBJECT_SCHEMA": "rename-schema",
    "OBJECT_TABCONSTRAINT": "rename-constraint",
    "OBJECT_INDEX": "rename-index",
    "OBJECT_TYPE": "rename-type",
}


@lru_cache(maxsize=4096)
def parse(sql: str) -> tuple[Statement, ...]:
    """Return the statements of `sql`; one of kind `unparsed` when PostgreSQL would refuse it."""
    try:
        tree: Any = postgast.parse(sql)
    except postgast.PgQueryError as error:
        return (Statement("unparsed", sql.strip(), error=str(error)),)
    data = sql.encode()
    return tuple(_statement(raw, data) for raw in tree.stmts)


def tables_of(sql: str) -> tuple[frozenset[str], bool]:
    """Return the tables a query names, and whether it writes; nothing when it does not parse."""
    try:
        tree: Any = postgast.parse(sql)
    except postgast.PgQueryError:
        return frozenset(), False
    names = {node.relname for _, node in postgast.walk(tree) if type(node).__name__ == "RangeVar"}
    kinds = {raw.stmt.WhichOneof("node") for raw in tree.stmts}
    return frozenset(names), bool(kinds & {"insert_stmt", "update_stmt", "delete_stmt"})


def _statement(raw: Any, data: bytes) -> Statement:
    start = raw.stmt_location
    end = start + raw.stmt_len if raw.stmt_len else len(data)
    text = data[start:end].decode().strip()
    kind = raw.stmt.WhichOneof("node") or ""
    node = getattr(raw.stmt, kind) if kind else None
    reader = READERS.get(kind)
    if reader is None:
        return Statement(kind.removesuffix("_stmt").replace("_", "-") or "empty", text)
    return reader(node, text)


def _strings(nodes: Iterable[Any]) -> tuple[str, ...]:
    return tuple(node.string.sval for node in nodes if node.WhichOneof("node") == "string")


def _deparsed(node: Any) -> str:
    """Return the SQL of an expression node, by deparsing `SELECT <expression>`."""
    tree = pb.ParseResult(version=180004)
    target = tree.stmts.add().stmt.select_stmt.target_list.add()
    target.res_target.val.CopyFrom(node)
    try:
        text: str = postgast.deparse(cast("Any", tree))
        return text.removeprefix("SELECT ")
    except postgast.PgQueryError:
        return ""


def _functions(node: Any) -> tuple[str, ...]:
    found = []
    for _, child in postgast.walk(node):
        if type(child).__name__ == "FuncCall":
            found.append(_strings(child.funcname)[-1])
    return tuple(found)


def _default(node: Any) -> Default:
    return Default(_deparsed(node), _functions(node))


def _type(node: Any) -> TypeName:
    names = _strings(node.names)
    name = TYPE_NAMES.get(names[-1], names[-1]) if names else ""
    modifiers = tuple(
        mod.a_const.ival.ival for mod in node.typmods if mod.WhichOneof("node") == "a_const"
    )
    # The grammar gives char without a length the modifier 1.
    return TypeName(name, modifiers, bool(node.array_bounds))


def _constraint(node: Any, column: str | None = None) -> Constraint | None:
    kind = CONSTRAINT_KINDS.get(pb.ConstrType.Name(node.contype))
    if kind is None:
        return None
    columns = _strings(node.fk_attrs) or _strings(node.keys)
    expression = _deparsed(node.raw_expr) if node.HasField("raw_expr") else ""
    return Constraint(
        kind,
        node.conname or None,
        columns or ((column,) if column else ()),
        node.pktable.relname or None,
        node.skip_validation,
        node.indexname or None,
        expression,
    )


def _column(node: Any) -> Column:
    not_null = identity = False
    default: Default | None = None
    generated = None
    constraints = []
    for wrapped in node.constraints:
        item = wrapped.constraint
        kind = pb.ConstrType.Name(item.contype)
        if kind == "CONSTR_NOTNULL":
            not_null = True
        elif kind == "CONSTR_IDENTITY":
            identity = not_null = True
        elif kind == "CONSTR_GENERATED":
            generated = "virtual" if item.generated_kind == "v" else "stored"
            default = _default(item.raw_expr)
        elif kind == "CONSTR_DEFAULT":
            default = _default(item.raw_expr)
        elif constraint := _constraint(item, node.colname):
            not_null = not_null or constraint.kind == "primary-key"
            constraints.append(constraint)
    return Column(
        node.colname,
        _type(node.type_name),
        not_null,
        default,
        identity,
        cast("Any", generated),
        tuple(constraints),
    )


def _action(command: Any) -> Action:
    subtype = pb.AlterTableType.Name(command.subtype)
    kind = ACTION_KINDS.get(subtype, subtype.removeprefix("AT_"))
    definition = command.__getattribute__("def")
    which = definition.WhichOneof("node")
    name = command.name or None
    if kind == "add-column":
        column = _column(definition.column_def)
        return Action(kind, column.name, column=column, if_exists=command.missing_ok)
    if kind == "alter-type":
        column_def = definition.column_def
        using = column_def.HasField("raw_default")
        return Action(kind, name, type=_type(column_def.type_name), has_using=using)
    if kind == "set-default":
        if which is None:
            return Action("drop-default", name)
        return Action(kind, name, default=_default(definition))
    if kind == "add-constraint":
        constraint = _constraint(definition.constraint)
        return Action(kind, definition.constraint.conname or None, constraint=constraint)
    if kind in {"attach-partition", "detach-partition"}:
        partition = definition.partition_cmd
        return Action(kind, partition.name.relname, concurrently=partition.concurrent)
    return Action(kind, name, if_exists=command.missing_ok)


def _alter_table(node: Any, text: str) -> Statement:
    object_type = pb.ObjectType.Name(node.objtype)
    kind = {"OBJECT_TABLE": "alter-table", "OBJECT_INDEX": "alter-index"}.get(
        object_type, "alter-other"
    )
    actions = tuple(_action(item.alter_table_cmd) for item in node.cmds)
    return Statement(
        kind,
        text,
        node.relation.relname,
        node.relation.schemaname or None,
        actions=actions,
        if_exists=node.missing_ok,
    )


def _create_index(node: Any, text: str) -> Statement:
    columns = tuple(item.index_elem.name or "(expression)" for item in node.index_params)
    return Statement(
        "create-index",
        text,
        node.relation.relname,
        node.relation.schemaname or None,
        node.idxname or None,
        columns=columns,
        unique=node.unique,
        concurrently=node.concurrent,
        if_exists=node.if_not_exists,
        has_where=node.HasField("where_clause"),
    )


def _drop(node: Any, text: str) -> Statement:
    object_type = pb.ObjectType.Name(node.remove_type)
    names = []
    schema = None
    for item in node.objects:
        which = item.WhichOneof("node")
        if which == "list":
            parts = _strings(item.list.items)
            names.append(parts[-1])
            schema = parts[-2] if len(parts) > 1 else None
        elif which == "string":
            names.append(item.string.sval)
        elif which == "type_name":
            names.append(_strings(item.type_name.names)[-1])
    kind = DROPPED.get(object_type, "drop-other")
    return Statement(
        kind,
        text,
        names[0] if kind == "drop-table" and names else None,
        schema,
        names[0] if names else None,
        object_type=object_type.removeprefix("OBJECT_").lower(),
        tables=tuple(names) if kind == "drop-table" else (),
        concurrently=node.concurrent,
        if_exists=node.missing_ok,
        cascade=node.behavior == pb.DropBehavior.DROP_CASCADE,
    )


def _create_table(node: Any, text: str) -> Statement:
    columns, constraints = [], []
    for item in node.table_elts:
        if item.WhichOneof("node") == "column_def":
            columns.append(_column(item.column_def))
        elif item.WhichOneof("node") == "constraint" and (made := _constraint(item.constraint)):
            constraints.append(made)
    return Statement(
        "create-table",
        text,
        node.relation.relname,
        node.relation.schemaname or None,
        definitions=tuple(columns),
        constraints=tuple(constraints),
        if_exists=node.if_not_exists,
        is_partitioned=node.HasField("partspec"),
    )


def _rename(node: Any, text: str) -> Statement:
    kind = RENAMED.get(pb.ObjectType.Name(node.rename_type), "rename-other")
    name = node.subname or None
    if kind == "rename-type":
        name = _strings(node.object.list.items)[-1]
    return Statement(
        kind,
        text,
        node.relation.relname or None,
        node.relation.schemaname or None,
        name,
        node.newname,
        if_exists=node.missing_ok,
    )


def _subselects(node: Any) -> list[Any]:
    return [child for _, child in postgast.walk(node) if type(child).__name__ == "SelectStmt"]


def _data_change(kind: str) -> Callable[[Any, str], Statement]:
    def read(node: Any, text: str) -> Statement:
        has_where = kind != "insert" and node.HasField("where_clause")
        limited = any(select.HasField("limit_count") for select in _subselects(node))
        bounded = has_where and _has_key_range(node.where_clause)
        return Statement(
            kind,
            text,
            node.relation.relname,
            node.relation.schemaname or None,
            has_where=has_where,
            is_limited=limited or bounded or (kind == "insert" and _inserts_values(node)),
        )

    return read


def _has_key_range(where: Any) -> bool:
    """Whether a WHERE names both ends of a key range, or single rows, so that it is a batch."""
    text = _deparsed(where).lower()
    return (
        " between " in text or ("> " in text and ("< " in text or "<= " in text)) or "id = " in text
    )


def _inserts_values(node: Any) -> bool:
    return bool(node.select_stmt.select_stmt.values_lists)


def _truncate(node: Any, text: str) -> Statement:
    tables = tuple(item.range_var.relname for item in node.relations)
    cascade = node.behavior == pb.DropBehavior.DROP_CASCADE
    return Statement("truncate", text, tables[0], tables=tables, cascade=cascade)


def _has_option(params: Iterable[Any], name: str) -> bool:
    return any(item.def_elem.defname == name for item in params)


def _reindex(node: Any, text: str) -> Statement:
    table = node.relation.relname or None
    is_index = pb.ReindexObjectType.Name(node.kind) == "REINDEX_OBJECT_INDEX"
    return Statement(
        "reindex",
        text,
        None if is_index else table,
        node.relation.schemaname or None,
        node.name or table,
        object_type="index" if is_index else "table",
        concurrently=_has_option(node.params, "concurrently"),
    )


def _vacuum(node: Any, text: str) -> Statement:
    full = _has_option(node.options, "full")
    tables = tuple(item.vacuum_relation.relation.relname for item in node.rels)
    kind = "vacuum-full" if full else ("vacuum" if node.is_vacuumcmd else "analyze")
    return Statement(kind, text, tables[0] if tables else None, tables=tables)


def _alter_enum(node: Any, text: str) -> Statement:
    name = _strings(node.type_name)[-1]
    renames = bool(node.old_val)
    ordered = bool(node.new_val_neighbor)
    return Statement(
        "alter-enum",
        text,
        name=name,
        new_name=node.new_val,
        object_type="rename-value" if renames else "add-value",
        if_exists=node.skip_if_new_val_exists,
        is_ordered=ordered,
    )


def _domain(kind: str) -> Callable[[Any, str], Statement]:
    def read(node: Any, text: str) -> Statement:
        if kind == "create-domain":
            raw = [item.constraint for item in node.constraints]
            name = _strings(node.domainname)[-1]
        else:
            definition = node.__getattribute__("def")
            raw = [definition.constraint] if definition.WhichOneof("node") else []
            name = _strings(node.type_name)[-1]
        made = tuple(found for item in raw if (found := _constraint(item)))
        return Statement(kind, text, name=name, constraints=made)

    return read


def _transaction(node: Any, text: str) -> Statement:
    return Statement("transaction", text, name=pb.TransactionStmtKind.Name(node.kind))


def _setting(node: Any, text: str) -> Statement:
    value = _deparsed(node.args[0]).strip("'") if node.args else ""
    return Statement("set", text, name=node.name, setting=(node.name, value))


def _trigger(node: Any, text: str) -> Statement:
    return Statement("create-trigger", text, node.relation.relname, name=node.trigname)


def _named(kind: str, attribute: str) -> Callable[[Any, str], Statement]:
    return lambda node, text: Statement(kind, text, name=getattr(node, attribute))


def _select(node: Any, text: str) -> Statement:
    return Statement("select", text, name=",".join(_functions(node)) or None)


def _cluster(node: Any, text: str) -> Statement:
    return Statement("cluster", text, node.relation.relname or None)


READERS: dict[str, Callable[[Any, str], Statement]] = {
    "alter_table_stmt": _alter_table,
    "index_stmt": _create_index,
    "drop_stmt": _drop,
    "create_stmt": _create_table,
    "rename_stmt": _rename,
    "update_stmt": _data_change("update"),
    "delete_stmt": _data_change("delete"),
    "insert_stmt": _data_change("insert"),
    "truncate_stmt": _truncate,
    "reindex_stmt": _reindex,
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "alter_enum_stmt": _alter_enum,
    "create_enum_stmt": lambda node, text: Statement(
        "create-enum", text, name=_strings(node.type_name)[-1]
    ),
    "create_domain_stmt": _domain("create-domain"),
    "alter_domain_stmt": _domain("alter-domain"),
    "dropdb_stmt": _named("drop-database", "dbname"),
    "transaction_stmt": _transaction,
    "variable_set_stmt": _setting,
    "create_trig_stmt": _trigger,
    "select_stmt": _select,
    "create_extension_stmt": _named("create-extension", "extname"),
    "do_stmt": lambda node, text: Statement("do", text),
}
