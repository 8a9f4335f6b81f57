"""Thousands of mutated photos through a warm pipeline, and some through the command line.

    python run.py --count 5000 --seed 1 --deadline 2 --command-line 50

Every photo must end as a prediction or as an error about the photo (exit code 65). One that ends otherwise, or takes
longer than five times the deadline in a second try, alone, is wrong, and kept in `--keep`. What libraries write to
stderr is counted; the command line must not show it. The same seed and number make the same photo again:
`--only 1234`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

# as conftest.py does for the tests
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "adapters")]

from command_line import Complaint, ask, complaints, write_photos  # noqa: E402
from mutations import Mutant, mutant  # noqa: E402
from photo_workers import HANG, Verdict, judge  # noqa: E402
from seed_photos import PHOTOS, Seed, all_seeds  # noqa: E402

BATCH = 10
SHOWN = 10
SECOND_TRY = 5
"""How many times the deadline a photo gets alone before it counts as a hang: the machine may have been busy."""


def main() -> int:
    """Run, say what came out, and return 1 if anything was wrong."""
    options = _options()
    started = time.monotonic()
    seeds = all_seeds()
    numbers = options.only or range(options.count)
    verdicts = list(_verdicts(seeds, numbers, options))
    found = [*_second_tries(verdicts, options), *(verdict for verdict in verdicts if verdict.kind != HANG)]
    _report(found)
    wrong = [verdict for verdict in found if not verdict.allowed]
    for verdict in wrong:
        print(f"\n{verdict.kind}: {verdict.message or verdict.mutant.name}")
        _keep(verdict.mutant, options.keep)
    said = list(_through_command_line(seeds, options))
    for complaint in said:
        print(f"\ncommand line: {complaint.what}: {', '.join(map(str, complaint.files))}")
    print(f"\n{len(found)} photos, {len(wrong)} wrong, {len(said)} complaints about the command")
    print(f"{time.monotonic() - started:.0f} s, seed {options.seed}")
    return int(bool(wrong or said))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mutated photos through geoid.")
    parser.add_argument("--count", type=int, default=5000, help="photos")
    parser.add_argument("--seed", type=int, default=1, help="of the generator")
    parser.add_argument("--only", type=int, nargs="+", help="these numbers, instead of --count of them")
    parser.add_argument("--deadline", type=float, default=2, help="seconds a photo may take")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--memory", type=int, default=0, help="MB of address space a process may take; 0: any")
    parser.add_argument("--command-line", type=int, default=50, help="photos that go through the geoid command too")
    parser.add_argument("--keep", type=Path, help="folder for photos that found something")
    return parser.parse_args()


def _verdicts(seeds: Sequence[Seed], numbers: Sequence[int], options: argparse.Namespace) -> Iterator[Verdict]:
    mutants = (mutant(seeds, options.seed, number) for number in numbers)
    counted = judge(mutants, workers=options.workers, deadline_s=options.deadline, memory_mb=options.memory)
    for count, verdict in enumerate(counted, 1):
        if count % 500 == 0:
            print(f"{count} photos", file=sys.stderr, flush=True)
        yield verdict


def _second_tries(verdicts: Sequence[Verdict], options: argparse.Namespace) -> Iterator[Verdict]:
    late = [verdict.mutant for verdict in verdicts if verdict.kind == HANG]
    deadline = options.deadline * SECOND_TRY
    for verdict in judge(late, workers=1, deadline_s=deadline, memory_mb=options.memory):
        print(f"late: {verdict.mutant.name}: alone {verdict.spent_s:.1f} s, {verdict.kind}")
        yield verdict


def _report(found: Sequence[Verdict]) -> None:
    for kind, count in Counter(verdict.kind for verdict in found).most_common():
        print(f"{count:6}  {kind}")
    noises = Counter(verdict.noise.split(maxsplit=1)[0] for verdict in found if verdict.noise.strip())
    print(f"\nwritten to stderr by libraries, by first word: {dict(noises.most_common())}")
    print("\nslowest")
    for verdict in sorted(found, key=lambda verdict: -verdict.spent_s)[:SHOWN]:
        print(f"{verdict.spent_s:6.2f} s  {verdict.peak_mb:6.0f} MB  {verdict.kind:<12}  {verdict.mutant.name}")
    print("\nlargest")
    for verdict in sorted(found, key=lambda verdict: -verdict.peak_mb)[:SHOWN]:
        print(f"{verdict.spent_s:6.2f} s  {verdict.peak_mb:6.0f} MB  {verdict.kind:<12}  {verdict.mutant.name}")


def _keep(photo: Mutant, folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{photo.number}.bin").write_bytes(photo.data)


def _through_command_line(seeds: Sequence[Seed], options: argparse.Namespace) -> Iterator[Complaint]:
    """Half of the photos alone, half in batches with a good photo in the middle of each."""
    mutants = [mutant(seeds, options.seed, number) for number in range(options.command_line)]
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(mutants, Path(folder))
        half = len(paths) // 2
        for path in paths[:half]:
            yield from complaints(ask([path]))
        good = PHOTOS / "samoyed.jpg"
        for start in range(half, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            yield from complaints(ask([*batch[:5], good, *batch[5:]]), [good])


if __name__ == "__main__":
    sys.exit(main())
