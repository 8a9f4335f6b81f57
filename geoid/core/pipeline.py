"""The five steps as one class, the same in the command line, in Lambda, on the website and in a batch worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from geoid.core.captures import merge
from geoid.core.places import cell_of
from geoid.core.ports import Classifier, MetadataReader
from geoid.core.predictions import ModelReference, Narrowing, NarrowingStatus, PhotoSummary, Prediction
from geoid.core.ranking import Grouping, RankingRules, rank
from geoid.core.values import Capture, Photo

UNKNOWN = Capture()


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
    classifier: Classifier
    grouping: Grouping
    rules: RankingRules
    model: ModelReference

    def predict(self, name: str, data: bytes, given: Capture = UNKNOWN) -> Prediction:
        """Answer one photo; what is `given` goes before what the photo says. Raises a `BadInputError` for a bad one."""
        watch = Stopwatch()
        with watch.step("total"):
            with watch.step("read"):
                photo = self.read(name, data)
            with watch.step("metadata"):
                capture = merge((given, self.metadata.read(photo)))
            with watch.step("lookup"):
                cell, narrowing = look_up(capture)
            with watch.step("classify"):
                scores = self.classifier.classify([photo])
            with watch.step("rank"):
                ranking = rank(self.grouping, scores.probabilities[0], self.rules)
        summary = PhotoSummary(photo.name, photo.digest, photo.width, photo.height)
        return Prediction(summary, capture, cell, ranking, narrowing, self.model, watch.timings_ms)


def look_up(capture: Capture) -> tuple[str | None, Narrowing]:
    """The cell of a capture, and how place and season take part: not at all, until there is area data."""
    if capture.location is None:
        return None, Narrowing(NarrowingStatus.NO_LOCATION)
    return cell_of(capture.location.coordinates), Narrowing(NarrowingStatus.OFF)
