"""The contract as an AsyncAPI 3.0 document, for integrators: config/asyncapi.yaml is made of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.bodies import VERSION
from gateway.core.schemas import MESSAGES

ABOUT: Mapping[str, tuple[str, bool, int | None]] = MappingProxyType(
    {  # what it is, retained, expiry in seconds (MQTT 5)
        "up/state": ("Birth of the hub's session, and the broker's will for it", True, None),
        "up/alarm": ("One alarm message; repeated until `stored`", False, None),
        "up/event": ("Batched events of the home's sensors", False, 7 * 86400),
        "up/sum": ("Summaries of measurements", False, 3 * 86400),
        "up/evidence": ("What was measured around an alarm, in parts", False, None),
        "up/routine": ("Once a day: the routine against the four weeks before", False, None),
        "up/hb": ("Heartbeat with the last seq of every stream", False, 120),
        "up/res": ("What became of a command", False, 86400),
        "dn/ack": ("How far messages (`stored`) or alerts (the others) have come", False, None),
        "dn/cmd": ("What the centre asks of the hub", False, None),
        "centre/state": ("The centre's own presence, and the broker's will for it", True, None),
    }
)
_DESCRIPTION = """\
Between a hub in a home and the control centre. QoS 1 throughout. Everything essential is in the
payload (JSON, UTF-8, below 2 KiB from the hub, at most 16 KiB to it), so MQTT 3.1.1 serves.
A PUBACK finishes nothing: only `dn/ack` with status `stored` does. Deduplicate by (hub, epoch,
stream, seq); the same key with another id is a protocol error and is never `stored`. Messages of
streams carry a seq without gaps within an epoch; a gap is asked for with the command `resend`.
A death (`online: false`) whose session is below that of the last birth is an old connection's.
A pending alarm is raised by the centre itself at `due` if nothing follows.
"""


def document() -> dict[str, Any]:
    """Return the whole document."""
    names = {leaf: leaf.replace("/", "_") for leaf in MESSAGES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ansim-gateway",
            "version": f"{VERSION}.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {names[leaf]: _channel(leaf, names[leaf]) for leaf in MESSAGES},
        "operations": {names[leaf]: _operation(leaf, names[leaf]) for leaf in MESSAGES},
        "components": {
            "messages": {names[leaf]: _message(leaf, names[leaf]) for leaf in MESSAGES},
            "schemas": {names[leaf]: dict(schema) for leaf, schema in MESSAGES.items()},
        },
    }


def _channel(leaf: str, name: str) -> dict[str, Any]:
    hub = "" if leaf.startswith("centre/") else "{hub}/"
    parameters = {"district": {"description": "administrative code"}}
    if hub:
        parameters["hub"] = {"description": "pseudonym; also the broker's user name"}
    return {
        "address": f"ansim/{VERSION}/{{district}}/{hub}{leaf}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": parameters,
    }


def _operation(leaf: str, name: str) -> dict[str, Any]:
    _, retained, expiry_s = ABOUT[leaf]
    binding: dict[str, Any] = {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}
    if expiry_s is not None:
        binding["messageExpiryInterval"] = expiry_s
    return {
        "action": "send" if leaf.startswith("up/") else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": binding},
    }


def _message(leaf: str, name: str) -> dict[str, Any]:
    return {
        "name": leaf,
        "summary": ABOUT[leaf][0],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"#/components/schemas/{name}"},
        },
    }
