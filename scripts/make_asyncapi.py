#!/usr/bin/env python3
"""Write config/asyncapi.yaml from the contract's code (gateway/core/asyncapi.py)."""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.core.asyncapi import document  # noqa: E402 - the repository goes first

HEAD = "# Made by scripts/make_asyncapi.py from gateway/core/schemas.py. Change it there.\n"


class _Plain(yaml.SafeDumper):
    """No anchors: other tools read this."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def text() -> str:
    """Return the file's text."""
    return HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True)


if __name__ == "__main__":
    (ROOT / "config" / "asyncapi.yaml").write_text(text())
