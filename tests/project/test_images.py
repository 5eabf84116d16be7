"""docker-compose.yml and the images, as far as can be shown without a Docker engine.

The compose file is checked by Docker's own client where there is one and by its structure
everywhere; the Dockerfiles' COPY lines by building and starting from exactly those files; the
PostgreSQL scripts by running them on real servers.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.utils import canonicalize_name

from devstack import PostgresCluster, PostgresNode
from devstack.ports import claim_port
from devstack.supervisor import supervisor
from tests.project.checkout import ROOT
from tests.project.test_imports import PROGRAM, hidden_without
from tests.project.test_lock import pins

COMPOSE = ROOT / "docker-compose.yml"
SECRET = re.compile(r"\$\{([A-Z_]*(?:SECRET|PASSWORD|TOKEN|KEY)[A-Z_]*)")


@cache
def environment_file() -> dict[str, str]:
    """What ``scripts/env`` prints."""
    printed = subprocess.run([ROOT / "scripts/env"], capture_output=True, text=True, check=True)
    lines = [line for line in printed.stdout.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@cache
def compose_client() -> tuple[str, ...] | None:
    """``docker compose``, else Debian's ``docker-compose``, else nothing."""
    for command in (("docker", "compose"), ("docker-compose",)):
        version = [*command, "version"]
        if shutil.which(command[0]) and not subprocess.run(version, capture_output=True).returncode:
            return command
    return None


@pytest.fixture
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return loaded


def configured(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = compose_client()
    assert command is not None
    return subprocess.run(
        [*command, "--file", str(COMPOSE), "config"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        cwd="/",
    )


@pytest.mark.skipif(compose_client() is None, reason="Docker's compose client is not installed")
def test_docker_accepts_the_compose_file() -> None:
    done = configured(environment_file())
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(compose_client() is None, reason="Docker's compose client is not installed")
@pytest.mark.parametrize("name", sorted(set(SECRET.findall(COMPOSE.read_text()))))
def test_a_missing_secret_stops_it_and_says_what_to_do(name: str) -> None:
    environment = {key: value for key, value in environment_file().items() if key != name}
    done = configured(environment)
    assert done.returncode != 0
    assert "make .env first with scripts/env > .env" in done.stderr


def test_every_secret_is_new_and_comes_from_the_environment() -> None:
    named = set(SECRET.findall(COMPOSE.read_text()))
    assert named <= set(environment_file())
    values = [environment_file()[name] for name in named]
    assert len(set(values)) == len(named)
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in values)
    assert all(f"\n{name}=\n" in (ROOT / ".env.example").read_text() for name in named)


def test_only_the_edge_is_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"edge": ["127.0.0.1:8080:8080", "127.0.0.1:9000:9000"]}
    outside = [name for name, service in services.items() if "outside" in service["networks"]]
    assert outside == ["edge"]


def test_a_primary_two_replicas_redis_origin_and_edge(services: dict[str, Any]) -> None:
    assert {"edge", "origin", "primary", "replica1", "replica2", "redis"} <= set(services)
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in ("service_healthy", "service_completed_successfully"), name
            assert has_healthcheck(services[other]) or other == "seed"


def has_healthcheck(service: dict[str, Any]) -> bool:
    if "healthcheck" in service:
        return "test" in service["healthcheck"]
    build = service["build"]
    dockerfile = f"{build}/Dockerfile" if isinstance(build, str) else build["dockerfile"]
    return "HEALTHCHECK" in (ROOT / dockerfile).read_text()


def copied(dockerfile: str, target: Path) -> Path:
    """A folder with what the Dockerfile copies from the build context."""
    text = (ROOT / "docker" / dockerfile).read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, destination = line.split()
        for source in map(ROOT.__truediv__, sources):
            place = target / destination
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place = place / source.name if destination.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    return target


def test_what_docker_leaves_out_is_not_copied() -> None:
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for dockerfile in ("edge.Dockerfile", "storefront.Dockerfile"):
        text = (ROOT / "docker" / dockerfile).read_text()
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
            assert {source.split("/")[0] for source in line.split()[:-1]} <= kept


