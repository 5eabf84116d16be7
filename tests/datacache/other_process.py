"""Another process of the same application, which tests command line by line.

price KEY            read a cached price: JSON of value and level counts, and the seconds "slept"
invalidate GROUP     drop a group
hold KEY SECONDS     load slowly: says "holding" when the lease is taken
stampede KEY N SECS  N threads read at once what takes so long: JSON of values and level counts
"""

import json
import os
import sys
import time
import types

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.datacache.settings"

from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

settings.DATACACHE = json.loads(sys.argv[1])
path = sys.argv[2]

import django  # noqa: E402

django.setup()

from origin.datacache import cached, driving, snapshot  # noqa: E402
from origin.datacache.layers import get_levels  # noqa: E402


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def read_file() -> str:
    with open(path) as file:  # noqa: PTH123
        return file.read()


delay = pause = 0.0


@cached(key="price:{name}", max_age=3600, stale=60, groups=("product:{name}",))
def price(name: str) -> str:
    found = read_file()
    time.sleep(pause)
    if delay:
        say("holding")
        time.sleep(delay)
    return found


slept: list[float] = []


def sleep(seconds: float) -> None:
    slept.append(seconds)
    time.sleep(seconds)


def main() -> None:
    global delay, pause
    get_levels().listen()
    driving.time = types.SimpleNamespace(sleep=sleep)
    say("ready")
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "price":
            slept.clear()
            value = price(arguments[0])
            say([value, {**snapshot(), "slept": sum(slept)}])
        elif command == "invalidate":
            get_levels().invalidate(arguments)
            say("done")
        elif command == "stampede":
            pause = float(arguments[2])
            with ThreadPoolExecutor(int(arguments[1])) as pool:
                values = set(pool.map(price, [arguments[0]] * int(arguments[1])))
            say([sorted(values), snapshot()])
        elif command == "hold":
            delay = float(arguments[1])
            value = price(arguments[0])
            delay = 0.0
            say(value)


if __name__ == "__main__":
    main()
