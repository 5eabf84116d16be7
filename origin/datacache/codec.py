"""Values to bytes and back, exactly: msgpack with extensions, never pickle.

What comes back has the type that went in. Nothing that lies in a cache makes a process import or
run anything: enumerations, dataclasses and models are found among those this process has loaded.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import sys
import threading
import uuid
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, cast

import msgpack
from django.apps import apps
from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from .schema import fingerprint


class Unstorable(TypeError):
    """A value that cannot be stored exactly; the message says which, and what to give instead."""


class Unreadable(ValueError):
    """Bytes that are no value of ours, or of a shape that this process does not have."""


class Code(enum.IntEnum):
    """Extension types. Numbers are for ever: what is stored outlives a deploy."""

    DECIMAL = 1
    DATETIME = 2
    DATE = 3
    TIME = 4
    TIMEDELTA = 5
    UUID = 6
    ENUM = 7
    TUPLE = 8
    SET = 9
    FROZENSET = 10
    BIG_INT = 11
    SAFE_TEXT = 12
    DATACLASS = 13
    MODEL = 14


MAX_DEPTH: Final = 48
"""Extensions within extensions. Each takes tens of kilobytes of the C stack, which is not checked:
some hundreds of them, in bytes that anybody may have written, would end the process."""


class _Depth(threading.local):
    """How deep this thread is in a value that is packed or unpacked."""

    packed = 0
    unpacked = 0


_depth: Final = _Depth()


def pack(value: object) -> bytes:
    """The bytes of `value`. Raises Unstorable."""
    if _depth.packed >= MAX_DEPTH:
        raise Unstorable(f"values nest more than {MAX_DEPTH} deep")
    _depth.packed += 1
    try:
        return cast(bytes, msgpack.packb(value, default=_encode, strict_types=True))
    except Unstorable:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unstorable(f"{type(value).__name__} cannot be stored: {error}") from error
    finally:
        _depth.packed -= 1


def unpack(data: bytes | memoryview) -> Any:
    """The value of `data`. Raises Unreadable."""
    if _depth.unpacked >= MAX_DEPTH:
        raise Unreadable(f"values nest more than {MAX_DEPTH} deep")
    _depth.unpacked += 1
    try:
        return msgpack.unpackb(data, ext_hook=_decode, strict_map_key=False)
    except Unreadable:
        raise
    except Exception as error:  # whatever damage does to the bytes
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    finally:
        _depth.unpacked -= 1


def _encode(value: Any) -> msgpack.ExtType:
    kind = type(value)
    plain = _ENCODERS.get(kind)
    if plain is not None:
        code, encode = plain
        return msgpack.ExtType(code, encode(value))
    if isinstance(value, enum.Enum):
        parts = (kind.__module__, kind.__qualname__, value.name)
        return msgpack.ExtType(Code.ENUM, pack(list(parts)))
    if isinstance(value, Model):
        return msgpack.ExtType(Code.MODEL, _encode_model(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return msgpack.ExtType(Code.DATACLASS, _encode_dataclass(value))
    raise Unstorable(_advice(value))


def _advice(value: object) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, Promise):
        return f"{name} is a lazy text of no one language yet: cache str(text), per language"
    if hasattr(value, "model") and hasattr(value, "query"):
        return f"{name} is a queryset, not its rows: cache list(queryset)"
    return (
        f"{name} cannot be stored: give texts, numbers, dates, Decimal, UUID, enumerations, lists, "
        "tuples, sets, dicts, dataclasses or model instances"
    )


def _encode_datetime(value: dt.datetime) -> bytes:
    if value.tzinfo is None:
        return pack([value.isoformat(), value.fold])
    if isinstance(value.tzinfo, zoneinfo.ZoneInfo) and value.tzinfo.key:
        naive = value.replace(tzinfo=None)
        return pack([naive.isoformat(), value.fold, value.tzinfo.key])
    if value.tzinfo is dt.UTC and not value.fold:
        return value.isoformat().encode()  # most are: quicker to read
    if isinstance(value.tzinfo, dt.timezone):
        return pack([value.isoformat(), value.fold])
    raise Unstorable(f"{value!r}: only zones of zoneinfo and datetime.timezone can be stored")


def _decode_datetime(data: bytes) -> dt.datetime:
    if data[:1].isdigit():
        return dt.datetime.fromisoformat(data.decode())
    text, fold, *zone = unpack(data)
    value = dt.datetime.fromisoformat(text).replace(fold=fold)
    return value.replace(tzinfo=zoneinfo.ZoneInfo(zone[0])) if zone else value


def _encode_time(value: dt.time) -> bytes:
    if value.tzinfo is not None and not isinstance(value.tzinfo, dt.timezone):
        raise Unstorable(f"{value!r}: only zones of datetime.timezone can be stored")
    return pack([value.isoformat(), value.fold])


def _decode_time(data: bytes) -> dt.time:
    text, fold = unpack(data)
    return dt.time.fromisoformat(text).replace(fold=fold)


PREFETCHED: Final = "_prefetched_objects_cache"
"""Where Django keeps what `prefetch_related` has loaded."""


def _encode_dataclass(value: Any) -> bytes:
    kind: type = type(value)
    held = [getattr(value, item.name) for item in dataclasses.fields(value)]
    return pack([kind.__module__, kind.__qualname__, fingerprint(kind), held])


def _decode_dataclass(data: bytes) -> Any:
    module, name, shape, held = unpack(data)
    kind: Any = _loaded(module, name)
    if fingerprint(kind) != shape or not dataclasses.is_dataclass(kind):
        raise Unreadable(f"{module}.{name} has another shape here")
    made: Any = object.__new__(cast(Any, kind))
    for item, content in zip(dataclasses.fields(kind), held, strict=True):
        object.__setattr__(made, item.name, content)  # frozen ones too, and no __post_init__ again
    return made


class _Open(threading.local):
    """Rows that are being encoded in this thread: those inside them may refer back to them."""

    def __init__(self) -> None:
        self.rows: list[Model] = []


_open: Final = _Open()


def _encode_model(value: Model) -> bytes:
    kind = type(value)
    held = value.__dict__
    every = _attributes(kind)
    names = [name for name in every if name in held]
    values = [held[name] for name in names]
    related = {
        key: item
        for key, item in value._state.fields_cache.items()
        if item is None or (isinstance(item, Model) and not _is_open(item))
    }
    prefetched = {
        name: [rows.model._meta.label, list(rows), _way_back(list(rows), value)]
        for name, rows in held.get(PREFETCHED, {}).items()
    }
    _open.rows.append(value)
    try:
        listed = None if len(names) == len(every) else names
        return pack([kind._meta.label, fingerprint(kind), listed, values, related, prefetched])
    finally:
        _open.rows.pop()


def _is_open(row: Model) -> bool:
    return any(row is other for other in _open.rows)


def _way_back(rows: list[Model], parent: Model) -> str:
    """The name under which prefetched rows hold the one they were fetched for."""
    cached = rows[0]._state.fields_cache if rows else {}
    return next((name for name, item in cached.items() if item is parent), "")


def _decode_model(data: bytes) -> Model:
    label, shape, names, values, related, prefetched = unpack(data)
    kind = _model(label)
    if names is None:
        names = _attributes(kind)
    # of the same shape, so the names are those of here, in the order of here
    if fingerprint(kind) != shape or len(names) != len(values):
        raise Unreadable(f"{label} has other fields here")
    made = _row(kind, names, values)
    if related:
        made._state.fields_cache.update(related)
    if prefetched:
        made.__dict__[PREFETCHED] = {
            name: _as_queryset(apps.get_model(of), rows)
            for name, (of, rows, _) in prefetched.items()
        }
        for _, rows, way_back in prefetched.values():
            for row in rows if way_back else ():
                row._state.fields_cache[way_back] = made
    return made


def _row(kind: Any, names: Sequence[str], values: list[Any]) -> Model:
    """A row as it was: like Django's own unpickling without `__init__`, where nobody is to see it.

    The values are those that stood in the instance, so no descriptor need convert them.
    """
    if not _is_made_plainly(kind) or _is_watched(kind):
        made: Model = kind.from_db(None, names, values)
        return made
    made = object.__new__(kind)
    state = made._state = ModelState()
    state.adding, state.db = False, None
    made.__dict__.update(zip(names, values, strict=True))
    return made


def _is_watched(kind: Any) -> bool:
    """Whether anybody wants to hear of rows that are made; mostly nobody does, of any."""
    return bool(pre_init.receivers or post_init.receivers) and (
        pre_init.has_listeners(kind) or post_init.has_listeners(kind)
    )


@functools.lru_cache(maxsize=1024)
def _is_made_plainly(kind: Any) -> bool:
    """Whether making a row of `kind` runs no code of the project's."""
    return (
        kind.__init__ is Model.__init__
        and kind.__new__ is object.__new__
        and kind.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    )


