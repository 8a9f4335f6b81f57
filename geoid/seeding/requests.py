"""What somebody asks of seeding, and what seeding says while it works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

SINCE = 1970
"""Records from before this year are dropped unless asked for."""


class Request(NamedTuple):
    """What to build a release from, and what to leave out."""

    sources: Sequence[str]
    """Paths, and `starter` for the release that ships with geoid."""

    name: str | None = None
    """The release's name; none: made of the first source's name and the digest."""

    since: int = SINCE
    taxa: str | None = None
    """Only taxa with this name in their lineage, such as Aves."""

    area: str | None = None
    """Only this area: `south,west,north,east` in degrees, or regions such as `KE TZ US-CA`."""

    accepted: frozenset[str] = frozenset()
    """Licences that were accepted by flag, such as `birdnet`."""


class Moment(NamedTuple):
    """How far a stage is: `reading` in bytes of the sources, `counting` and `publishing` in rows."""

    stage: str
    done: int
    total: int
    rows: int
    """Rows of the sources read so far."""


Watch = Callable[[Moment], None]