def test_the_edge_image_has_what_the_wheel_is_made_of(tmp_path: Path) -> None:
    source = copied("edge.Dockerfile", tmp_path / "src")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "build", "--no-isolation", "--wheel"),
            *("--outdir", str(tmp_path / "dist"), str(source)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name.split("-")[0] for path in (tmp_path / "dist").iterdir()] == ["twopass"]


def substituted(environment: dict[str, str]) -> dict[str, str]:
    """A service's environment as Compose fills it in."""
    return {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda match: environment_file()[match[1]], value)
        for name, value in environment.items()
    }


def test_the_storefront_image_has_what_the_shop_imports(
    tmp_path: Path, services: dict[str, Any]
) -> None:
    """``manage check`` from the copied files, with only the locked packages to be seen."""
    source = copied("storefront.Dockerfile", tmp_path / "app")
    hidden = hidden_without({canonicalize_name(name) for name in pins("storefront")})
    job = {"modules": ["examples.storefront.wsgi"], "hidden": sorted(hidden | {"edge"}), "apps": []}
    program = PROGRAM + (
        "assert not failures, failures\n"
        "from django.core.management import call_command\n"
        "call_command('check')\n"
    )
    environment = {
        "PATH": os.defpath,
        # With -S: the copied files and the dependencies, but not the checkout's editable install.
        "PYTHONPATH": f"{source}{os.pathsep}{Path(yaml.__file__).parents[1]}",
        "STOREFRONT_VAR": str(tmp_path / "var"),
        **substituted(services["origin"]["environment"]),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, json.dumps(job)],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def script_environment(node: PostgresNode) -> dict[str, str]:
    return {
        "PATH": f"{node.programs.folder}{os.pathsep}{os.defpath}",
        "PGHOST": node.host,
        "PGPORT": str(node.port),
        "POSTGRES_USER": node.user,
        "PGDATA": str(node.data_directory),
        "SHOP_PASSWORD": 'it\'s "one"',
        "REPLICATION_PASSWORD": "another $one",
        "HOSTNAME": "replica7",
        "PRIMARY_HOST": node.host,
    }


def test_the_postgresql_scripts_make_a_primary_and_a_replica(
    fresh_postgres_cluster: PostgresCluster,
) -> None:
    primary = fresh_postgres_cluster.primary
    scripts = ROOT / "docker/postgresql"
    environment = script_environment(primary)
    run = {"env": environment, "check": True, "capture_output": True}
    subprocess.run(["bash", "-s"], input=(scripts / "primary.sh").read_bytes(), **run)  # type: ignore[call-overload]
    primary.query("SELECT pg_reload_conf()")
    owner = primary.query_value(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"
    )
    roles = primary.query(
        "SELECT rolname, rolsuper, rolreplication FROM pg_roles"
        " WHERE rolname IN ('shop', 'replicator') ORDER BY 1"
    )
    assert (owner, roles) == ("shop", [["replicator", "f", "t"], ["shop", "f", "f"]])
    rules = (primary.data_directory / "pg_hba.conf").read_text()
    assert "host replication replicator samenet scram-sha-256" in rules

    data = supervisor().make_directory("compose")
    with claim_port() as claim:
        environment["PGDATA"] = str(data)
        replica = supervisor().start(
            [
                *("env", *(f"{name}={value}" for name, value in environment.items())),
                *("bash", "-c", (scripts / "replica.sh").read_text(), "replica"),
                *("-c", f"port={claim.port}", "-c", f"unix_socket_directories={data}"),
            ],
            log=data.with_suffix(".log"),
            cwd=data,
        )
        try:
            primary.query("CREATE TABLE shoe ()")
            check = (
                "SELECT pg_is_in_recovery(), current_setting('cluster_name'), to_regclass('shoe')"
            )
            assert eventually(primary, claim.port, check) == "t|replica7|shoe\n", replica.log_tail()
        finally:
            replica.kill()


def eventually(node: PostgresNode, port: int, sql: str) -> str:
    """The query's output once the server on ``port`` answers with the table there."""
    url = f"postgresql://{node.user}@{node.host}:{port}/postgres"
    for _ in range(600):
        done = subprocess.run(
            [node.programs.path("psql"), "-XAt", "-d", url, "-c", sql],
            capture_output=True,
            text=True,
        )
        if done.stdout.strip().endswith("shoe"):
            return done.stdout
        time.sleep(0.1)
    return done.stdout + done.stderr
