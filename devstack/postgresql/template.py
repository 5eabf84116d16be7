"""A freshly initialised data directory, made once per process and copied for every node.

Primary and replicas of a cluster start as copies of the same directory: the same system
identifier and the same checkpoint, so a replica streams from the first record on. That takes
a tenth of the time of ``initdb`` and two ``pg_basebackup`` runs.
"""

import os
import subprocess
import threading
from pathlib import Path

from devstack.errors import ServerFailed
from devstack.postgresql.programs import PostgresPrograms
from devstack.supervisor import supervisor

SUPERUSER = "postgres"
BASE_SETTINGS = """
# devstack: speed over durability, quick to notice a peer that went away or came back
fsync = off
full_page_writes = off
autovacuum = off
jit = off
shared_buffers = 32MB
max_connections = 100
listen_addresses = '127.0.0.1'
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
dynamic_shared_memory_type = mmap  # inside the data directory, so it goes away with it
wal_level = replica
max_wal_senders = 10
wal_keep_size = 512MB
hot_standby = on
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
"""

_lock = threading.Lock()
_templates: dict[tuple[Path, Path], Path] = {}


def copy_template(programs: PostgresPrograms, target: Path) -> None:
    """Makes ``target`` a new data directory with the base settings.

    Raises:
        ServerFailed: initdb or the copy failed.
    """
    template = _template_for(programs)
    # cp shares blocks where the file system can.
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["cp", "-a", "--reflink=auto", str(template), str(target)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath},
        **supervisor().account.popen_options(),
    )
    if done.returncode:
        raise ServerFailed(f"could not copy the data directory: {done.stderr.strip()}")


def _template_for(programs: PostgresPrograms) -> Path:
    stack = supervisor()
    with _lock:
        key = (stack.scratch, programs.folder)
        if key not in _templates:
            _templates[key] = _initialise(programs, stack.make_directory("template"))
        return _templates[key]


def _initialise(programs: PostgresPrograms, parent: Path) -> Path:
    data = parent / "data"
    programs.run(
        "initdb",
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--locale=C",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    )
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(BASE_SETTINGS)
    return data
