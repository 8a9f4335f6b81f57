"""Logs and request ids; called by entry points only, because the core returns facts and does not log."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar

from geoid.core.text import printable

LOG = logging.getLogger("geoid")

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The request that this thread or task works for."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str, form: str) -> None:
    """Send geoid's log to stderr as text or JSON lines; other libraries' logs stay silent."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(levelname)s: %(message)s"))
    LOG.handlers[:] = [handler]
    LOG.propagate = False
    LOG.setLevel(LEVELS[level])
    logging.getLogger().addHandler(logging.NullHandler())


def new_request() -> str:
    """Start a request: a fresh id that every log line of it carries."""
    request_id.set(os.urandom(8).hex())
    return request_id.get()


def event(name: str, facts: Mapping[str, object], level: int = logging.INFO) -> None:
    """Log one event with its facts; never give it more of a place than the cell."""
    if LOG.isEnabledFor(level):
        text = " ".join([name, *(f"{key}={value}" for key, value in facts.items())])
        LOG.log(level, printable(text), extra={"event": name, "facts": facts})


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, request id, facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        return json.dumps(
            {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
                "level": record.levelname.lower(),
                "event": getattr(record, "event", record.getMessage()),
                "request_id": request_id.get(),
                **getattr(record, "facts", {}),
                **({"traceback": self.formatException(record.exc_info)} if record.exc_info else {}),
            },
            default=str,
        )
