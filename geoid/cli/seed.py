"""`geoid seed`: publishes a release of area data, built from sources or as it is, and puts it in force."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from geoid.cli import releases, seed_measures, seed_options, seed_run
from geoid.cli.options import Form, FormOption, JsonOption
from geoid.cli.patience import Patience, seconds
from geoid.cli.seed_run import Job, open_job, pointer_of, report_of
from geoid.errors import UnknownRelease, UsageError

EXAMPLES = (
    "Examples: geoid seed · geoid seed 0001234-gbif.zip --to kenya.areas --area KE --since 2000 "
    "--fail-if 'unmatched>5%' · geoid seed starter birds.csv --dry-run · geoid seed kenya.areas --to "
    "postgresql://geoid@localhost/geoid --wait 60s · geoid seed --list · geoid seed --rollback · "
    "geoid seed --prune --keep 3"
)


def seed(
    sources: seed_options.Sources = None,
    to: seed_options.To = None,
    name: seed_options.Name = None,
    since: seed_options.Since = None,
    taxa: seed_options.Taxa = None,
    area: seed_options.Area = None,
    fail_if: seed_options.FailIf = None,
    accept: seed_options.Accept = None,
    unmatched: seed_options.Unmatched = seed_options.UNMATCHED,
    listing: seed_options.List = False,
    rollback: seed_options.Rollback = False,
    prune: seed_options.Prune = False,
    keep: seed_options.Keep = None,
    wait: seed_options.Wait = None,
    dry_run: seed_options.DryRun = False,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """Publish area data and put it in force: records and ranges are built into a release, a pack is one already."""
    flags = {"--list": listing, "--rollback": rollback, "--prune": prune, "--dry-run": dry_run}
    narrowed = {"--name": name, "--since": since, "--taxa": taxa, "--area": area}
    given = {"SOURCE": sources, **narrowed, "--fail-if": fail_if, "--accept": accept}
    action = chosen(flags, given, keep)
    patience = Patience(0 if wait is None else seconds(wait))
    as_json = json or form is Form.JSON
    with stopped_by_sigterm():
        if action in {"", "--dry-run"}:
            limits = seed_measures.parsed(fail_if or ())
            request = seed_run.request(sources, name, since, taxa, area, accept)
            order = seed_run.Order(request, seed_run.is_release(request, narrowed), limits, dry_run)
            seed_run.run(order, to, patience, seed_run.Show(as_json, unmatched))
        else:
            _act(action, open_job(to, patience), keep, as_json)


def _act(action: str, job: Job, keep: int | None, as_json: bool) -> None:
    """Do something with the releases that are there."""
    if action == "--list":
        releases.show_list(_listing(job), as_json)
    elif action == "--rollback":
        releases.show_report(_rollback(job), as_json)
    else:
        releases.show_report(_prune(job, seed_options.KEEP if keep is None else keep), as_json)


def chosen(flags: Mapping[str, bool], given: Mapping[str, object], keep: int | None) -> str:
    """The one action that the flags name, or `""` to publish; raises `UsageError` for what does not go together."""
    named = [flag for flag, is_given in flags.items() if is_given]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} contradict each other", "give one of them")
    action = named[0] if named else ""
    for what, value in given.items():
        if value not in (None, []) and action not in {"", "--dry-run"}:
            raise UsageError(f"{action} takes no {what}", "publish first, then act on what is there")
    if keep is not None and action != "--prune":
        raise UsageError("--keep goes with --prune", "add --prune")
    return action


def _rollback(job: Job) -> releases.Report:
    former = job.patience.ask(job.store.pointer)
    if former.previous is None:
        what = f"there is no release before {former.current.name} to go back to"
        raise UnknownRelease(what, "geoid seed --list shows what is there")
    before = former.previous.name
    return report_of("rollback", job, job.patience.ask(lambda: job.store.switch(before)))


def _prune(job: Job, keep: int) -> releases.Report:
    dropped = job.patience.ask(lambda: job.store.prune(keep))
    return report_of("prune", job, pointer_of(job))._replace(dropped=list(dropped))


def _listing(job: Job) -> releases.Listing:
    listed = job.patience.ask(job.store.list)
    return releases.Listing(job.target, listed, pointer_of(job) if listed else None)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that whoever writes can undo what is half done."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
