"""`geoid species`: what occurs at a place, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from geoid.cli.options import (
    AreasOption,
    Form,
    FormOption,
    JsonOption,
    area_flags,
    parse_date,
    parse_location,
    print_json,
    say,
)
from geoid.cli.reasons import MONTHS, months_text
from geoid.cli.tally import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geoid.core.local_list import LocalList, LocalTaxon
    from geoid.core.values import Coordinates
    from geoid.settings import Settings

EXAMPLES = (
    "Examples: geoid species --at 51.5,-0.12 --on 2024-05-01 · geoid species --at -1.29,36.82 --taxa Felidae · "
    "geoid species --at 35.68,139.69 --taxa birds --excluded · geoid species --at -33.9,18.4 --json"
)


def species(
    at: Annotated[str, typer.Option(metavar="LAT,LON", help="The place (degrees).")],
    on: Annotated[str | None, typer.Option(metavar="DATE", help="The date; its month counts.")] = None,
    taxa: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Only this group: Aves, birds, Felidae, cats.")
    ] = None,
    excluded: Annotated[bool, typer.Option("--excluded", help="List what does not occur, with the reason.")] = False,
    areas: AreasOption = None,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """List the taxa that occur at a place, as predict uses them."""
    from geoid import wiring
    from geoid.core.local_list import local_list, within

    place = parse_location(at).coordinates
    month = parse_date(on).value.month if on else None
    settings = wiring.open_settings(area_flags(areas)).settings
    found = local_list(wiring.open_species(settings), place, month)
    warn(found.lookup)
    if taxa is not None:
        found = found._replace(taxa=within(found.taxa, group_name(taxa, found.taxa, settings)))
    if json or form is Form.JSON:
        print_json(document(found, place, month))
        return
    _print_table([one for one in found.taxa if one.included is not excluded], excluded=excluded)
    say(summary(found, month))


def group_name(name: str, taxa: Sequence[LocalTaxon], settings: Settings) -> str:
    """The scientific name of a group; raises `UnknownTaxon` for a name that is none."""
    from geoid import wiring
    from geoid.core.naming import find_taxon

    names = {one.lower() for listed in taxa for one in listed.taxon.lineage.values()}
    if name.lower() in names:
        return name
    return find_taxon(name, wiring.open_taxa(settings)).scientific_name


def _print_table(taxa: Iterable[LocalTaxon], *, excluded: bool) -> None:
    """A line a taxon: scientific name, status, months, common name."""
    from geoid.core.text import printable

    for one in taxa:
        when = months_text(one.months) if one.months or not excluded else "-"
        names = printable(one.taxon.scientific_name), printable(one.taxon.common_name or "")
        print(f"{names[0]:<30}  {one.status:<13}  {when:<12}  {names[1]}".rstrip())


def summary(found: LocalList, month: int | None) -> str:
    """How many there are, how many the model knows, and what the rest are."""
    from collections import Counter

    included = sum(one.included for one in found.taxa)
    reasons = Counter(one.status.value for one in found.taxa if not one.included)
    rest = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    when = MONTHS[month - 1] if month else "the whole year"
    narrowing = found.narrowing
    if narrowing.status.value == "no-data-here":
        return f"no area data for this place, cell {found.cell}, release {narrowing.release}"
    domestic = sum(one.status.value == "domestic" for one in found.taxa)
    counted = (
        f"{included} {'taxon' if included == 1 else 'taxa'} in {when}, {domestic} of them kept by people everywhere"
    )
    known = f"{narrowing.known_to_model} of them known to the model"
    coverage = f"all groups: {narrowing.species_here} occur here in some month, {known}"
    return f"{counted}\n{coverage}; cell {found.cell}, release {narrowing.release}\nexcluded: {rest or 'none'}"


def document(found: LocalList, place: Coordinates, month: int | None) -> dict[str, object]:
    """The versioned JSON document."""
    narrowing = found.narrowing
    return {
        "format": 1,
        "place": {"latitude": place.latitude, "longitude": place.longitude},
        "cell": found.cell,
        "month": month,
        "release": narrowing.release,
        "status": narrowing.status.value,
        "coverage": {
            "species_here": narrowing.species_here,
            "known_to_model": narrowing.known_to_model,
            "density": narrowing.density,
        },
        "included": [_taxon(one) for one in found.taxa if one.included],
        "excluded": [_taxon(one) for one in found.taxa if not one.included],
    }


def _taxon(one: LocalTaxon) -> dict[str, object]:
    return {
        "scientific_name": one.taxon.scientific_name,
        "common_name": one.taxon.common_name,
        "rank": one.taxon.rank,
        "taxon_key": one.taxon.key,
        "geo_score": None if one.geo_score is None else round(one.geo_score, 6),
        "local_status": one.status.value,
        "months": list(one.months),
        "source": one.source,
        "introduced": one.status.value == "introduced",
    }
