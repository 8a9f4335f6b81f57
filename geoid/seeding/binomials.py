"""Species from scientific names as they are written: with authors, subgenera, subspecies, doubts and crosses."""

from __future__ import annotations

import polars as pl

SPECIES = r"^\s*([\p{Lu}][\p{Ll}-]+)[\s_]+(?:\([\p{Lu}][\p{Ll}-]+\)\s+)?(\p{Ll}[\p{Ll}-]+)(?:[\s,_(\[]|$)"
"""Genus, subgenus in brackets or none, epithet. `sp.`, `cf.`, `leo/pardus` end in no blank, and are no epithets."""

CROSS = "\u00d7|\u2715| [xX] "
"""Between the parents of a hybrid, or before its epithet: the sign of multiplication, or the letter."""

NO_EPITHETS = (
    *("sp", "spp", "ssp", "cf", "aff", "nr", "near", "indet", "gen", "nov", "hybrid", "complex"),
    *("de", "den", "der", "des", "del", "della", "di", "da", "dos", "du", "la", "le", "van", "vom", "von", "zu", "zur"),
    *("and", "et", "ex", "in", "or", "undet", "unidentified", "unknown"),
)
"""Words after a genus that are no epithet: doubts, and the small words of authors' names."""

NO_GENERA = ("Unidentified", "Unknown", "Undetermined", "Indet", "Indeterminate", "Unspecified", "Probable", "Possible")


def binomial(name: pl.Expr) -> pl.Expr:
    """Genus and epithet of a scientific name; null where it names no single species. Subspecies count for theirs."""
    parts = name.str.extract_groups(SPECIES)
    genus, epithet = parts.struct.field("1"), parts.struct.field("2")
    none = name.str.contains(CROSS) | epithet.is_in(NO_EPITHETS) | genus.is_in(NO_GENERA)
    return pl.when(~none).then(genus + " " + epithet)


def capitalized(name: pl.Expr) -> pl.Expr:
    """A name with its first letter as a capital: some write `panthera leo`."""
    return name.str.head(1).str.to_uppercase() + name.str.slice(1)
