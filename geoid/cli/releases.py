"""How `geoid seed` shows releases: the answer on stdout, what there is to say about it on stderr, or JSON."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from geoid.cli import seed_report
from geoid.cli.options import print_json, say

if TYPE_CHECKING:
    from geoid.core.releases import ListedRelease, Pointer
    from geoid.seeding.reports import SeedReport

Action = Literal["seed", "dry-run", "rollback", "prune"]
DIGITS = 12
"""So many of a digest's digits tell releases apart."""


class Report(NamedTuple):
    """What an action did; `rows` are those of the pack by table, `bytes` its size, `seconds` what publishing took.

    `published` is false where the release was there already; after a dry run, whether it would have been written.
    A release that is written to a `file` is not published, and nothing is put in force.
    """

    action: Action
    target: str
    release: str | None = None
    digest: str | None = None
    published: bool = False
    in_force: str | None = None
    previous: str | None = None
    rows: Mapping[str, int] | None = None
    bytes: int | None = None
    seconds: float | None = None
    dropped: Sequence[str] = ()
    remarks: Sequence[str] = ()
    file: str | None = None


class Listing(NamedTuple):
    """The releases of a store, and which are in force and before."""

    target: str
    releases: Sequence[ListedRelease]
    pointer: Pointer | None


def show_report(report: Report, as_json: bool, built: SeedReport | None = None) -> None:
    """Write what an action did; where it built a release, the document holds the report on that too."""
    from geoid.core.text import printable

    if as_json:
        print_json({"format": 1, **report._asdict(), **seed_report.document(built)})
    elif report.action == "dry-run":
        print(_plan(report))
    elif report.action == "prune":
        _show_pruned(report)
    elif report.file is not None:
        print(f"wrote {printable(report.file)}")
        say(f"{report.release}, digest {(report.digest or '')[:DIGITS]}, {_size(report)} in {report.seconds:.1f} s")
    else:
        print(f"{printable(report.in_force or 'nothing')} is in force")
        said = [] if report.action == "rollback" else [_published(report)]
        say("; ".join([*said, f"before it: {report.previous or 'none'}; {report.target}"]))
        for remark in report.remarks:
            say(f"warning: {remark}")


def _published(report: Report) -> str:
    if not report.published:
        return "already there"
    return f"published {_size(report)} in {report.seconds:.1f} s"


def _size(report: Report) -> str:
    rows = ", ".join(f"{count} {table}" for table, count in (report.rows or {}).items())
    return f"{rows}, {(report.bytes or 0) / 1e6:.1f} MB"


def _plan(report: Report) -> str:
    """What would happen, a line each: the release, where it would go, what it would replace."""
    from geoid.core.text import printable

    lines = (
        f"release  {printable(report.release or '')}, digest {(report.digest or '')[:DIGITS]}",
        f"rows     {_size(report)}",
        f"target   {printable(report.target)}",
        f"plan     {_consequence(report)}; nothing was changed",
    )
    return "\n".join(lines)


def _consequence(report: Report) -> str:
    """What a run would change."""
    if report.file is not None:
        there = os.path.exists(report.file)
        return "it would take the place of the file that is there" if there else "it would be written"
    if report.in_force == report.release:
        replaced = "it is in force already, as it ships with geoid" if report.published else "it is in force already"
    else:
        replaced = f"it would be in force in place of {report.in_force or 'none'}"
    return f"{'it would be published' if report.published else 'it is already there'}; {replaced}"


def _show_pruned(report: Report) -> None:
    from geoid.core.text import printable

    for name in report.dropped:
        print(printable(name))
    count = len(report.dropped)
    dropped = f"dropped {count} {'release' if count == 1 else 'releases'}" if count else "nothing to drop"
    say(f"{dropped}; in force: {report.in_force or 'none'}; before it: {report.previous or 'none'}; {report.target}")


def show_list(listing: Listing, as_json: bool) -> None:
    """Write the releases, by name."""
    if as_json:
        print_json(_document(listing))
        return
    from geoid.core.text import printable

    names = [printable(one.release.name) for one in listing.releases]
    width = max(map(len, names), default=0)
    for name, one in zip(names, listing.releases, strict=True):
        facts = f"{one.release.kind:<11}  {one.release.digest[:DIGITS]}  {one.taxa:>7}  {one.cells:>9}"
        when = _time(one) or "ships with geoid"
        print(f"{name:<{width}}  {facts}  {when:<20}  {_state(one, listing.pointer) or ''}".rstrip())
    count = len(listing.releases)
    what = "name, kind, digest, taxa, cells, published" if count else "no release was published yet"
    say(f"{what}; {listing.target}")


def _document(listing: Listing) -> dict[str, object]:
    return {
        "format": 1,
        "target": listing.target,
        "releases": [_entry(one, listing.pointer) for one in listing.releases],
    }


def _entry(one: ListedRelease, pointer: Pointer | None) -> dict[str, object]:
    return {
        **one.release._asdict(),
        "taxa": one.taxa,
        "cells": one.cells,
        "published": _time(one),
        "state": _state(one, pointer),
    }


def _time(one: ListedRelease) -> str | None:
    """When a release was published (UTC); none for one that was not, because it ships with geoid."""
    if not one.published:
        return None
    return datetime.datetime.fromtimestamp(one.published, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _state(one: ListedRelease, pointer: Pointer | None) -> str | None:
    if pointer is None:
        return None
    if one.release == pointer.current:
        return "in force"
    return "before" if one.release == pointer.previous else None
