"""`geoid explain`: why a taxon is, or is not, in the answer to a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from geoid.cli.maps import show
from geoid.cli.options import (
    AreasOption,
    Form,
    FormOption,
    JsonOption,
    ModeOption,
    area_flags,
    parse_capture,
    print_json,
)
from geoid.cli.quiet import quiet_libraries
from geoid.cli.reasons import REMARKS, called, months_text, nearest, place_line
from geoid.cli.tally import warn
from geoid.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoid.core.explaining import Explanation

EXAMPLES = (
    'Examples: geoid explain photo.jpg --taxon "Panthera leo" · geoid explain photo.jpg --taxon lion --at 52.5,13.4 · '
    "geoid explain photo.jpg --taxon 'Eurasian jay' --at 51.5,-0.12 --on 2024-05-01 --json"
)


@quiet_libraries()
def explain(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="One photo, or - for stdin.")],
    taxon: Annotated[str, typer.Option(metavar="NAME", help="A scientific or common name.")],
    at: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Where the photo was taken (degrees).")] = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="When: the local date, 2024-05-01.")] = None,
    location_mode: ModeOption = None,
    areas: AreasOption = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Model; geoid model list names them.")] = None,
    hide_location: Annotated[
        bool, typer.Option("--hide-location", help="Round the places shown to cells of 12,000 km2.")
    ] = False,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """Say why a taxon is, or is not, in the answer to a photo."""
    from geoid import wiring
    from geoid.core.explaining import explain as explained
    from geoid.core.naming import find_taxon

    given = parse_capture(at, on)
    flags = {"model.name": model, **area_flags(areas, location_mode)}
    settings = wiring.open_settings(flags).settings
    if not wiring.is_single_photo([photo]):
        raise UsageError(f"{photo} is not one photo", "explain looks at a single file")
    wanted = find_taxon(taxon, wiring.open_taxa(settings))
    pipeline = wiring.open_pipeline(settings, wait=False)
    (source,) = wiring.find_photos([photo], settings)
    found = explained(pipeline, source.name, source.load(), wanted, given)
    warn(found.prediction.lookup)
    if json or form is Form.JSON:
        print_json(document(found, hide_location=hide_location))
        return
    for name, text in lines(found, hide_location=hide_location):
        print(f"{name:<10}  {text}")
    show(found.prediction, pipeline.areas, taxa=[found.taxon.key], hide_location=hide_location)


def lines(found: Explanation, *, hide_location: bool) -> Iterator[tuple[str, str]]:
    """The explanation in words, a line for each part."""
    from geoid.core.text import printable

    common = f" ({found.taxon.common_name})" if found.taxon.common_name else ""
    yield "photo", printable(found.prediction.photo.path)
    yield "taxon", f"{found.taxon.scientific_name}{common}, {found.taxon.rank}"
    yield "model", _model(found)
    if found.candidate is not None:
        yield "vision", f"score {found.candidate.vision_score:.3f} as {found.candidate.label}"
    yield "place", _place(found, hide_location)
    if found.candidate is not None:
        yield "ranking", _position(found)
    yield "answer", f"{_answer(found)}; {place_line(found.prediction, hide_location=hide_location)}"


def _model(found: Explanation) -> str:
    if not found.labels:
        return "has no class that shows it, so it can never be the answer"
    listed = ", ".join(found.labels[:3]) + (f" and {len(found.labels) - 3} more" if len(found.labels) > 3 else "")  # noqa: PLR2004
    return f"shows it in the class{'es' if len(found.labels) > 1 else ''} {listed}"


def _place(found: Explanation, hide_location: bool) -> str:
    local = found.local
    if local is None:
        status = found.prediction.narrowing.status.value
        return (
            place_line(found.prediction, hide_location=hide_location)
            if status != "applied"
            else "the area data does not list it"
        )
    member = "" if local.taxon.key == found.taxon.key else f"{local.taxon.scientific_name}: "
    text = member + REMARKS[local.status.value]
    if local.geo_score is not None:
        text += f", geo score {local.geo_score:.2f}"
    if local.months and local.source == "area":
        text += f", {months_text(local.months)}"
    if local.status.value == "not-recorded" and found.distance_km is not None and not hide_location:
        text += f", {nearest(found.distance_km)}"
    return text


def _position(found: Explanation) -> str:
    candidate = found.candidate
    if candidate is None:
        return "not among the candidates"
    several = f", as any of {len(candidate.covers)} ({called(candidate)})" if candidate.covers else ""
    return f"candidate {found.position}, combined score {candidate.combined_score:.3f}{several}"


def _answer(found: Explanation) -> str:
    ranking = found.prediction.ranking
    if ranking.answer is None:
        return ranking.status.value.replace("-", " ")
    name = ranking.answer.common_name or ranking.answer.taxon.scientific_name
    return f"{name} ({ranking.answer.score:.0%})"


def document(found: Explanation, *, hide_location: bool) -> dict[str, object]:
    """The versioned JSON document: the taxon's part, and the whole prediction."""
    from geoid.formats.documents import candidate_document, document

    local = found.local
    distance = found.distance_km
    return {
        "format": 1,
        "taxon": {
            "scientific_name": found.taxon.scientific_name,
            "common_name": found.taxon.common_name,
            "rank": found.taxon.rank,
            "taxon_key": found.taxon.key,
        },
        "classes": list(found.labels),
        "position": found.position,
        "candidate": found.candidate and candidate_document(found.candidate),
        "local": local
        and {
            "local_status": local.status.value,
            "geo_score": local.geo_score,
            "months": list(local.months),
            "source": local.source,
        },
        "distance_km": None if distance is None or hide_location else round(distance),
        "explanation": dict(lines(found, hide_location=hide_location)),
        "prediction": document(found.prediction, hide_location=hide_location),
    }
