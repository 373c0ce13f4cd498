"""Files about a home that only their owner may read: they show when somebody is at home."""

import os
from pathlib import Path

from gateway.errors import ConfigurationError


def write_private(path: Path, content: bytes) -> None:
    """Write a file anew with mode 0600, whatever stood there before."""
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as wrong:
        raise ConfigurationError(f"{path}: cannot be written: {wrong.strerror}") from None
