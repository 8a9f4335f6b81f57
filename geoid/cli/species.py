"""`geoid species`: what occurs at a place, and what does not; where a taxon occurs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from geoid.cli.maps import check_target, print_map, write
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
from geoid.cli.reasons import MONTHS, coverage, months_text
from geoid.cli.tally import warn
from geoid.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geoid.cli.distribution import Here
    from geoid.core.distribution import Distribution
    from geoid.core.local_list import LocalList, LocalTaxon
    from geoid.core.values import Coordinates
    from geoid.settings import Settings

EXAMPLES = (
    "Examples: geoid species --at 51.5,-0.12 --on 2024-05-01 · geoid species --at -1.29,36.82 --taxa Felidae · "
    "geoid species --at 35.68,139.69 --taxa birds --excluded · geoid species --taxon lion --map lion.svg · "
    "geoid species --taxon lion --at -33.9,18.4 --json"
)
NEITHER = "give --at LAT,LON for what occurs at a place, --taxon NAME for where a taxon occurs, or both"


class Asked(NamedTuple):
    """The place and the month that were asked about, if any."""

    place: Coordinates | None
    month: int | None


def species(
    at: Annotated[str | None, typer.Option(metavar="LAT,LON", help="The place (degrees).")] = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="The date; its month counts.")] = None,
    taxa: Annotated[
        str | None, typer.Option(metavar="GROUP", help="List only this group: Aves, birds, Felidae, cats.")
    ] = None,
    excluded: Annotated[bool, typer.Option("--excluded", help="List what does not occur, with the reason.")] = False,
    taxon: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead of a list: where this taxon, or group, occurs.")
    ] = None,
    map_to: Annotated[Path | None, typer.Option("--map", metavar="FILE.svg", help="Draw where --taxon occurs.")] = None,
    areas: AreasOption = None,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """List the taxa that occur at a place, as predict uses them, or say where a taxon occurs."""
    from geoid import wiring

    _check(at, on, taxon, map_to, lists=taxa is not None or excluded)
    asked = Asked(parse_location(at).coordinates if at else None, parse_date(on).value.month if on else None)
    settings = wiring.open_settings(area_flags(areas)).settings
    as_json = json or form is Form.JSON
    if taxon is not None:
        _tell(taxon, asked, settings, map_to, as_json=as_json)
    else:
        _list(asked, taxa, settings, as_json=as_json, excluded=excluded)


def _check(at: str | None, on: str | None, taxon: str | None, map_to: Path | None, *, lists: bool) -> None:
    """Raise `UsageError` for options that do not go together."""
    if at is None and taxon is None:
        raise UsageError("neither a place nor a taxon is given", NEITHER)
    if at is None and on is not None:
        raise UsageError("--on is the date at a place, and no place is given", "add --at LAT,LON")
    if taxon is not None and lists:
        raise UsageError("--taxa and --excluded are for lists, --taxon asks about one taxon", "leave one of them out")
    if taxon is None and map_to is not None:
        raise UsageError("--map draws where a taxon occurs, and none is given", "add --taxon NAME")
    check_target(map_to)


def _list(asked: Asked, group: str | None, settings: Settings, *, as_json: bool, excluded: bool) -> None:
    """What occurs at the place."""
    from geoid import wiring
    from geoid.core.local_list import local_list, within

    assert asked.place is not None
    found = local_list(wiring.open_species(settings), asked.place, asked.month)
    warn(found.lookup)
    if group is not None:
        found = found._replace(taxa=within(found.taxa, group_name(group, found.taxa, settings)))
    if as_json:
        print_json(document(found, asked.place, asked.month))
        return
    _print_table([one for one in found.taxa if one.included is not excluded], excluded=excluded)
    say(summary(found, asked.month))


def _tell(name: str, asked: Asked, settings: Settings, map_to: Path | None, *, as_json: bool) -> None:
    """Where the taxon occurs."""
    from geoid import wiring
    from geoid.cli.distribution import at_place, lines, view
    from geoid.core.distribution import distribution
    from geoid.core.local_list import local_list
    from geoid.core.text import printable

    areas = wiring.open_species(settings)
    found, here = distribution(areas, name, wiring.open_taxa(settings)), None
    if asked.place is not None:
        listed = local_list(areas, asked.place, asked.month)
        warn(listed.lookup)
        here = at_place(found, listed, asked.place, asked.month)
    if as_json:
        print_json(taxon_document(found, here))
    else:
        for part, text in lines(found, here):
            print(f"{part:<10}  {printable(text)}")
        print_map(view(found, here))
    if map_to:
        write(view(found, here), map_to)


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
    rest = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    when = MONTHS[month - 1] if month else "the whole year"
    narrowing = found.narrowing
    if narrowing.status.value == "no-data-here":
        return f"no area data for this place, cell {found.cell}, release {narrowing.release}"
    domestic = sum(one.status.value == "domestic" for one in found.taxa)
    counted = f"{included:,} {'taxon' if included == 1 else 'taxa'} in {when}"
    where = f"cell {found.cell}, release {narrowing.release}"
    return (
        f"{counted}, {domestic:,} of them kept by people everywhere\n"
        f"all groups: {coverage(narrowing)}; {where}\nexcluded: {rest or 'none'}"
    )


def document(found: LocalList, place: Coordinates, month: int | None) -> dict[str, object]:
    """The versioned JSON document of a list."""
    return {
        "format": 1,
        "place": _place(place),
        "cell": found.cell,
        "month": month,
        "release": found.narrowing.release,
        "status": found.narrowing.status.value,
        "coverage": _coverage(found),
        "included": [_taxon(one) for one in found.taxa if one.included],
        "excluded": [_taxon(one) for one in found.taxa if not one.included],
    }


def taxon_document(found: Distribution, here: Here | None) -> dict[str, object]:
    """The versioned JSON document of a taxon; what is said of a place is null without one."""
    taxon, distance = found.taxon, here and here.distance_km
    return {
        "format": 1,
        "taxon": {
            "scientific_name": taxon.scientific_name,
            "common_name": taxon.common_name,
            "rank": taxon.rank,
            "taxon_key": taxon.key,
        },
        "release": found.release.name,
        "kind": found.release.kind.value,
        "evidence": found.evidence.value,
        "members": [one.key for one in found.members],
        "occurrences": found.occurrences,
        "cells": found.size(),
        "place": here and _place(here.place),
        "cell": here and here.listed.cell,
        "month": here and here.month,
        "status": here and here.listed.narrowing.status.value,
        "coverage": here and _coverage(here.listed),
        "local": here and here.local and _taxon(here.local),
        "distance_km": None if distance is None else round(distance),
    }


def _place(place: Coordinates) -> dict[str, float]:
    return {"latitude": place.latitude, "longitude": place.longitude}


def _coverage(found: LocalList) -> dict[str, int | None]:
    narrowing = found.narrowing
    return {
        "species_here": narrowing.species_here,
        "known_to_model": narrowing.known_to_model,
        "density": narrowing.density,
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
