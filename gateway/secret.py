"""Secrets: read from files or systemd credentials, at the edge, once; never shown.

/etc/ansim/keys/x.key   a file of the technician's
credential:NAME                 $CREDENTIALS_DIRECTORY/NAME, which only the service can read
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ConfigurationError

CREDENTIAL = "credential:"
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
_LARGEST = 64 * 1024  # a chain of certificates with its key is about 10 kB
_BIND_KEY = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


class UnreadableSecret(ConfigurationError):  # noqa: N818 - named after what it is
    """A secret's file is missing, closed to us, or holds what cannot be; `why` is a code."""

    def __init__(self, path: Path, why: str, en: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {en}")


class Secret:
    """A value that never shows itself: not in a repr, not in a log, not in a traceback's locals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, to hand it to what needs it and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str, /) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    __hash__ = None  # type: ignore[assignment] # a hash would be a fingerprint of it

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be written anywhere")


def locate(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a secret lies: `credential:NAME` is looked up, anything else stays."""
    text = str(path)
    if not text.startswith(CREDENTIAL):
        return path
    directory = environ.get(CREDENTIALS_DIRECTORY)
    if not directory:
        raise UnreadableSecret(path, "no-credentials", "only systemd can give it, to the service")
    name = text.removeprefix(CREDENTIAL)
    if not name or "/" in name or name.startswith("."):
        raise UnreadableSecret(path, "unreadable", "is no name of a credential")
    return Path(directory) / name


def read_secret(path: Path, environ: Mapping[str, str] = os.environ) -> Secret:
    """Read a one-line secret; the end of the line is not part of it."""
    return Secret(_text(locate(path, environ)))


def read_bind_key(path: Path, environ: Mapping[str, str] = os.environ) -> bytes:
    """Read a device's bind key: 32 hex digits (spaces, colons, hyphens ignored)."""
    found = locate(path, environ)
    digits = re.sub(r"[\s:-]", "", _text(found))
    if not _BIND_KEY.fullmatch(digits):
        # Its length helps to see what was pasted; its content must not be shown.
        raise UnreadableSecret(
            found, "not-a-key", f"a bind key is 32 hex digits, this is {len(digits)} characters"
        )
    return bytes.fromhex(digits)


def read_bytes(path: Path) -> bytes:
    """Read a small file that must exist, or say why not in a word that can be translated."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            path.stat()
            raise UnreadableSecret(path, "unreadable", "is no file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UnreadableSecret(path, "missing", "no such file") from None
    except PermissionError:
        raise UnreadableSecret(path, "closed", "no permission to read it") from None
    except (OSError, ValueError):
        raise UnreadableSecret(path, "unreadable", "cannot be read") from None
    if not data.strip():
        raise UnreadableSecret(path, "empty", "is empty")
    if len(data) > _LARGEST:
        raise UnreadableSecret(path, "too-large", "is far too large to be a key or password")
    return data


def _text(path: Path) -> str:
    try:
        text = read_bytes(path).decode().strip("\r\n")
    except UnicodeDecodeError:
        raise UnreadableSecret(path, "not-text", "is not a text file") from None
    if "\n" in text.strip() or "\0" in text:
        raise UnreadableSecret(path, "not-one-line", "must hold one line")
    return text
