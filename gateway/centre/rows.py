"""Cases as rows, and back: the same in SQLite and in PostgreSQL."""

import json
from dataclasses import asdict
from typing import Any

from gateway.centre.case import Case
from gateway.core.alerts import Matter, Word
from gateway.core.model import Kind
from gateway.core.wire import Cause


def as_json(value: object) -> str:
    """Return compact JSON; a mapping of any kind becomes an object."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)


def alert_row(case: Case) -> dict[str, Any]:
    """Return the row of a case: `whole` is all of it, the rest is for people's queries."""
    return {
        "id": case.id,
        "hub": case.hub,
        "kind": case.kind.value,
        "matter": case.matter.value,
        "word": case.word.value,
        "cause": case.cause.value if case.cause else None,
        "received_ms": case.received_ms,
        "closed_ms": case.closed_ms,
        "whole": as_json(asdict(case)),
    }


def case_of(text: str) -> Case:
    """Return the case that a row holds whole."""
    whole = json.loads(text)
    whole |= {
        "kind": Kind(whole["kind"]),
        "matter": Matter(whole["matter"]),
        "word": Word(whole["word"]),
        "cause": Cause(whole["cause"]) if whole["cause"] else None,
    }
    return Case(**whole)
