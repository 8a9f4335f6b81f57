"""A process of its own that publishes a release, slowly enough to be killed; started by a test, never imported."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "contracts")]

from area_databases import PlainPack, release, releases_in  # noqa: E402 it runs by itself


class SlowPack(PlainPack):
    """A pack that says when it is at work and takes a moment for each thousand rows."""

    def rows(self, table):
        for number, row in enumerate(super().rows(table)):
            if number % 1000 == 0:
                print(table, number, flush=True)
                time.sleep(0.02)
            yield row


if __name__ == "__main__":
    with releases_in(sys.argv[1]) as store:
        store.publish(SlowPack(release(sys.argv[2], int(sys.argv[3]))))
        print("published", flush=True)