@functools.lru_cache(maxsize=1024)
def _attributes(kind: Any) -> tuple[str, ...]:
    return tuple(field.attname for field in kind._meta.concrete_fields)


@functools.lru_cache(maxsize=1024)
def _model(label: str) -> Any:
    return apps.get_model(label)


def _as_queryset(kind: Any, rows: list[Model]) -> Any:
    """Rows as `prefetch_related` leaves them: a queryset that has been evaluated."""
    found = kind._default_manager.all()
    found._result_cache = rows
    found._prefetch_done = True
    return found


def _decode_enum(data: bytes) -> enum.Enum:
    module, qualname, name = unpack(data)
    kind = _loaded(module, qualname)
    if not issubclass(kind, enum.Enum) or name not in kind.__members__:
        raise Unreadable(f"{module}.{qualname} has no member {name!r} here")
    return kind[name]


def _loaded(module: str, qualname: str) -> type:
    """A class that this process has; importing what a cache names would let it run code here."""
    # past every __getattr__: that of a module may import what it is asked for
    found: Any = sys.modules.get(module)
    for part in str(qualname).split("."):
        found = getattr(found, "__dict__", {}).get(part)
    if not isinstance(found, type):
        raise Unreadable(f"{module}.{qualname} is not loaded here")
    return found


