"""`CachedModel`: rows by key, and querysets as lists of keys and counts.

    class Products(CachedModel[Product]):
        model = Product
        max_age = 3600

    products = Products()
    products.get(42)
    products.get_many([1, 2, 3])
    products.rows(Product.objects.filter(category=5), groups=["category:5"])
    products.count(Product.objects.filter(category=5), groups=["category:5"])

A row belongs to the groups that its model declares (`two_pass_groups`), so whoever changes it drops
it. A list belongs to the groups it is given; without any, to one that every change of a row drops.
"""

from __future__ import annotations

import dataclasses
import hashlib
import string
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Generic, TypeVar, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import EmptyResultSet, ImproperlyConfigured
from django.db.models import Model, QuerySet

from ..model_groups import TABLE, ModelGroups, groups_of_model, table_groups
from . import driving
from .codec import PREFETCHED
from .definition import Definition
from .loaders import Loader
from .policy import Policy
from .schema import digest, fingerprint_of_queryset

M = TypeVar("M", bound=Model)


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A queryset as an ident: told from others by its SQL and parameters."""

    name: str
    groups: tuple[str, ...]
    queryset: Any = dataclasses.field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


class CachedModel(Loader[Any, M], Generic[M]):
    """The rows of `model`, by primary key. Override `queryset` for `select_related` or filters.

    `list_max_age` in seconds: how long lists and counts are fresh (None: as long as rows).
    """

    model: ClassVar[type[Model]]
    max_age: ClassVar[float] = 3600.0
    list_max_age: ClassVar[float | None] = None

    def __init__(self) -> None:
        super().__init__()
        policy = Policy(
            self.max_age if self.list_max_age is None else self.list_max_age, self.stale
        )
        self.lists = self._define_query("list", policy, self._load_list)
        self.counts = self._define_query("count", policy, self._load_count)

    def queryset(self) -> QuerySet[M]:
        """Where rows come from."""
        return cast("QuerySet[M]", self.model._default_manager.all())

    def load(self, keys: Sequence[Any]) -> Mapping[Any, M]:
        """One query."""
        rows = {row.pk: row for row in self.queryset().filter(pk__in=keys)}
        convert = self.model._meta.pk.to_python
        return {key: rows[pk] for key in keys if (pk := convert(key)) in rows}

    def groups_of(self, key: Any, value: M) -> Iterable[str]:
        """The row's own groups, and those of the rows that came with it."""
        found: set[str] = set()
        for row in _with_related(value):
            declared = groups_of_model(type(row))
            if declared is not None:
                # whoever changes a row purges these; its other groups (a category's) would drop it
                # with every neighbour's change
                found |= set(_by_key(declared, row.pk)) or _without_table(declared.of(row))
        return sorted(found)

    def groups_of_key(self, key: Any) -> tuple[str, ...]:
        """The groups that the key alone says, which one who makes the row purges too."""
        return (*_by_key(self._declared(), key), *super().groups_of_key(key))

    def define(self) -> Definition:
        """What the levels are told."""
        self._declared()
        return dataclasses.replace(
            super().define(),
            name_of=str,
            keeps_missing=lambda key: bool(self.groups_of_key(key)),
            shown_groups=(*sorted(_without_table(self._declared().names)), *self.groups),
        )

    def schema(self) -> str:
        """The fields of the model and of what comes with it, and the query that rows come from."""
        return digest([fingerprint_of_queryset(self.queryset()), str(self.version)])

    def rows(self, queryset: QuerySet[Any], *, groups: Iterable[str] = ()) -> list[M]:
        """The rows of `queryset`, in its order: its keys from the levels, then its rows."""
        ident = self._ident(queryset, groups)
        if ident is None:
            return []
        keys: Sequence[Any] = driving.read(self.lists, (ident,))[ident]
        found = self.get_many(keys)
        return [found[key] for key in keys if key in found]

    async def arows(self, queryset: QuerySet[Any], *, groups: Iterable[str] = ()) -> list[M]:
        """As `rows`, in an event loop."""
        ident = self._ident(queryset, groups)
        if ident is None:
            return []
        keys: Sequence[Any] = (await driving.aread(self.lists, (ident,)))[ident]
        found = await self.aget_many(keys)
        return [found[key] for key in keys if key in found]

    def count(self, queryset: QuerySet[Any], *, groups: Iterable[str] = ()) -> int:
        """How many rows `queryset` has."""
        ident = self._ident(queryset, groups)
        return 0 if ident is None else int(driving.read(self.counts, (ident,))[ident])

    async def acount(self, queryset: QuerySet[Any], *, groups: Iterable[str] = ()) -> int:
        """As `count`, in an event loop."""
        return await sync_to_async(self.count)(queryset, groups=groups)

    def _declared(self) -> ModelGroups:
        groups = groups_of_model(self.model)
        if groups is None:
            name = self.model.__name__
            raise ImproperlyConfigured(
                f"{type(self).__name__}: {name} declares no groups, so nothing would ever drop its "
                f"rows. Give it two_pass_groups = ({name.lower() + ':{pk}'!r},), or call "
                f"declare_groups({name}, {name.lower() + ':{pk}'!r}) (docs/invalidation.md)"
            )
        return groups

    def _define_query(self, what: str, policy: Policy, load: Any) -> Definition:
        return Definition(
            label=f"{self.definition.label}.{what}",
            schema=self.schema(),
            policy=policy,
            name_of=lambda ident: ident.name,
            groups=lambda ident: ident.groups,
            shown_groups=table_groups(self.model),
            load=load,
        )

    def _ident(self, queryset: QuerySet[Any], groups: Iterable[str]) -> Listed | None:
        """None for a queryset that is empty whatever rows there are."""
        if isinstance(groups, str):
            raise TypeError("groups is a list of names")
        named = tuple(groups) or table_groups(self.model)
        try:
            sql, parameters = queryset.query.sql_with_params()
        except EmptyResultSet:
            return None
        text = f"{sql}\0{[(type(item).__name__, str(item)) for item in parameters]}"
        return Listed(hashlib.sha256(text.encode()).hexdigest()[:32], named, queryset)

    def _load_list(self, idents: Sequence[Listed]) -> Mapping[Listed, Any]:
        return {ident: tuple(ident.queryset.values_list("pk", flat=True)) for ident in idents}

    def _load_count(self, idents: Sequence[Listed]) -> Mapping[Listed, Any]:
        return {ident: ident.queryset.count() for ident in idents}


def _with_related(row: Model) -> Iterable[Model]:
    """A row and all that came with it by `select_related` and `prefetch_related`, each once."""
    waiting, seen = [row], {id(row)}
    while waiting:
        found = waiting.pop()
        yield found
        prefetched: dict[str, Any] = found.__dict__.get(PREFETCHED, {})
        for item in chain(found._state.fields_cache.values(), *prefetched.values()):
            if isinstance(item, Model) and id(item) not in seen:
                seen.add(id(item))
                waiting.append(item)


def _by_key(declared: ModelGroups, key: Any) -> tuple[str, ...]:
    """Groups of one row alone, as far as their names hold nothing but its key."""
    names = {"pk", declared.model._meta.pk.attname}
    values = dict.fromkeys(names, key)
    return tuple(
        name.format(**values)
        for name in declared.names
        if (held := _fields(name)) and held <= names
    )


def _without_table(groups: Iterable[str]) -> set[str]:
    """A row is not of the group of all rows: one change would drop them all."""
    return {name for name in groups if not name.startswith(TABLE)}


def _fields(name: str) -> set[str]:
    return {part for _, part, _, _ in string.Formatter().parse(name) if part}
