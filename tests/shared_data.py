"""The recordings beside the project, for the tests that need them; they skip where there are none.

`$ANSIM_SHARED` says where they are; without it, `../shared` beside the checkout.
"""

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("ANSIM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PACKS = SHARED / "data" / "falls" / "open"
SCORER = SHARED / "data" / "falls" / "score_falls.py"

needs_falls = pytest.mark.skipif(
    not (PACKS.is_dir() and SCORER.is_file()),
    reason=f"fall recordings are missing: {PACKS} (set ANSIM_SHARED to where they are)",
)

HOMES = SHARED / "data" / "homes"
needs_homes = pytest.mark.skipif(
    not (HOMES / "open").is_dir(),
    reason=f"home logs are missing: {HOMES} (set ANSIM_SHARED to where they are)",
)


@cache
def scorer() -> Any:
    """Return the scoring program as a module."""
    spec = importlib.util.spec_from_file_location("score_falls", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def pack(name: str) -> Any:
    """Return one of the scorer's packs."""
    return scorer().Pack(str(PACKS / f"{name}.npz"))
