"""What can be wrong with a network, and what came by on it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """What becomes of connections."""

    OPEN = "open"
    BLACKHOLE = "blackhole"
    RESET = "reset"
    CUT = "cut"


@dataclass(frozen=True)
class Faults:
    """What is wrong with the network.

    `latency` is what a round trip takes longer, half of it each way, and `jitter` the most that is added to it at
    random, both in seconds; `rate` is bytes per second, for each direction of each connection, 0 without limit.
    Setting up a connection is not delayed, only what is said on it. Modes other than `open`:
    `blackhole`: connections stay, new ones are accepted, and no byte arrives until it is over;
    `reset`: connections are reset, new ones too;
    `cut`: connections are closed, and new ones are refused.
    """

    mode: Mode = Mode.OPEN
    latency: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0

    @property
    def immediate(self) -> bool:
        """Whether bytes go on as they come."""
        return self.mode is Mode.OPEN and not (self.latency or self.jitter or self.rate)

    def delay(self) -> float:
        """How long a chunk is under way, in seconds."""
        return self.latency / 2 + (random.uniform(0, self.jitter / 2) if self.jitter else 0.0)  # noqa: S311


class Counts(NamedTuple):
    """What came by since the start; up is from client to server, a chunk is what arrived at once."""

    connections: int = 0
    connected: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    chunks_up: int = 0
    chunks_down: int = 0
