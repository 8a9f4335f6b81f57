"""Ranking: laws that hold for any table and any scores, and the cases a user would notice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geoid.core.grouping import common_taxon, group
from geoid.core.predictions import AnswerStatus, LocalStatus
from geoid.core.ranking import RankingRules, rank
from geoid.core.values import ClassTable, Kind, Label, Taxon, taxon_key

SEE_ALL = RankingRules(answer_bar=0.65, animal_bar=0.2, top=1000)


def species(name: str, family: str, order: str, group_name: str = "Mammalia", common: str | None = None) -> Taxon:
    lineage = {
        "kingdom": "Animalia",
        "phylum": "Chordata",
        "class": group_name,
        "order": order,
        "family": family,
        "genus": name.split(maxsplit=1)[0],
        "species": name,
    }
    return Taxon(taxon_key(name), name, common, "species", lineage)


LION = species("Panthera leo", "Felidae", "Carnivora", common="lion")
TIGER = species("Panthera tigris", "Felidae", "Carnivora", common="tiger")
CAT = species("Felis catus", "Felidae", "Carnivora", common="domestic cat")
WOLF = species("Canis lupus", "Canidae", "Carnivora", common="wolf")
DOG = species("Canis familiaris", "Canidae", "Carnivora", common="domestic dog")
HARE = species("Lepus europaeus", "Leporidae", "Lagomorpha", common="hare")
JAY = species("Garrulus glandarius", "Corvidae", "Passeriformes", "Aves", "Eurasian jay")
BLUE_JAY = species("Cyanocitta cristata", "Corvidae", "Passeriformes", "Aves", "blue jay")
CROW = species("Corvus corax", "Corvidae", "Passeriformes", "Aves", "raven")
POOL = (LION, TIGER, CAT, WOLF, DOG, HARE, JAY, BLUE_JAY, CROW)


def table(*rows: tuple[str, Kind, tuple[Taxon, ...]]) -> ClassTable:
    labels = tuple(Label(index, text, kind, taxa) for index, (text, kind, taxa) in enumerate(rows))
    return ClassTable(labels, {taxon.scientific_name: taxon for taxon in POOL}.get)


def wild(*taxa: Taxon) -> ClassTable:
    return table(*((taxon.common_name or "", Kind.WILD, (taxon,)) for taxon in taxa))


def ranked(of: ClassTable, scores, rules: RankingRules = SEE_ALL):
    return rank(group(of), np.array(scores, dtype=np.float32), rules)


animals = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([Kind.WILD, Kind.DOMESTIC, Kind.BREED, Kind.EXTINCT]),
    st.lists(st.sampled_from(POOL), min_size=1, max_size=3, unique_by=lambda taxon: taxon.key).map(tuple),
)
things = st.just(("teapot", Kind.NONE, ()))
tables = st.lists(st.one_of(animals, things), min_size=1, max_size=14).map(lambda rows: table(*rows))
bars = st.floats(0, 1)


@st.composite
def cases(draw):
    of = draw(tables)
    weights = draw(st.lists(st.integers(0, 1000), min_size=len(of.labels), max_size=len(of.labels)))
    total = sum(weights) or 1
    return of, np.array([weight / total for weight in weights], dtype=np.float32)


def combined(ranking) -> dict[tuple[str, ...], float]:
    return {_identity(candidate): candidate.combined_score for candidate in ranking.candidates}


def _identity(candidate) -> tuple[str, ...]:
    return tuple(sorted(taxon.key for taxon in candidate.covers or (candidate.taxon,)))


@given(cases())
def test_combined_scores_of_all_candidates_sum_to_one(case) -> None:
    of, scores = case
    assume(sum(scores[label.index] for label in of.labels if label.kind is not Kind.NONE) > 0)
    ranking = ranked(of, scores)
    assert math.isclose(sum(candidate.combined_score for candidate in ranking.candidates), 1, abs_tol=1e-9)


@given(cases())
def test_vision_scores_of_all_candidates_sum_to_the_animal_score(case) -> None:
    ranking = ranked(*case)
    assert math.isclose(
        sum(candidate.vision_score for candidate in ranking.candidates), ranking.animal_score, abs_tol=1e-6
    )


@given(cases())
def test_candidates_come_best_first_and_equal_ones_by_taxon_key(case) -> None:
    order = [(-candidate.combined_score, candidate.taxon.key) for candidate in ranked(*case).candidates]
    assert order == sorted(order)


@given(cases())
def test_every_group_of_animals_is_a_candidate_once_when_the_list_is_long_enough(case) -> None:
    of, scores = case
    wanted = {frozenset(taxon.key for taxon in label.taxa) for label in of.labels if label.kind is not Kind.NONE}
    found = [frozenset(_identity(candidate)) for candidate in ranked(of, scores).candidates]
    assert len(found) == len(wanted)
    assert set(found) == wanted


@given(cases(), st.integers(1, 30))
def test_a_shorter_list_is_the_start_of_a_longer_one(case, top: int) -> None:
    of, scores = case
    short = ranked(of, scores, RankingRules(top=top))
    whole = ranked(of, scores, RankingRules(top=1000))
    assert short.candidates == whole.candidates[:top]
    assert (short.answer, short.status) == (whole.answer, whole.status)


@given(cases(), st.data())
def test_a_higher_vision_score_never_lowers_a_combined_score(case, data) -> None:
    of, scores = case
    raised = [label for label in of.labels if label.kind is not Kind.NONE]
    assume(raised)
    label = data.draw(st.sampled_from(raised))
    more = scores.copy()
    more[label.index] += data.draw(st.floats(0, 1, width=32))
    key = tuple(sorted(taxon.key for taxon in label.taxa))
    assert combined(ranked(of, more))[key] >= combined(ranked(of, scores))[key] - 1e-9


@given(cases())
def test_candidates_are_in_the_order_of_their_vision_scores(case) -> None:
    vision = [candidate.vision_score for candidate in ranked(*case).candidates]
    assert vision == sorted(vision, reverse=True)


@given(cases(), bars, bars)
def test_the_answer_passes_the_bar_and_its_status_fits(case, answer_bar: float, animal_bar: float) -> None:
    ranking = ranked(*case, RankingRules(answer_bar, animal_bar, 1000))
    if ranking.status is AnswerStatus.NO_ANIMAL:
        assert ranking.animal_score < animal_bar
    if ranking.answer is None:
        assert ranking.status in {AnswerStatus.NO_ANIMAL, AnswerStatus.NOT_SURE}
    else:
        assert ranking.answer.score >= min(answer_bar, 1.0)
        assert (ranking.status is AnswerStatus.SPECIES) == (ranking.answer.taxon.rank == "species")


@given(cases(), bars)
def test_the_answer_score_is_its_candidates_own_or_what_all_below_its_taxon_have_together(case, bar: float) -> None:
    ranking = ranked(*case, RankingRules(bar, 0.0, 1000))
    assume(ranking.answer is not None)
    taxon, leader = ranking.answer.taxon, ranking.candidates[0]
    below = [c for c in ranking.candidates if c.taxon.lineage.get(taxon.rank) == taxon.scientific_name]
    if leader.taxon.key == taxon.key and leader.combined_score >= bar:
        assert (ranking.answer.score, ranking.answer.common_name) == (leader.combined_score, leader.common_name)
    else:
        assert taxon.rank in {"species", "genus", "family", "order"}
        assert math.isclose(ranking.answer.score, sum(c.combined_score for c in below), abs_tol=1e-6)


@given(cases())
def test_a_lower_bar_gives_an_answer_at_least_as_deep(case) -> None:
    depth = {"species": 0, "genus": 1, "family": 2, "order": 3}

    def how_deep(bar: float) -> int:
        answer = ranked(*case, RankingRules(bar, 0.0)).answer
        return 9 if answer is None else depth.get(answer.taxon.rank, 4)

    found = [how_deep(bar) for bar in (0.2, 0.5, 0.65, 0.9, 1.0)]
    assert found == sorted(found)


@given(cases())
def test_ranking_is_pure(case) -> None:
    of, scores = case
    grouping = group(of)
    before = scores.copy()
    scores.flags.writeable = False
    arrays = [grouping.classes, grouping.group_of, grouping.by_key, *(nodes.above for nodes in grouping.above_groups)]
    copies = [array.copy() for array in arrays]
    first, second = (rank(grouping, scores, SEE_ALL) for _ in range(2))
    assert first == second
    assert np.array_equal(scores, before)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


def test_equal_scores_are_ordered_by_taxon_key_whatever_the_order_of_classes() -> None:
    forward = ranked(wild(TIGER, LION, HARE), [0.3, 0.3, 0.3])
    backward = ranked(wild(HARE, LION, TIGER), [0.3, 0.3, 0.3])
    keys = ["lepus-europaeus", "panthera-leo", "panthera-tigris"]
    assert [c.taxon.key for c in forward.candidates] == [c.taxon.key for c in backward.candidates] == keys


@pytest.mark.parametrize("order", [(TIGER, HARE), (HARE, TIGER)])
def test_an_answer_among_equals_is_the_first_candidate(order) -> None:
    ranking = ranked(wild(*order), [0.5, 0.5], RankingRules(answer_bar=0.5))
    assert ranking.answer.taxon == ranking.candidates[0].taxon == HARE


def test_breeds_are_added_up_as_one_dog_named_after_the_best_breed() -> None:
    of = table(
        ("wolf", Kind.WILD, (WOLF,)),
        ("samoyed", Kind.BREED, (DOG,)),
        ("beagle", Kind.BREED, (DOG,)),
        ("pug", Kind.BREED, (DOG,)),
    )
    ranking = ranked(of, [0.35, 0.15, 0.3, 0.2])
    dog = ranking.candidates[0]
    assert dog.taxon is DOG
    assert dog.label == "beagle"
    assert dog.common_name == "domestic dog"
    assert dog.combined_score == pytest.approx(0.65)
    assert dog.covers == ()


def test_a_sum_of_breeds_beats_a_single_class_that_is_higher_than_each() -> None:
    of = table(("wolf", Kind.WILD, (WOLF,)), ("samoyed", Kind.BREED, (DOG,)), ("beagle", Kind.BREED, (DOG,)))
    assert ranked(of, [0.4, 0.3, 0.3]).candidates[0].taxon is DOG


@pytest.mark.parametrize(
    ("taxa", "scores", "name", "rank_name"),
    [
        ((LION, HARE), [0.7, 0.3], "Panthera leo", "species"),
        ((LION, TIGER, HARE), [0.4, 0.4, 0.2], "Panthera", "genus"),
        ((LION, CAT, HARE), [0.4, 0.4, 0.2], "Felidae", "family"),
        ((LION, WOLF, HARE), [0.4, 0.4, 0.2], "Carnivora", "order"),
    ],
)
def test_the_answer_walks_up_to_the_first_rank_that_passes(taxa, scores, name: str, rank_name: str) -> None:
    ranking = ranked(wild(*taxa), scores)
    assert (ranking.answer.taxon.scientific_name, ranking.answer.taxon.rank) == (name, rank_name)
    assert ranking.status is (AnswerStatus.SPECIES if rank_name == "species" else AnswerStatus.HIGHER_RANK)


def test_above_the_order_there_is_no_answer() -> None:
    ranking = ranked(wild(LION, HARE), [0.5, 0.5])
    assert (ranking.status, ranking.answer) == (AnswerStatus.NOT_SURE, None)


def test_too_little_animal_is_no_animal_but_keeps_its_candidates() -> None:
    of = table(("lion", Kind.WILD, (LION,)), ("castle", Kind.NONE, ()))
    ranking = ranked(of, [0.19, 0.81])
    assert (ranking.status, ranking.answer) == (AnswerStatus.NO_ANIMAL, None)
    assert ranking.candidates[0].combined_score == 1
    assert ranking.candidates[0].vision_score == pytest.approx(0.19)


def test_scores_of_things_take_nothing_from_the_animals() -> None:
    of = table(("lion", Kind.WILD, (LION,)), ("castle", Kind.NONE, ()), ("hare", Kind.WILD, (HARE,)))
    ranking = ranked(of, [0.36, 0.6, 0.04])
    assert ranking.answer.taxon is LION
    assert ranking.answer.score == pytest.approx(0.9)


def test_a_class_of_several_taxa_goes_by_its_own_name_and_lists_them() -> None:
    of = table(("jay", Kind.WILD, (JAY, BLUE_JAY)), ("hare", Kind.WILD, (HARE,)))
    ranking = ranked(of, [0.9, 0.1])
    jay = ranking.candidates[0]
    assert (jay.taxon.scientific_name, jay.taxon.rank) == ("Corvidae", "family")
    assert jay.covers == (JAY, BLUE_JAY)
    assert jay.common_name == "jay"
    assert (ranking.answer.common_name, ranking.answer.taxon.key) == ("jay", "corvidae")
    assert ranking.status is AnswerStatus.HIGHER_RANK


def test_a_class_of_several_taxa_lends_its_name_only_to_an_answer_it_carries_alone() -> None:
    found = Taxon("corvidae", "Corvidae", "crows and jays", "family", dict(list(JAY.lineage.items())[:5]))
    of = ClassTable(
        (Label(0, "jay", Kind.WILD, (JAY, BLUE_JAY)), Label(1, "raven", Kind.WILD, (CROW,))),
        lambda name: found if name == "Corvidae" else None,
    )
    ranking = ranked(of, [0.5, 0.5])
    assert (ranking.answer.taxon, ranking.answer.common_name) == (found, "crows and jays")
    alone = ranked(of, [0.8, 0.2]).answer
    assert (alone.common_name, round(alone.score, 6)) == ("jay", 0.8)


def test_classes_of_the_same_taxa_in_another_order_are_one_candidate() -> None:
    of = table(("jay", Kind.WILD, (JAY, BLUE_JAY)), ("jaybird", Kind.WILD, (BLUE_JAY, JAY)))
    (only,) = ranked(of, [0.4, 0.6]).candidates
    assert (only.label, only.combined_score) == ("jaybird", 1)


def test_a_class_that_mixes_orders_can_still_be_the_answer() -> None:
    of = table(("lion or hare", Kind.WILD, (LION, HARE)), ("wolf", Kind.WILD, (WOLF,)))
    ranking = ranked(of, [0.9, 0.1])
    assert (ranking.answer.taxon.scientific_name, ranking.answer.common_name) == ("Mammalia", "lion or hare")
    assert ranking.status is AnswerStatus.HIGHER_RANK


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ((Kind.BREED, Kind.BREED), LocalStatus.DOMESTIC),
        ((Kind.DOMESTIC, Kind.BREED), LocalStatus.DOMESTIC),
        ((Kind.WILD, Kind.BREED), LocalStatus.UNKNOWN),
        ((Kind.WILD, Kind.EXTINCT), LocalStatus.UNKNOWN),
    ],
)
def test_a_candidate_is_domestic_only_if_all_its_classes_are(kinds, status) -> None:
    of = table(*((kind.value, kind, (DOG,)) for kind in kinds))
    (only,) = ranked(of, [0.5, 0.5]).candidates
    assert only.local_status is status


@pytest.mark.parametrize("animal_bar", [0.0, 0.2])
def test_a_table_without_any_animal_has_no_candidate_and_no_answer(animal_bar: float) -> None:
    of = table(("teapot", Kind.NONE, ()), ("castle", Kind.NONE, ()))
    ranking = ranked(of, [0.5, 0.5], RankingRules(animal_bar=animal_bar))
    assert (ranking.answer, ranking.candidates, ranking.animal_score) == (None, (), 0)
    assert ranking.status in {AnswerStatus.NO_ANIMAL, AnswerStatus.NOT_SURE}


def test_scores_of_zero_everywhere_are_no_animal() -> None:
    ranking = ranked(wild(LION, HARE), [0.0, 0.0])
    assert ranking.status is AnswerStatus.NO_ANIMAL
    assert [candidate.combined_score for candidate in ranking.candidates] == [0, 0]


def test_no_score_is_above_one_though_floats_are_rounded() -> None:
    ranking = ranked(wild(*POOL), np.full(len(POOL), 1 / len(POOL), dtype=np.float32) + np.float32(1e-6))
    assert ranking.animal_score <= 1
    assert all(candidate.combined_score <= 1 for candidate in ranking.candidates)


def test_what_several_taxa_have_in_common_is_their_deepest_shared_taxon() -> None:
    of = wild(*POOL)
    assert common_taxon(of, (LION,)) is LION
    assert common_taxon(of, (LION, TIGER)).scientific_name == "Panthera"
    assert common_taxon(of, (LION, WOLF)).scientific_name == "Carnivora"
    assert common_taxon(of, (LION, JAY)).scientific_name == "Chordata"
    shared = common_taxon(of, (LION, WOLF))
    assert list(shared.lineage) == ["kingdom", "phylum", "class", "order"]
