"""A program that starts a whole stack, reports on it in one line of JSON, and ends as told.

Run by the clean-up tests with ``python stack_process.py ENDING``.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import devstack
from devstack.guard import descendants
from devstack.supervisor import supervisor


def shared_memory_segment(node: devstack.PostgresNode) -> int:
    return int((node.data_directory / "postmaster.pid").read_text().splitlines()[6].split()[1])


def main(ending: str) -> None:
    # A shell's background job, or nohup, hands these down ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with devstack.postgres(replicas=1) as cluster, devstack.redis() as server:
        cluster.primary.query("SELECT 1")
        report = {
            "user": os.geteuid(),
            "owner": cluster.primary.data_directory.stat().st_uid,
            "scratch": str(supervisor().scratch),
            "pids": descendants(os.getpid()),
            "segments": [shared_memory_segment(node) for node in cluster.nodes],
        }
        if ending == "frozen":
            for node in cluster.nodes:
                node.sigstop()
            server.freeze()
        print(json.dumps(report), flush=True)
        if ending == "error":
            raise RuntimeError("as asked")
        if ending == "thread":
            thread = threading.Thread(target=cluster.primary.restart)
            thread.start()
            thread.join()
            print(cluster.primary.query_value("SELECT 'alive'"), flush=True)
        if ending in ("wait", "frozen"):
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
