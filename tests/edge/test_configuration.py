"""Settings: file, environment, command line; what is wrong is named with its source."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edge.configuration import ConfigurationError, load, parse_address
from edge.settings import Settings, from_json, to_json

ORIGIN = {"origin": "http://127.0.0.1:8000"}


def test_defaults_are_safe() -> None:
    settings = load(ORIGIN, {}, None)

    assert settings.listen.startswith("127.0.0.1:")
    assert settings.admin.startswith("127.0.0.1:")
    assert settings.admin_token == ""
    assert settings.purge_from == settings.trusted_proxies == ()
    assert settings.store_bytes < 2**30


def test_the_command_line_wins_over_environment_over_file(tmp_path: Path) -> None:
    config = tmp_path / "twopass.toml"
    config.write_text('[edge]\norigin = "http://file"\nworkers = 2\nlog_level = "error"\n')
    environment = {"TWOPASS_WORKERS": "3", "TWOPASS_LOG_LEVEL": "debug", "UNRELATED": "1"}

    settings = load({"workers": "4", "log_format": None}, environment, config)

    assert (settings.origin, settings.workers, settings.log_level) == ("http://file", 4, "debug")


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000", 1000), ("64K", 65536), ("256M", 2**28), ("1g", 2**30), ("2MiB", 2**21)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert load(ORIGIN, {"TWOPASS_STORE_BYTES": text}, None).store_bytes == size


def test_lists_come_from_text_or_repetition() -> None:
    from_text = load(ORIGIN, {"TWOPASS_HOSTS": "a.example, b.example"}, None)
    from_options = load({**ORIGIN, "hosts": ["a.example", "b.example"]}, {}, None)

    assert from_text.hosts == from_options.hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TWOPASS_WORKERS": "many"}, "TWOPASS_WORKERS: 'many' is not usable"),
        ({"TWOPASS_WORKERS": "0"}, "between 1 and 256"),
        ({"TWOPASS_STORE_BYTES": "-5"}, "TWOPASS_STORE_BYTES"),
        ({"TWOPASS_ORIGIN_TIMEOUT": "nan"}, "TWOPASS_ORIGIN_TIMEOUT"),
        ({"TWOPASS_ORIGIN_TIMEOUT": "-1"}, "TWOPASS_ORIGIN_TIMEOUT"),
        ({"TWOPASS_ESI_STRICT": "perhaps"}, "true or false"),
        ({"TWOPASS_LISTEN": "8080"}, "not HOST:PORT"),
        ({"TWOPASS_LISTEN": "host:99999"}, "not HOST:PORT"),
        ({"TWOPASS_ORIGIN": "localhost:8000"}, "not a URL"),
        ({"TWOPASS_STORE": "tape:"}, "store"),
        ({"TWOPASS_ENCODINGS": "gzip lzma"}, "'lzma' is not one of br, zstd, gzip"),
        ({"TWOPASS_BUNDLES_PER_PAGE": "0"}, "bundles_per_page: 0 is not between 1 and 64"),
        ({"TWOPASS_PRIVATE_BYTES": "1"}, "private_bytes_per_visitor"),
    ],
)
def test_a_wrong_value_is_named_with_its_source(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(ORIGIN, {**environment}, None) if "TWOPASS_ORIGIN" not in environment else load(
            {}, environment, None
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("origin = ", "not TOML"),
        ('orgin = "http://x"', "unknown setting 'orgin'"),
        ("workers = true", "not usable"),
        ("listen = 8080", "not usable"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "twopass.toml"
    config.write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        load({}, {}, config)
    with pytest.raises(ConfigurationError, match=r"missing\.toml"):
        load({}, {}, tmp_path / "missing.toml")


def test_a_missing_origin_says_how_to_name_it() -> None:
    with pytest.raises(ConfigurationError, match="--origin"):
        load({}, {}, None)


def test_secrets_show_nowhere() -> None:
    settings = load(ORIGIN, {"TWOPASS_SECRET": "s" * 40, "TWOPASS_ADMIN_TOKEN": "t" * 40}, None)

    assert "sss" not in repr(settings)
    assert "ttt" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("", 80))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, "listen") == address


def test_settings_reach_workers_whole() -> None:
    values: dict[str, Any] = {"hosts": ("a", "b"), "secret": "s", "workers": 3, **ORIGIN}
    settings = Settings(**values)

    assert from_json(to_json(settings)) == settings


def test_every_setting_is_documented() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "edge.md").read_text()

    assert [item.name for item in fields(Settings) if f"`{item.name}`" not in text] == []
