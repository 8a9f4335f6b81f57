"""Mutated photos: a seed number and a count give the same ones every time, each known by its own number.

The mutations of files in general, of each container and of metadata live in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from byte_mutations import EVERYWHERE
from container_mutations import BY_CONTAINER
from metadata_mutations import METADATA, TIFF, with_checksums
from seed_photos import Seed

from geoid.adapters.containers import container

Mutation = Callable[[Random, bytes], bytes]

KEPT_CHECKSUMS = 0.7
"""Share of the mutated PNG files that get right checksums: behind a wrong one nothing is read."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutated photo: its number, where it comes from, and the bytes."""

    number: int
    origin: str
    data: bytes

    @property
    def name(self) -> str:
        """A name for messages."""
        return f"mutant {self.number} ({self.origin})"


def mutant(seeds: Sequence[Seed], seed: int, number: int) -> Mutant:
    """The photo of this number: one, two or three mutations of one seed photo; each choice is the generator's."""
    rng = Random(f"{seed} {number}")
    origin = rng.choice(seeds)
    data, names = origin.data, [origin.name]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if data:
            mutation = _chosen(rng, data)
            data = mutation(rng, data)
            names.append(mutation.__name__)
    if rng.random() < KEPT_CHECKSUMS:
        data = with_checksums(data)
    return Mutant(number, ", then ".join(names), data)


def _chosen(rng: Random, data: bytes) -> Mutation:
    """A mutation that fits: one in four knows nothing, the others the container or the metadata."""
    found = container(data)
    fitting = TIFF if found == "TIFF" else BY_CONTAINER.get(found or "", ())
    group: Sequence[Mutation] = rng.choice((EVERYWHERE, METADATA, fitting or EVERYWHERE, fitting or EVERYWHERE))
    return rng.choice(group)
