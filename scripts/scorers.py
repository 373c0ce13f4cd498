"""The recordings and their scorers lie outside this repository; this finds them."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def shared(kind: str) -> Path:
    """Return the folder of one kind of recordings ("falls", "homes") and its scorer."""
    return Path(os.environ.get("ANSIM_SHARED", ROOT.parent / "shared")) / "data" / kind


def load_scorer(kind: str, name: str) -> ModuleType:
    """Import a scorer from where it lies; the script ends with a clear line when it is missing."""
    path = shared(kind) / f"{name}.py"
    if not path.is_file():
        sys.exit(f"{path} is missing: the recordings are not part of this repository")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
