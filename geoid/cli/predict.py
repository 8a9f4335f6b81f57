"""`geoid predict`: which animal is in each photo."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoid.cli.maps import check_target, draw
from geoid.cli.options import (
    AreasOption,
    Format,
    FormatOption,
    JsonOption,
    ModeOption,
    area_flags,
    json_or,
    parse_capture,
    say,
)
from geoid.cli.quiet import quiet_libraries
from geoid.cli.tally import Tally
from geoid.cli.writers import open_writer, progress
from geoid.errors import UsageError

if TYPE_CHECKING:
    from geoid.core.pipeline import Pipeline
    from geoid.core.predictions import Outcome
    from geoid.core.values import Capture
    from geoid.settings import Settings

EXAMPLES = (
    "Examples: geoid predict photo.jpg · geoid predict photos/ --json · "
    "geoid predict 'trip/**/*.jpg' --at -1.29,36.82 --on 2024-07-14 · geoid predict photo.jpg --map where.svg"
)


@quiet_libraries()
def predict(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Files, folders, patterns, or - for stdin.")],
    at: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Where the photos were taken (degrees).")] = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="When: the local date, 2024-05-01.")] = None,
    location_mode: ModeOption = None,
    areas: AreasOption = None,
    map_to: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.svg", help="Draw where the answer occurs (one photo).")
    ] = None,
    top: Annotated[int | None, typer.Option(metavar="N", min=1, help="Candidates shown.  [default: 5]")] = None,
    form: FormatOption = Format.TABLE,
    json: JsonOption = False,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Model; geoid model list names them.")] = None,
    tiles: Annotated[bool | None, typer.Option("--tiles", help="Look at nine tiles too: small animals.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Threads.  [default: one for each core]")
    ] = None,
    require_location: Annotated[
        bool,
        typer.Option("--require-location", help="Exit with 66 if a photo has no usable place, 69 if it has no data."),
    ] = False,
    hide_location: Annotated[
        bool, typer.Option("--hide-location", help="Round the places shown to cells of 12,000 km2.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say on stderr what happened and when.")] = False,
) -> None:
    """Name the animal in each photo, best candidate first."""
    from geoid import telemetry, wiring

    form = json_or(form, json=json)
    given = parse_capture(at, on)
    settings = wiring.open_settings(
        {
            "predict.top": top,
            "predict.workers": workers,
            "model.name": model,
            "model.tiles": tiles,
            "log.level": "info" if verbose else None,
            **area_flags(areas, location_mode),
        }
    ).settings
    telemetry.configure(settings.log.level, settings.log.format)
    telemetry.new_request()
    single = wiring.is_single_photo(photos)
    if map_to and not single:
        raise UsageError("--map draws one photo", "give a single file")
    check_target(map_to)
    pipeline = wiring.open_pipeline(settings, wait=False)
    tally = Tally(hide_location=hide_location)
    try:
        with (
            open_writer(form, single=single, hide_location=hide_location) as write,
            closing(_outcomes(pipeline, photos, given, settings)) as outcomes,
        ):
            for outcome in outcomes:
                tally.count(outcome)
                write(outcome)
                if map_to:
                    draw(outcome, pipeline.areas, map_to, hide_location=hide_location)
    except KeyboardInterrupt:
        say(f"interrupted after {tally.photos} photos")
        raise
    tally.close(require_location=require_location)


def _outcomes(
    pipeline: Pipeline, arguments: Sequence[str], given: Capture, settings: Settings
) -> Generator[Outcome, None, None]:
    from geoid import wiring
    from geoid.core.batch import predict_many

    sources = list(wiring.find_photos(arguments, settings))
    workers = min(settings.predict.workers or wiring.cores(), max(len(sources), 1))
    with progress(len(sources)) as advance:
        for outcome in predict_many(pipeline, sources, given, workers):
            yield outcome
            advance()
