"""The report: ratios and goals first, any set of results, nothing unescaped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.report import words, write
from benchmarks.report.bars import Scale, bars
from benchmarks.report.configurations import FOLDER
from benchmarks.report.lines import nines, over_time, percentiles
from benchmarks.results import Goal, Result


def row(median: float) -> dict[str, float]:
    return {"median": median, "min": median * 0.9, "max": median * 1.1}


def document(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "scenario": "hit",
        "what": "A page.",
        "machine": {"processor": "x <y>", "cores": 2, "memory_gib": 4},
        "versions": {"python": "3.11"},
        "seconds": 1.0,
        "rounds": {
            "twopass": [{"p50_ms": 1.0, "requests_per_second": 9000.0}],
            "django": [{"p50_ms": 90.0, "requests_per_second": 100.0, "other": 1.0}],
        },
    }
    made: dict[str, Any] = json.loads(json.dumps(Result(**(values | changes)).to_json()))
    return made


def reported(tmp_path: Path, *documents: dict[str, Any]) -> tuple[str, str]:
    html, markdown = write(documents, tmp_path / "r.html", tmp_path / "r.md")
    return html.read_text(), markdown.read_text()


def test_every_contestant_is_shown_and_everything_escaped(tmp_path: Path) -> None:
    goal = Goal("faster <i>", "twopass", "requests_per_second", at_least=10_000)
    page, text = reported(tmp_path, document(goals=(goal,), notes=["nginx was left out"]))

    assert "x &lt;y&gt;" in page
    assert "faster &lt;i&gt;" in page
    assert "<i>" not in page
    for expected in ("twopass", "django", "nginx was left out", "missed, 10% short", "90 \u00d7"):
        assert expected in page
        assert expected in text
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)


def test_what_matters_comes_first(tmp_path: Path) -> None:
    page, text = reported(tmp_path, document())

    assert text.index("pages per second") < text.index("p50, ms")
    assert page.index('class="tiles"') < page.index("<svg")


def test_a_peer_without_the_first_metric_has_a_ratio_all_the_same(tmp_path: Path) -> None:
    rounds = {"twopass": [{"hit_us": 1.0, "warm_us": 4.0}], "cacheops": [{"warm_us": 400.0}]}
    goal = Goal("w", "twopass", "hit_us", at_most=2)
    page, text = reported(tmp_path, document(rounds=rounds, goals=(goal,)))

    assert "- **1/100** warm, \u00b5s, twopass/cacheops" in text
    assert "<b>1/100</b>" in page


def test_what_goals_are_about_comes_before_all_else() -> None:
    goal = Goal("w", "django", "other", at_most=2)

    assert words.metrics_of(document()) == ["requests_per_second", "p50_ms", "other"]
    assert words.metrics_of(document(goals=(goal,)))[0] == "other"


def test_a_table_of_markdown_has_as_many_cells_in_each_line(tmp_path: Path) -> None:
    many = {f"metric_{n}": float(n) for n in range(12)}
    wide = document(scenario="wide", rounds={"twopass": [many], "django": [many]})
    _, text = reported(tmp_path, document(), wide)
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)

    assert len(tables) >= 3
    for table in tables:
        lines = table.splitlines()
        assert re.fullmatch(r"\|(?:-+:?\|)+", lines[1])
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_results_of_any_set_and_age_are_reported(tmp_path: Path) -> None:
    older = document()
    del older["series"]
    lonely = document(rounds={"twopass": [{"purge_ms": 3.0}]}, scenario="purge")

    page, text = reported(tmp_path, older, lonely)
    assert "purge, ms" in page
    assert "purge, ms" in text
    nothing, _ = reported(tmp_path)
    assert "<section" not in nothing


def test_each_result_says_when_and_from_which_commit_it_is(tmp_path: Path) -> None:
    older = document(scenario="older")
    del older["commit"], older["began"]
    newer = document(commit="0123456789ab with changes", began="2026-11-24 19:10 UTC")

    for text in reported(tmp_path, older, newer):
        assert "Measured: not recorded; commit: not recorded." in text
        assert "Measured: 2026-11-24 19:10 UTC; commit: 0123456789ab with changes." in text


def test_medians_of_the_page_come_with_their_spread(tmp_path: Path) -> None:
    _, text = reported(
        tmp_path, document(rounds={"twopass": [{"rate": 1000.0}, {"rate": 3000.0}, {"rate": 2.0}]})
    )

    assert "| twopass | 1,000 (2 to 3,000) |" in text


def test_the_configurations_of_peers_are_shown(tmp_path: Path) -> None:
    page, _ = reported(tmp_path, document())

    for file in ("nginx.conf", "varnish.vcl", "storefront.vcl", "purge.vcl", "settings.py"):
        assert f"/{file}</summary>" in page
    assert "return (purge);" in page
    # a peer whose configuration is written anywhere else would not be shown
    inline = [
        path.name for path in FOLDER.parents[1].rglob("*.py") if "vcl 4.1" in path.read_text()
    ]
    assert inline == []


def test_samples_over_time_are_drawn(tmp_path: Path) -> None:
    line = [(10.0 * at, 100.0 + at) for at in range(30)]
    page, _ = reported(tmp_path, document(series={"twopass": {"edge_memory_mib": line}}))

    assert "edge memory, MiB over the run" in page
    assert "4 min" in page


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("requests_per_second", "pages per second"),
        ("requests_per_second_200kb", "pages per second, at 200 kB"),
        ("p99_9_ms", "p99.9, ms"),
        ("first_byte_ms", "first byte, ms"),
        ("edge_memory_mib", "edge memory, MiB"),
        ("queries_per_page", "queries per page"),
        ("row_hit_us", "row hit, \u00b5s"),
    ],
)
def test_metrics_have_names_for_people(metric: str, told: str) -> None:
    assert words.label(metric) == told


@pytest.mark.parametrize(
    ("metric", "low"),
    [("p50_ms", True), ("bytes_per_response_200kb", True), ("requests_per_second", False),
     ("origin_requests_per_page", True), ("held_pages_per_second", False), ("seconds", True),
     ("cpu_ms_per_page", True), ("renderings_per_page", True), ("page_hit_share", False)],
)  # fmt: skip
def test_whether_less_is_better(metric: str, low: bool) -> None:
    assert words.is_better_low(metric) is low


@pytest.mark.parametrize(
    ("goal", "measured", "met", "told"),
    [
        ("≥ 3", 6.0, True, "met, 2 \u00d7 the goal"),
        ("≥ 8", 2.0, False, "missed, 75% short"),
        ("≤ 60", 69.0, False, "missed, 15% over"),
        ("≤ 60", 30.0, True, "met, 50% of what is allowed"),
        ("≤ 0", 2.0, False, "missed by 2"),
        ("≤ 0", 0.0, True, "exactly"),
    ],
)
def test_by_how_much(goal: str, measured: float, met: bool, told: str) -> None:
    assert words.margin({"goal": goal, "measured": measured, "met": met}) == told


@pytest.mark.parametrize(
    ("ratio", "told"),
    [(12.34, "12.3 \u00d7"), (0.5, "0.5 \u00d7"), (0.02, "1/50"), (1234.0, "1,234 \u00d7")],
)
def test_factors(ratio: float, told: str) -> None:
    assert words.factor(ratio) == told


def test_the_scale_is_logarithmic_where_values_are_far_apart() -> None:
    near, far = Scale.of([10.0, 100.0]), Scale.of([10.0, 1000.0])

    assert (near.is_log, far.is_log) == (False, True)
    assert far.place(1000.0) - far.place(100.0) == pytest.approx(far.place(100.0) - far.place(10.0))
    assert near.place(100.0) == far.place(1000.0)
    assert bars({"a": {"m": row(0.0)}}, "m") == ""
    assert bars({"a": {"m": row(1.0)}}, "other") == ""


def test_each_further_nine_takes_the_same_room() -> None:
    assert [round(nines(p), 6) for p in (90, 99, 99.9)] == [1, 2, 3]
    curve = {name: row(1.0) for name in ("p50_ms", "p90_ms", "p99_ms", "p99_9_ms")}
    assert "twopass" in percentiles({"twopass": curve, "django": {"p50_ms": row(1.0)}})
    assert percentiles({"django": {"p50_ms": row(1.0)}}) == ""
    assert over_time({"twopass": []}, "m") == ""