def _big(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


_ENCODERS: Final[dict[type, tuple[Code, Callable[[Any], bytes]]]] = {
    Decimal: (Code.DECIMAL, lambda value: str(value).encode()),
    dt.datetime: (Code.DATETIME, _encode_datetime),
    dt.date: (Code.DATE, lambda value: value.isoformat().encode()),
    dt.time: (Code.TIME, _encode_time),
    dt.timedelta: (
        Code.TIMEDELTA,
        lambda value: pack([value.days, value.seconds, value.microseconds]),
    ),
    uuid.UUID: (Code.UUID, lambda value: value.bytes),
    tuple: (Code.TUPLE, lambda value: pack(list(value))),
    set: (Code.SET, lambda value: pack(list(value))),
    frozenset: (Code.FROZENSET, lambda value: pack(list(value))),
    int: (Code.BIG_INT, _big),
    SafeString: (Code.SAFE_TEXT, lambda value: str.__str__(value).encode("utf-8", "surrogatepass")),
}
_DECODERS: Final[dict[int, Callable[[bytes], Any]]] = {
    Code.DECIMAL: lambda data: Decimal(data.decode()),
    Code.DATETIME: _decode_datetime,
    Code.DATE: lambda data: dt.date.fromisoformat(data.decode()),
    Code.TIME: _decode_time,
    Code.TIMEDELTA: lambda data: dt.timedelta(*unpack(data)),
    Code.UUID: lambda data: uuid.UUID(bytes=data),
    Code.ENUM: _decode_enum,
    Code.TUPLE: lambda data: tuple(unpack(data)),
    Code.SET: lambda data: set(unpack(data)),
    Code.FROZENSET: lambda data: frozenset(unpack(data)),
    Code.BIG_INT: lambda data: int.from_bytes(data, "big", signed=True),
    Code.SAFE_TEXT: lambda data: SafeString(data.decode("utf-8", "surrogatepass")),
    Code.DATACLASS: _decode_dataclass,
    Code.MODEL: _decode_model,
}


def _decode(code: int, data: bytes) -> Any:
    decode = _DECODERS.get(code)
    if decode is None:
        raise Unreadable(f"an extension {code} that this release does not know")
    return decode(data)
