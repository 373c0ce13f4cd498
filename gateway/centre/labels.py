"""Names of hubs, from a file that never leaves the centre: the wire knows pseudonyms only."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from gateway.centre.cells import plain
from gateway.errors import ConfigurationError


def read_labels(path: Path | None) -> Mapping[str, str]:
    """Return hub -> name; without a file there are none."""
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from wrong
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: write one line for each hub, `pseudonym: name`")
    return {str(hub): plain(str(name)) for hub, name in found.items()}
