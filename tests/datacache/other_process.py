"""Another process of the same application, which tests command line by line.

price KEY            read a cached price: JSON of value and level counts
invalidate GROUP     drop a group
hold KEY SECONDS     load slowly: says "holding" when the lease is taken
stampede KEY N       N threads read at once: JSON of the values and level counts
"""

import json
import os
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.datacache.settings"

from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

settings.DATACACHE = json.loads(sys.argv[1])
path = sys.argv[2]

import django  # noqa: E402

django.setup()

from origin.datacache import cached, snapshot  # noqa: E402
from origin.datacache.layers import get_levels  # noqa: E402


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def read_file() -> str:
    with open(path) as file:  # noqa: PTH123
        return file.read()


delay = 0.0


@cached(key="price:{name}", max_age=3600, stale=60, groups=("product:{name}",))
def price(name: str) -> str:
    found = read_file()
    if delay:
        say("holding")
        time.sleep(delay)
    return found


def main() -> None:
    global delay
    get_levels().listen()
    say("ready")
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "price":
            say([price(arguments[0]), snapshot()])
        elif command == "invalidate":
            get_levels().invalidate(arguments)
            say("done")
        elif command == "stampede":
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
