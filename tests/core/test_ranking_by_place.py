"""Ranking with a place: laws that hold for any evidence, and the cases a user would notice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geoid.core.evidence import CODES, Evidence
from geoid.core.grouping import Grouping, group
from geoid.core.predictions import AnswerStatus, LocalStatus, Mode
from geoid.core.ranking import RankingRules, rank
from geoid.core.values import ClassTable, Kind, Label, Taxon, taxon_key

SEE_ALL = RankingRules(answer_bar=0.65, animal_bar=0.2, top=1000)
HERE, AWAY, NEARBY = (1.0, LocalStatus.EXPECTED), (0.0, LocalStatus.NOT_RECORDED), (0.3, LocalStatus.NEAR)
LATER, UNKNOWN = (0.3, LocalStatus.OUT_OF_SEASON), (math.nan, LocalStatus.UNKNOWN)
OUTSIDE = {LocalStatus.NOT_RECORDED, LocalStatus.OUT_OF_SEASON, LocalStatus.NEAR}


def species(name: str, common: str, family: str, order: str, group_name: str = "Mammalia") -> Taxon:
    above = {"kingdom": "Animalia", "phylum": "Chordata", "class": group_name, "order": order, "family": family}
    lineage = {**above, "genus": name.split(maxsplit=1)[0], "species": name}
    return Taxon(taxon_key(name), name, common, "species", lineage)


LION = species("Panthera leo", "lion", "Felidae", "Carnivora")
TIGER = species("Panthera tigris", "tiger", "Felidae", "Carnivora")
WILDCAT = species("Felis silvestris", "wildcat", "Felidae", "Carnivora")
CAT = species("Felis catus", "domestic cat", "Felidae", "Carnivora")
WOLF = species("Canis lupus", "wolf", "Canidae", "Carnivora")
DOG = species("Canis familiaris", "domestic dog", "Canidae", "Carnivora")
HARE = species("Lepus europaeus", "hare", "Leporidae", "Lagomorpha")
JAY = species("Garrulus glandarius", "Eurasian jay", "Corvidae", "Passeriformes", "Aves")
BLUE_JAY = species("Cyanocitta cristata", "blue jay", "Corvidae", "Passeriformes", "Aves")
SCRUB_JAY = species("Aphelocoma californica", "scrub jay", "Corvidae", "Passeriformes", "Aves")
POOL = (LION, TIGER, WILDCAT, CAT, WOLF, DOG, HARE, JAY, BLUE_JAY)


def table(*rows: tuple[str, Kind, tuple[Taxon, ...]]) -> ClassTable:
    labels = tuple(Label(index, text, kind, taxa) for index, (text, kind, taxa) in enumerate(rows))
    return ClassTable(labels, {taxon.scientific_name: taxon for taxon in POOL}.get)


def wild(*taxa: Taxon) -> Grouping:
    return group(table(*((taxon.common_name or "", Kind.WILD, (taxon,)) for taxon in taxa)))


KEPT = {CAT.key, DOG.key}
JAYS = group(table(("jay", Kind.WILD, (JAY, BLUE_JAY)), ("hare", Kind.WILD, (HARE,))))


def evidence(grouping: Grouping, *said: tuple[Taxon, tuple[float, LocalStatus]]) -> Evidence:
    """What a place says of taxa; of those not named nothing is known. Cats and dogs are domestic."""
    facts = {taxon.key: fact for taxon, fact in said}
    found = [facts.get(key, UNKNOWN) for key in grouping.keys]
    scores = np.array([score for score, _ in found])
    codes = np.array([CODES[status] for _, status in found])
    return weighed(grouping, scores, codes)


def weighed(grouping: Grouping, scores, codes) -> Evidence:
    here = scores[scores > 0]
    domestic = np.array([key in KEPT for key in grouping.keys], dtype=bool)
    return Evidence(scores, codes, domestic, float(np.median(here)) if len(here) else 1.0)


def at(grouping: Grouping, scores, *said, mode: Mode = Mode.BOOST, rules: RankingRules = SEE_ALL):
    """The ranking of these scores at a place of which that is said."""
    return rank(grouping, np.array(scores, dtype=np.float32), rules, evidence(grouping, *said), mode)


animals = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([Kind.WILD, Kind.DOMESTIC, Kind.BREED]),
    st.lists(st.sampled_from(POOL), min_size=1, max_size=3, unique_by=lambda taxon: taxon.key).map(tuple),
)
things = st.just(("teapot", Kind.NONE, ()))
facts = st.one_of(
    st.sampled_from([HERE, AWAY, NEARBY, LATER, UNKNOWN, (1.0, LocalStatus.INTRODUCED)]),
    st.tuples(st.floats(0.001, 1), st.sampled_from([LocalStatus.EXPECTED, LocalStatus.NOT_RECORDED, LocalStatus.NEAR])),
)
modes = st.sampled_from([Mode.BOOST, Mode.FILTER, Mode.ANNOTATE])


rows_of_all = st.one_of(animals, things)


@st.composite
def cases(draw, rows=rows_of_all):
    """A grouping with some animal, scores with some animal in them, and what a place says."""
    grouping = group(table(*draw(st.lists(rows, min_size=1, max_size=12))))
    assume(grouping.groups)
    count = len(grouping.table.labels)
    weights = draw(st.lists(st.integers(0, 1000), min_size=count, max_size=count))
    assume(any(weights[index] for index in grouping.classes))
    scores = np.array(weights, dtype=np.float32) / np.float32(sum(weights))
    said = [(taxon, draw(facts)) for taxon in grouping.taxa]
    return grouping, scores, evidence(grouping, *said)


singles = cases(st.sampled_from(POOL).map(lambda taxon: (taxon.common_name, Kind.WILD, (taxon,))))


@given(cases(), st.sampled_from([Mode.BOOST, Mode.ANNOTATE]))
def test_combined_scores_of_all_candidates_sum_to_one(case, mode) -> None:
    grouping, scores, place = case
    ranking = rank(grouping, scores, SEE_ALL, place, mode)
    assert math.isclose(sum(one.combined_score for one in ranking.candidates), 1, abs_tol=1e-9)


@given(cases())
def test_behind_a_fence_combined_scores_sum_to_one_or_nothing_is_left(case) -> None:
    grouping, scores, place = case
    ranking = rank(grouping, scores, SEE_ALL, place, Mode.FILTER)
    total = sum(one.combined_score for one in ranking.candidates)
    assert math.isclose(total, 1, abs_tol=1e-9) or total == 0
    if total == 0:
        assert ranking.status in {AnswerStatus.NOTHING_HERE, AnswerStatus.NO_ANIMAL}


@given(cases(), modes)
def test_vision_scores_of_all_candidates_sum_to_the_animal_score_which_no_place_changes(case, mode) -> None:
    grouping, scores, place = case
    ranking = rank(grouping, scores, SEE_ALL, place, mode)
    assert ranking.animal_score == rank(grouping, scores, SEE_ALL).animal_score
    assert math.isclose(sum(one.vision_score for one in ranking.candidates), ranking.animal_score, abs_tol=1e-6)


@given(cases(), modes)
def test_candidates_come_best_first(case, mode) -> None:
    scores = [one.combined_score for one in rank(*case[:2], SEE_ALL, case[2], mode).candidates]
    assert scores == sorted(scores, reverse=True)


@given(singles, modes)
def test_equal_candidates_come_by_taxon_key(case, mode) -> None:
    order = [(-one.combined_score, one.taxon.key) for one in rank(*case[:2], SEE_ALL, case[2], mode).candidates]
    assert order == sorted(order)


@given(cases(), modes, st.integers(1, 30))
def test_a_shorter_list_is_the_start_of_a_longer_one(case, mode, top: int) -> None:
    grouping, scores, place = case
    short, whole = (rank(grouping, scores, RankingRules(top=count), place, mode) for count in (top, 1000))
    assert short.candidates == whole.candidates[:top]
    assert short._replace(candidates=()) == whole._replace(candidates=())


@given(cases(), modes)
def test_no_taxon_is_in_two_candidates_that_are_single_taxa(case, mode) -> None:
    grouping, scores, place = case
    single = [one.taxon.key for one in rank(grouping, scores, SEE_ALL, place, mode).candidates if not one.covers]
    assert len(single) == len(set(single))


@given(cases(), modes)
def test_ranking_is_pure(case, mode) -> None:
    grouping, scores, place = case
    before = [place.scores.copy(), place.statuses.copy(), place.domestic.copy(), scores.copy()]
    for array in (*place[:3], scores):
        array.flags.writeable = False
    assert rank(grouping, scores, SEE_ALL, place, mode) == rank(grouping, scores, SEE_ALL, place, mode)
    assert all(map(np.array_equal, before, (*place[:3], scores), [True, False, False, True]))


@given(singles, st.data())
def test_a_higher_geo_score_never_lowers_the_combined_score_of_a_class_of_one_taxon(case, data) -> None:
    grouping, scores, place = case
    number = data.draw(st.integers(0, len(grouping.taxa) - 1))
    assume(place.scores[number] >= 0)
    more = place.scores.copy()
    more[number] = data.draw(st.floats(float(more[number]), 1))
    lower, higher = (
        {one.taxon.key: one.combined_score for one in rank(grouping, scores, SEE_ALL, given_place).candidates}
        for given_place in (place, place._replace(scores=more))
    )
    key = grouping.keys[number]
    assert higher[key] >= lower[key] - 1e-9
    assert all(higher[other] <= lower[other] + 1e-9 for other in lower if other != key)


@given(singles)
def test_the_combined_score_of_a_class_of_one_taxon_is_vision_times_the_softened_place(case) -> None:
    grouping, scores, place = case
    filled = dict(zip(grouping.keys, np.nan_to_num(place.scores, nan=place.neutral).tolist(), strict=True))
    candidates = rank(grouping, scores, SEE_ALL, place).candidates
    products = [one.vision_score * max(filled[one.taxon.key] ** 0.3, SEE_ALL.absent) for one in candidates]
    assert [one.combined_score for one in candidates] == pytest.approx([one / sum(products) for one in products])


@given(cases(), st.booleans())
def test_evidence_that_knows_nothing_leaves_the_order_of_vision(case, fenced: bool) -> None:
    grouping, scores, place = case
    nothing = place._replace(
        scores=np.full(len(grouping.taxa), math.nan),
        statuses=np.full(len(grouping.taxa), CODES[LocalStatus.UNKNOWN]),
        domestic=np.zeros(len(grouping.taxa), bool),
    )
    found = rank(grouping, scores, SEE_ALL, nothing, Mode.FILTER if fenced else Mode.BOOST)
    alone = rank(grouping, scores, SEE_ALL)
    for one, other in zip(found.candidates, alone.candidates, strict=True):
        assert one._replace(combined_score=0) == other._replace(combined_score=0)
        assert math.isclose(one.combined_score, other.combined_score, abs_tol=1e-9)
    assert (found.by_vision, found.why_not) == (alone.by_vision, None)


@given(cases())
def test_annotating_leaves_everything_of_vision_but_the_remarks(case) -> None:
    grouping, scores, place = case
    noted, alone = rank(grouping, scores, SEE_ALL, place, Mode.ANNOTATE), rank(grouping, scores, SEE_ALL)
    assert (noted.status, noted.answer, noted.by_vision) == (alone.status, alone.answer, alone.by_vision)
    for one, other in zip(noted.candidates, alone.candidates, strict=True):
        assert one.taxon == other.taxon
        assert (one.label, one.combined_score, one.common_name) == (
            other.label,
            other.combined_score,
            other.common_name,
        )
        assert sorted(taxon.key for taxon in one.covers) == sorted(taxon.key for taxon in other.covers)


@given(cases(), modes)
def test_what_vision_says_alone_is_kept_beside_the_answer(case, mode) -> None:
    grouping, scores, place = case
    assert rank(grouping, scores, SEE_ALL, place, mode).by_vision == rank(grouping, scores, SEE_ALL).candidates[0]


@given(cases(), modes)
def test_a_class_of_animals_that_people_keep_is_never_held_against_a_place(case, mode) -> None:
    grouping, scores, place = case
    taxa = [frozenset(taxon.key for taxon in same.taxa) for same in grouping.groups]
    pets = [keys for keys, same in zip(taxa, grouping.groups, strict=True) if same.domestic and keys <= KEPT]
    ranking = rank(grouping, scores, SEE_ALL, place, mode)
    for one in ranking.candidates:
        keys = {taxon.key for taxon in one.covers or (one.taxon,)}
        if all(other in pets for other in taxa if other & keys):
            assert (one.local_status, one.geo_score) == (LocalStatus.DOMESTIC, None)
            assert (one.combined_score > 0) is (one.vision_score > 0)
    ruled_out = ranking.why_not and frozenset(taxon.key for taxon in ranking.why_not.covers or (ranking.why_not.taxon,))
    assert ruled_out not in pets


@given(cases(), st.sampled_from([Mode.BOOST, Mode.ANNOTATE]))
def test_without_a_fence_nothing_that_vision_saw_is_lost(case, mode) -> None:
    grouping, scores, place = case
    for one in rank(grouping, scores, SEE_ALL, place, mode).candidates:
        assert (one.combined_score > 0) is (one.vision_score > 0)


@given(cases())
def test_behind_a_fence_no_candidate_stands_for_what_does_not_occur(case) -> None:
    grouping, scores, place = case
    for one in rank(grouping, scores, SEE_ALL, place, Mode.FILTER).candidates:
        assert one.combined_score == 0 or one.local_status not in OUTSIDE


@given(singles)
def test_behind_a_fence_only_what_occurs_has_a_score(case) -> None:
    grouping, scores, place = case
    for one in rank(grouping, scores, SEE_ALL, place, Mode.FILTER).candidates:
        assert (one.combined_score == 0) is (one.vision_score == 0 or one.local_status in OUTSIDE)


@given(cases(), modes)
def test_why_not_names_only_a_class_of_which_no_taxon_is_to_be_expected(case, mode) -> None:
    grouping, scores, place = case
    why_not = rank(grouping, scores, SEE_ALL, place, mode).why_not
    if why_not is None:
        return
    outside = OUTSIDE if mode is Mode.FILTER else OUTSIDE - {LocalStatus.NEAR}
    codes = dict(zip(grouping.keys, place.statuses.tolist(), strict=True))
    for taxon in why_not.covers or (why_not.taxon,):
        assert codes[taxon.key] in {CODES[status] for status in outside}
    assert why_not.vision_score > 0
    assert why_not.reason in {LocalStatus.NOT_RECORDED, LocalStatus.OUT_OF_SEASON}
    assert why_not.distance_km is None


@pytest.mark.parametrize(
    ("here", "away", "name"), [(JAY, BLUE_JAY, "Eurasian jay"), (BLUE_JAY, JAY, "blue jay")], ids=["London", "New York"]
)
@pytest.mark.parametrize("mode", [Mode.BOOST, Mode.FILTER])
def test_a_class_of_several_taxa_is_narrowed_to_the_one_that_occurs(here, away, name: str, mode) -> None:
    ranking = at(JAYS, [0.9, 0.1], (here, HERE), (away, AWAY), (HARE, HERE), mode=mode)
    jay = ranking.candidates[0]
    assert (jay.taxon, jay.covers, jay.label, jay.common_name) == (here, (), "jay", name)
    assert (jay.geo_score, jay.local_status) == HERE
    assert jay.combined_score == pytest.approx(0.9)
    assert (ranking.status, ranking.answer.taxon) == (AnswerStatus.SPECIES, here)
    assert ranking.answer.score == pytest.approx(0.9)


@pytest.mark.parametrize("beside", [NEARBY, LATER, AWAY])
def test_a_taxon_that_is_only_near_or_out_of_season_is_not_meant_beside_one_that_is_here(beside) -> None:
    first = at(JAYS, [0.9, 0.1], (JAY, HERE), (BLUE_JAY, beside), (HARE, HERE)).candidates[0]
    assert (first.taxon, first.covers) == (JAY, ())


@pytest.mark.parametrize("fact", [AWAY, NEARBY, LATER, HERE, UNKNOWN])
def test_a_class_whose_taxa_all_fare_alike_stays_one_candidate(fact) -> None:
    first = at(JAYS, [0.9, 0.1], (JAY, fact), (BLUE_JAY, fact), (HARE, fact)).candidates[0]
    assert [taxon.key for taxon in first.covers] == ["garrulus-glandarius", "cyanocitta-cristata"]
    assert (first.taxon.scientific_name, first.common_name, first.local_status) == ("Corvidae", "jay", fact[1])
    assert first.geo_score == (None if math.isnan(fact[0]) else fact[0])


def test_the_likeliest_taxon_of_a_class_comes_first_and_speaks_for_it() -> None:
    likely, less = (0.8, LocalStatus.EXPECTED), (0.5, LocalStatus.INTRODUCED)
    first = at(JAYS, [0.9, 0.1], (JAY, less), (BLUE_JAY, likely)).candidates[0]
    assert [taxon.key for taxon in first.covers] == ["cyanocitta-cristata", "garrulus-glandarius"]
    assert (first.geo_score, first.local_status) == likely


def test_inside_a_class_its_score_is_shared_by_geo_score() -> None:
    often, seldom = (0.8, LocalStatus.EXPECTED), (0.4, LocalStatus.EXPECTED)
    ranking = at(JAYS, [1, 0], (JAY, often), (BLUE_JAY, seldom), (HARE, HERE), rules=SEE_ALL._replace(answer_bar=0.6))
    assert ranking.answer.taxon == JAY
    assert ranking.answer.score == pytest.approx(2 / 3)
    assert ranking.candidates[0].combined_score == 1


def test_behind_a_fence_a_class_stands_only_for_those_of_its_taxa_that_occur() -> None:
    often_near, seldom_here = (1.0, LocalStatus.NEAR), (0.2, LocalStatus.EXPECTED)
    said = ((JAY, seldom_here), (BLUE_JAY, often_near), (HARE, AWAY))
    ranking = at(JAYS, [0.9, 0.1], *said, mode=Mode.FILTER)
    assert (ranking.candidates[0].taxon, ranking.candidates[0].local_status) == (JAY, LocalStatus.EXPECTED)
    assert ranking.answer.taxon == JAY
    assert at(JAYS, [0.9, 0.1], *said).candidates[0].taxon == BLUE_JAY


def test_two_classes_that_mean_the_same_taxon_here_are_one_candidate() -> None:
    grouping = group(table(("jay", Kind.WILD, (JAY, BLUE_JAY)), ("crow", Kind.WILD, (JAY,))))
    ranking = at(grouping, [0.4, 0.6], (JAY, HERE), (BLUE_JAY, AWAY))
    (only,) = ranking.candidates
    assert (only.taxon, only.combined_score, only.label) == (JAY, 1, "crow")
    assert only.vision_score == pytest.approx(1)


def test_several_taxa_go_by_the_name_of_their_class_unless_one_that_is_not_meant_has_that_name() -> None:
    named = JAY._replace(common_name="Jay")
    grouping = group(table(("jay", Kind.WILD, (named, BLUE_JAY, SCRUB_JAY))))
    everywhere = at(grouping, [1.0], (named, HERE), (BLUE_JAY, HERE), (SCRUB_JAY, HERE)).candidates[0]
    america = at(grouping, [1.0], (named, AWAY), (BLUE_JAY, HERE), (SCRUB_JAY, HERE)).candidates[0]
    assert (everywhere.common_name, len(everywhere.covers)) == ("jay", 3)
    assert (america.common_name, america.taxon.scientific_name, len(america.covers)) == (None, "Corvidae", 2)
    alone = at(grouping, [1.0], (named, HERE), (BLUE_JAY, AWAY), (SCRUB_JAY, AWAY)).candidates[0]
    assert (alone.common_name, alone.taxon) == ("Jay", named)


@pytest.mark.parametrize("mode", [Mode.BOOST, Mode.FILTER, Mode.ANNOTATE])
def test_a_dog_is_at_home_where_no_dog_is_recorded(mode) -> None:
    grouping = group(table(("beagle", Kind.BREED, (DOG,)), ("wolf", Kind.WILD, (WOLF,))))
    ranking = at(grouping, [0.7, 0.3], (DOG, AWAY), (WOLF, HERE), mode=mode)
    assert ranking.answer.taxon == DOG
    assert (ranking.candidates[0].local_status, ranking.candidates[0].geo_score) == (LocalStatus.DOMESTIC, None)
    assert ranking.why_not is None


def test_of_a_class_of_a_domestic_and_a_wild_taxon_the_domestic_one_stays() -> None:
    grouping = group(table(("tabby", Kind.DOMESTIC, (CAT, WILDCAT)), ("lion", Kind.WILD, (LION,))))
    for mode in (Mode.BOOST, Mode.FILTER):
        first = at(grouping, [0.9, 0.1], (CAT, AWAY), (WILDCAT, AWAY), (LION, HERE), mode=mode).candidates[0]
        assert (first.taxon, first.local_status, first.common_name) == (CAT, LocalStatus.DOMESTIC, "domestic cat")
        both = at(grouping, [0.9, 0.1], (CAT, AWAY), (WILDCAT, HERE), (LION, AWAY), mode=mode).candidates[0]
        assert sorted(taxon.key for taxon in both.covers) == [CAT.key, WILDCAT.key]


def test_a_domestic_class_of_which_the_area_data_marks_no_taxon_is_kept_whole() -> None:
    grouping = group(table(("goldfish", Kind.DOMESTIC, (HARE, JAY)), ("lion", Kind.WILD, (LION,))))
    first = at(grouping, [0.9, 0.1], (HARE, AWAY), (JAY, AWAY), (LION, HERE), mode=Mode.FILTER).candidates[0]
    assert (first.label, first.local_status, len(first.covers)) == ("goldfish", LocalStatus.DOMESTIC, 2)
    assert first.combined_score == pytest.approx(0.9)


def test_a_place_turns_a_narrow_case_round() -> None:
    grouping = wild(LION, TIGER)
    ranking = at(grouping, [0.6, 0.4], (LION, AWAY), (TIGER, HERE))
    assert [one.taxon.key for one in ranking.candidates] == ["panthera-tigris", "panthera-leo"]
    assert ranking.candidates[0].combined_score == pytest.approx(0.4 / (0.4 + 0.6 * SEE_ALL.absent))
    assert ranking.by_vision.taxon == LION
    assert (ranking.why_not.taxon, ranking.why_not.reason) == (LION, LocalStatus.NOT_RECORDED)


def test_a_place_does_not_overrule_vision_that_is_sure() -> None:
    ranking = at(wild(LION, TIGER), [0.99, 0.01], (LION, AWAY), (TIGER, HERE))
    assert ranking.answer.taxon == LION
    assert ranking.candidates[0].local_status is LocalStatus.NOT_RECORDED


def test_an_unknown_taxon_is_given_the_neutral_score() -> None:
    grouping = wild(LION, TIGER, WOLF, HARE)
    half = (0.5, LocalStatus.EXPECTED)
    lion, tiger, *_ = at(grouping, [0.3, 0.3, 0.2, 0.2], (TIGER, half), (WOLF, half), (HARE, half)).candidates
    assert (lion.taxon, tiger.taxon) == (LION, TIGER)
    assert lion.combined_score == pytest.approx(tiger.combined_score)
    assert (lion.geo_score, lion.local_status) == (None, LocalStatus.UNKNOWN)


def test_a_fence_that_leaves_nothing_says_so_and_why() -> None:
    ranking = at(wild(LION, HARE), [0.8, 0.2], (LION, AWAY), (HARE, LATER), mode=Mode.FILTER)
    assert (ranking.status, ranking.answer) == (AnswerStatus.NOTHING_HERE, None)
    assert (ranking.why_not.taxon, ranking.why_not.reason) == (LION, LocalStatus.NOT_RECORDED)
    assert ranking.why_not.vision_score == pytest.approx(0.8)
    assert [one.combined_score for one in ranking.candidates] == [0, 0]


def test_a_fence_that_leaves_too_little_says_so_too() -> None:
    ranking = at(wild(LION, HARE), [0.9, 0.1], (LION, AWAY), (HARE, HERE), mode=Mode.FILTER)
    assert ranking.status is AnswerStatus.NOTHING_HERE
    assert ranking.candidates[0].taxon == HARE
    enough = at(wild(LION, HARE), [0.7, 0.3], (LION, AWAY), (HARE, HERE), mode=Mode.FILTER)
    assert (enough.status, enough.answer.taxon) == (AnswerStatus.SPECIES, HARE)


def test_a_photo_without_an_animal_has_none_wherever_it_is() -> None:
    grouping = group(table(("lion", Kind.WILD, (LION,)), ("castle", Kind.NONE, ())))
    for mode in (Mode.BOOST, Mode.FILTER, Mode.ANNOTATE):
        ranking = at(grouping, [0.1, 0.9], (LION, AWAY), mode=mode)
        assert (ranking.status, ranking.answer) == (AnswerStatus.NO_ANIMAL, None)


@pytest.mark.parametrize(
    ("fact", "mode", "reason"),
    [
        (AWAY, Mode.BOOST, LocalStatus.NOT_RECORDED),
        (LATER, Mode.BOOST, LocalStatus.OUT_OF_SEASON),
        (AWAY, Mode.ANNOTATE, LocalStatus.NOT_RECORDED),
        (LATER, Mode.FILTER, LocalStatus.OUT_OF_SEASON),
        (NEARBY, Mode.FILTER, LocalStatus.NOT_RECORDED),
        (NEARBY, Mode.BOOST, None),
        (UNKNOWN, Mode.FILTER, None),
        (HERE, Mode.FILTER, None),
    ],
)
def test_why_not_gives_its_reason(fact, mode, reason) -> None:
    why_not = at(wild(LION, HARE), [0.5, 0.5], (LION, fact), (HARE, HERE), mode=mode).why_not
    assert (why_not and why_not.reason) is reason
    assert why_not is None or (why_not.taxon, why_not.common_name, why_not.covers) == (LION, "lion", ())


def test_why_not_names_a_class_of_several_taxa_as_the_class() -> None:
    why_not = at(JAYS, [0.6, 0.4], (JAY, AWAY), (BLUE_JAY, LATER), (HARE, HERE)).why_not
    assert (why_not.common_name, why_not.covers, why_not.reason) == ("jay", (JAY, BLUE_JAY), LocalStatus.OUT_OF_SEASON)


def test_what_vision_hardly_saw_is_not_worth_a_why_not() -> None:
    assert at(wild(LION, HARE), [0.09, 0.91], (LION, AWAY), (HARE, HERE)).why_not is None
    assert at(wild(LION, HARE), [0.12, 0.88], (LION, AWAY), (HARE, HERE)).why_not.taxon == LION


@pytest.mark.parametrize(
    ("taxa", "scores", "name", "rank_name"),
    [
        ((LION, HARE), [0.7, 0.3], "Panthera leo", "species"),
        ((LION, TIGER, HARE), [0.4, 0.4, 0.2], "Panthera", "genus"),
        ((LION, WILDCAT, HARE), [0.4, 0.4, 0.2], "Felidae", "family"),
        ((LION, WOLF, HARE), [0.4, 0.4, 0.2], "Carnivora", "order"),
    ],
)
def test_where_everything_occurs_the_answer_walks_up_as_without_a_place(taxa, scores, name, rank_name) -> None:
    ranking = at(wild(*taxa), scores, *((taxon, HERE) for taxon in taxa))
    assert (ranking.answer.taxon.scientific_name, ranking.answer.taxon.rank) == (name, rank_name)


def test_the_answer_walks_up_to_the_genus_that_classes_share_though_each_shows_more() -> None:
    grouping = group(
        table(("cat", Kind.WILD, (WILDCAT, LION)), ("big cat", Kind.WILD, (TIGER, HARE)), ("wolf", Kind.WILD, (WOLF,)))
    )
    ranking = at(grouping, [0.4, 0.4, 0.2], (WILDCAT, AWAY), (LION, HERE), (TIGER, HERE), (HARE, AWAY), (WOLF, HERE))
    assert (ranking.answer.taxon.scientific_name, ranking.status) == ("Panthera", AnswerStatus.HIGHER_RANK)
    assert ranking.answer.score == pytest.approx(0.8)


def test_a_place_sharpens_an_answer_from_genus_to_species() -> None:
    grouping = wild(LION, TIGER, HARE)
    scores = [0.45, 0.45, 0.1]
    assert rank(grouping, np.array(scores, dtype=np.float32), SEE_ALL).answer.taxon.rank == "genus"
    assert at(grouping, scores, (LION, HERE), (TIGER, AWAY), (HARE, HERE)).answer.taxon == LION


def test_equal_scores_are_ordered_by_taxon_key_whatever_the_order_of_classes() -> None:
    keys = ["lepus-europaeus", "panthera-leo", "panthera-tigris"]
    for taxa in ((TIGER, LION, HARE), (HARE, LION, TIGER)):
        ranking = at(wild(*taxa), [0.3, 0.3, 0.3], *((taxon, NEARBY) for taxon in taxa))
        assert [one.taxon.key for one in ranking.candidates] == keys


def test_power_and_the_factor_of_the_absent_are_settings() -> None:
    said = ((LION, (0.25, LocalStatus.EXPECTED)), (HARE, HERE), (WOLF, AWAY))
    rules = SEE_ALL._replace(power=0.5, absent=0.1)
    scores = {
        one.taxon.key: one.combined_score
        for one in at(wild(LION, HARE, WOLF), [0.3] * 3, *said, rules=rules).candidates
    }
    assert scores == pytest.approx({HARE.key: 1 / 1.6, LION.key: 0.5 / 1.6, WOLF.key: 0.1 / 1.6})


@pytest.mark.parametrize("mode", [Mode.BOOST, Mode.FILTER, Mode.ANNOTATE])
def test_a_table_without_any_animal_has_no_answer_at_any_place(mode) -> None:
    grouping = group(table(("teapot", Kind.NONE, ())))
    ranking = rank(grouping, np.array([1.0], dtype=np.float32), SEE_ALL, evidence(grouping), mode)
    assert (ranking.candidates, ranking.answer, ranking.why_not) == ((), None, None)
