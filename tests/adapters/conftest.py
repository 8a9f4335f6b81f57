"""Lets the tests here import the modules beside and above them: in importlib mode pytest leaves `sys.path` alone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
