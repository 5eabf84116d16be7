"""Settings from `twopass.toml`, the environment and the command line; the later one wins."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final

from .esi_rules import EsiRules
from .settings import Settings

SECRETS: Final = ("secret", "admin_token")
"""Never taken from a command line, where `ps` shows them."""

ENCODINGS: Final = ("br", "zstd", "gzip")

_SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class ConfigurationError(ValueError):
    """A setting that cannot be used; the message names it, where it came from, and the mend."""


def load(
    arguments: Mapping[str, Any], environment: Mapping[str, str], config: Path | None
) -> Settings:
    """The settings of this edge. Raises ConfigurationError."""
    known = {item.name: item for item in fields(Settings)}
    values: dict[str, Any] = {}
    if config is not None:
        for name, value in _from_file(config, known).items():
            values[name] = _convert(known[name], value, f"{config}: {name}")
    for name, item in known.items():
        variable = f"TWOPASS_{name.upper()}"
        if variable in environment:
            values[name] = _convert(item, environment[variable], variable)
    for name, value in arguments.items():
        if name in known and value is not None:
            values[name] = _convert(known[name], value, f"--{name.replace('_', '-')}")
    if not values.get("origin"):
        raise ConfigurationError(
            "no origin: say --origin http://127.0.0.1:8000, or TWOPASS_ORIGIN, or origin = … "
            "in twopass.toml"
        )
    return _checked(Settings(**{**values, "config": config}))


def parse_address(text: str, what: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8080` or `[::1]:8080`. Raises ConfigurationError."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(f"{what}: {text!r} is not HOST:PORT, such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _from_file(config: Path, known: Mapping[str, Field[Any]]) -> dict[str, Any]:
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{config}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{config}: not TOML: {error}") from error
    table = document.get("edge", document)
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ConfigurationError(f"{config}: unknown setting {unknown[0]!r}; see docs/edge.md")
    return dict(table)


def _convert(item: Field[Any], value: Any, source: str) -> Any:
    kind = str(item.type)
    try:
        if kind == "int":
            return _size(value)
        if kind == "float":
            number = float(value)
            if not 0 <= number < 1e9:
                raise ValueError("a duration in seconds, zero or more")
            return number
        if kind == "bool":
            return _flag(value)
        if kind.startswith("tuple"):
            return tuple(value.replace(",", " ").split() if isinstance(value, str) else value)
        if kind.startswith("Path"):
            return Path(value)
        if not isinstance(value, str):
            raise TypeError("text is due here")
    except (TypeError, ValueError) as error:
        shown = "the value" if item.name in SECRETS else repr(value)
        raise ConfigurationError(f"{source}: {shown} is not usable: {error}") from error
    return value


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError("a whole number is due here, sizes may end in K, M or G")
    text = str(value).strip().lower().removesuffix("ib").removesuffix("b")
    unit = text[-1:] if text[-1:] in _SIZES else ""
    number = int(text.removesuffix(unit)) * _SIZES[unit]
    if number < 0:
        raise ValueError("not below zero")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    flags = {"1": True, "true": True, "yes": True, "on": True}
    flags |= {"0": False, "false": False, "no": False, "off": False, "": False}
    if isinstance(value, str) and value.strip().lower() in flags:
        return flags[value.strip().lower()]
    raise ValueError("true or false")


def _checked(settings: Settings) -> Settings:
    for name in ("listen", "admin"):
        parse_address(getattr(settings, name), name)
    if not settings.origin.startswith(("http://", "https://", "unix:")):
        raise ConfigurationError(
            f"origin: {settings.origin!r} is not a URL such as http://127.0.0.1:8000"
        )
    if not settings.store.startswith("memory:"):
        raise ConfigurationError(f"store: {settings.store!r} is not known; this edge has memory:")
    if not 1 <= settings.workers <= 256:
        raise ConfigurationError(f"workers: {settings.workers} is not between 1 and 256")
    if unknown := [name for name in settings.encodings if name not in ENCODINGS]:
        raise ConfigurationError(
            f'encodings: {unknown[0]!r} is not one of {", ".join(ENCODINGS)}; none at all: ""'
        )
    if not 1 <= settings.bundles_per_page <= 64:
        raise ConfigurationError(
            f"bundles_per_page: {settings.bundles_per_page} is not between 1 and 64"
        )
    if settings.private_bytes_per_visitor > settings.private_bytes:
        raise ConfigurationError("private_bytes_per_visitor is larger than private_bytes")
    try:
        EsiRules.of(settings)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return settings
