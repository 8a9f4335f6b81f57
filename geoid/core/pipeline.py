"""The five steps as one class, the same in the command line, in Lambda, on the website and in a batch worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from geoid.core.areas import Areas, Looked
from geoid.core.captures import merge
from geoid.core.grouping import Grouping
from geoid.core.ports import Classifier, MetadataReader
from geoid.core.predictions import STEPS, ModelReference, PhotoSummary, Prediction, Ranking
from geoid.core.ranking import RankingRules, rank
from geoid.core.values import Capture, Photo

UNKNOWN = Capture()
LOOKUPS = 64
"""Lookups that may go on at once, so that none waits for a thread: its deadline counts from when it begins."""


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds by step."""

    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        start = perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = (perf_counter() - start) * 1000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Photo in, ranked answer out; what stands behind each part is the business of `wiring`."""

    read: Callable[[str, bytes], Photo]
    metadata: MetadataReader
    areas: Areas
    classifier: Classifier
    grouping: Grouping
    rules: RankingRules
    model: ModelReference
    aside: Executor = field(default_factory=lambda: ThreadPoolExecutor(LOOKUPS, "lookup"))

    def predict(self, name: str, data: bytes, given: Capture = UNKNOWN) -> Prediction:
        """Answer one photo; what is `given` goes before what the photo says. Raises a `BadInputError` for a bad one."""
        watch = Stopwatch()
        with watch.step("total"):
            with watch.step("read"):
                photo = self.read(name, data)
            with watch.step("metadata"):
                capture = merge((given, self.metadata.read(photo)))
            looking = self.aside.submit(self._look_up, capture, watch)
            try:
                with watch.step("classify"):
                    scores = self.classifier.classify([photo])
            finally:
                looked = looking.result()
            with watch.step("rank"):
                ranked = rank(self.grouping, scores.probabilities[0], self.rules, looked.evidence, self.areas.mode)
                ranking = self._measured(ranked, capture)
        summary = PhotoSummary(photo.name, photo.digest, photo.width, photo.height)
        timings = {step: watch.timings_ms[step] for step in (*STEPS, "total")}
        return Prediction(summary, capture, looked.cell, ranking, looked.narrowing, self.model, timings, looked.facts)

    def _look_up(self, capture: Capture, watch: Stopwatch) -> Looked:
        with watch.step("lookup"):
            return self.areas.look_up(capture)

    def _measured(self, ranking: Ranking, capture: Capture) -> Ranking:
        """The ranking with the distance to where the ruled-out animal occurs."""
        why_not = ranking.why_not
        if why_not is None or capture.location is None:
            return ranking
        keys = [taxon.key for taxon in why_not.covers or (why_not.taxon,)]
        distance = self.areas.distance_km(keys, capture.location.coordinates)
        return ranking._replace(why_not=why_not._replace(distance_km=distance))
