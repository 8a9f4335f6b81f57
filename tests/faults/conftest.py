"""Make the modules of this folder importable by its tests, and show what they found in the end."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from under_fire import HEADING, REPORT


def pytest_configure(config):
    config.stash[REPORT] = []


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[REPORT]:
        terminalreporter.section("answers under fire")
        for line in (HEADING, *config.stash[REPORT]):
            terminalreporter.write_line(line)
