"""The options of `geoid seed`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

KEEP, UNMATCHED = 2, 10
SINCE = 1970
"""As `geoid.seeding.requests` has it."""

STARTER = "starter"
"""The word for the release that ships with geoid."""


class Licence(StrEnum):
    """What is read only by those who accept its licence."""

    BIRDNET = "birdnet"


Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]...",
        help=f"Records, ranges, area packs, or {STARTER}, the release that ships with geoid. An area pack alone is "
        f"published as it is; of others a release is built.  [default: {STARTER}]",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where to: a folder, postgresql://… or a file NAME.areas.  [default: as the settings say]"
    ),
]
Name = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What to call the release.  [default: after the first source and the digest]"),
]
Since = Annotated[
    int | None,
    typer.Option(metavar="YEAR", min=0, max=9999, help=f"Leave out records from before.  [default: {SINCE}]"),
]
Taxa = Annotated[
    str | None, typer.Option(metavar="GROUP", help="Only taxa of a group, by its scientific name: Aves, Felidae.")
]
Area = Annotated[
    str | None,
    typer.Option(
        metavar="AREA", help="Only an area: south,west,north,east in degrees, or regions: KE, 'KE TZ', US-CA."
    ),
]
FailIf = Annotated[
    list[str] | None,
    typer.Option("--fail-if", metavar="LIMIT", help="Publish nothing if so: 'unmatched>5%', 'rows<1000'; repeatable."),
]
Accept = Annotated[
    list[Licence] | None, typer.Option(metavar="LICENCE", help="Accept the licence of a source: birdnet.")
]
Unmatched = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="List so many of the taxa that the model does not know.", show_default=True),
]
List = Annotated[bool, typer.Option("--list", help="List the releases that are there.")]
Rollback = Annotated[bool, typer.Option("--rollback", help="Put the release before this one in force.")]
Prune = Annotated[bool, typer.Option("--prune", help="Drop releases that are not needed any more.")]
Keep = Annotated[
    int | None, typer.Option(metavar="N", min=0, help=f"With --prune: keep the newest N.  [default: {KEEP}]")
]
Wait = Annotated[
    str | None, typer.Option(metavar="TIME", help="Try so long until the store answers and is free: 60s, 5m.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Build and say what would happen; change nothing.")]
