"""Many photos: all cores, the order of the input, bounded memory, and no photo that hides another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from geoid.core.pipeline import UNKNOWN, Pipeline
from geoid.core.predictions import Failure, Outcome
from geoid.core.sources import PhotoSource
from geoid.core.values import Capture
from geoid.errors import BadInputError, GeoidError

AHEAD = 4
"""Photos in flight per worker: enough that none waits for a slow one before it, few enough to bound memory."""


def predict_one(pipeline: Pipeline, source: PhotoSource, given: Capture = UNKNOWN) -> Outcome:
    """Answer one photo, or say in its place why not; what is no fault of the photo (the model's, say) is raised."""
    try:
        return pipeline.predict(source.name, source.load(), given)
    except BadInputError as error:
        return Failure(source.name, error)
    except GeoidError:
        raise
    except Exception as error:  # noqa: BLE001 - a photo that finds a bug must not take the others with it
        return Failure(source.name, unexpected(error))


def unexpected(error: Exception) -> GeoidError:
    """Our own mistake, as an error that says so."""
    found = GeoidError(f"unexpected {type(error).__name__}: {error}", "this is a bug in geoid; please report it")
    found.__cause__ = error
    return found


def predict_many(
    pipeline: Pipeline, sources: Iterable[PhotoSource], given: Capture = UNKNOWN, workers: int = 1
) -> Iterator[Outcome]:
    """Answer photos on `workers` threads, in the order they come; at most `AHEAD` a worker are held at a time."""
    if workers == 1:
        yield from (predict_one(pipeline, source, given) for source in sources)
        return
    waiting: deque[Future[Outcome]] = deque()
    remaining = iter(sources)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="geoid")
    try:
        while True:
            for source in islice(remaining, workers * AHEAD - len(waiting)):
                waiting.append(pool.submit(predict_one, pipeline, source, given))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
