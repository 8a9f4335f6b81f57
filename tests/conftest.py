"""What all tests share: the fixture photos, one pipeline, and two rules that hold for every test.

A test that is skipped in CI proves nothing, so there a skip is a failure, unless its reason says `platform:`. And all
tests are about the installed wheel, never about the checkout that happens to lie beside them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[1]
ALLOWED_SKIP = "platform:"

sys.path.insert(0, str(Path(__file__).parent / "contracts"))  # `tables`, the second implementation of each port
pytest_plugins = ("servers",)  # real PostgreSQL, Valkey and Redis, from the same folder

settings.register_profile("untimed", deadline=None)  # speed is measured in `make bench`, not in tests
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test the checkout instead of the installed package."""
    import geoid

    if Path(geoid.__file__).resolve().parent == CHECKOUT / "geoid":
        raise pytest.UsageError(
            "geoid is imported from the checkout; install it and run `pytest`, not `python -m pytest`"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return without_skip((yield))


def without_skip(report):
    """The report, failed if it is of a skip that CI does not allow."""
    if os.environ.get("CI") and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        if not reason.startswith(ALLOWED_SKIP):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI: {reason}"
    return report


@pytest.fixture(name="photos", scope="session")
def _photos() -> Path:
    """The folder of fixture photos."""
    return CHECKOUT / "fixtures" / "photos"


@pytest.fixture(name="pipeline", scope="session")
def _pipeline():
    """The pipeline as a user of the library gets it."""
    import geoid

    return geoid.open_pipeline()


@pytest.fixture(name="document_keys", scope="session")
def _document_keys() -> list[str]:
    """The keys of a prediction's JSON document, in their order: published, so they only grow."""
    return [
        "format",
        "photo",
        "location",
        "date",
        "problems",
        "cell",
        "narrowing",
        "answer_status",
        "answer",
        "candidates",
        "by_vision",
        "why_not",
        "animal_score",
        "model",
        "timings_ms",
    ]
