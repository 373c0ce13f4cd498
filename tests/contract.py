"""Hold every message the tests see against the contract: `assert_valid(topic, payload)`."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from gateway.core.bodies import MAX_PAYLOAD
from gateway.core.schemas import MESSAGES


@cache
def _validator(leaf: str) -> Draft202012Validator:
    schema = MESSAGES[leaf]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_valid(topic: str, payload: bytes) -> dict[str, Any]:
    """Return the message, or fail with all that the contract forbids in it."""
    leaf = "/".join(topic.split("/")[-2:])
    message: dict[str, Any] = json.loads(payload)
    wrong = [
        f"{error.json_path}: {error.message}" for error in _validator(leaf).iter_errors(message)
    ]
    assert not wrong, f"{topic}: {wrong}"
    assert len(payload) < MAX_PAYLOAD or not leaf.startswith("up/"), f"{topic}: {len(payload)} B"
    return message
