"""Who may say and hear what at a broker: each hub its own topics, the centre all of them. Pure.

mosquitto needs no list: its ACL has a pattern with the user's name (config/brokers/mosquitto). NATS
and RabbitMQ know each user by name, so these are written for the hubs there are:

    nats_users            the part of nats.conf that it includes: users and their subjects
    rabbitmq_definitions  users and permissions as RabbitMQ imports them, at its start or running

A user is the common name of a certificate, which is the hub's pseudonym. Everything goes by the
USER's name: a client id is what a client says of itself (with mosquitto's %c a hub read and wrote
as its neighbour). Names end up in subjects, regular expressions and configuration files, hence no
character has a meaning in any of them.
"""

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from gateway.core.wire import VERSION
from gateway.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
HASHING = "rabbit_password_hashing_sha256"


def named(names: Collection[str]) -> list[str]:
    """Return them in order, each once; ConfigurationError names one that could not be a user."""
    for name in names:
        if not NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot be a user of a broker: letters, digits, - and _, at most 64"
            )
    return sorted(set(names))


# ---------------------------------------------------------------------------------------- NATS
def nats_users(
    hubs: Collection[str], centres: Collection[str], workers: Mapping[str, str] | None = None
) -> str:
    """Return the users of a NATS server that maps certificates to them (`verify_and_map`).

    workers: passwords of those that speak NATS itself, at its own port.

    `$MQTT.sub.>` is where a server hands a client its own QoS 1 messages: the last part is random
    and of that subscription, and what may be subscribed to is judged by the other lines.
    """
    lines = ["# Written by scripts/make_broker_users; read again by systemctl reload nats-server."]
    lines += ["authorization {", "  users = ["]
    for hub in named(hubs):
        lines += _nats_user(
            hub,
            # Behind partitions (partitions.conf) the server asks for the mapped subject.
            [f"ansim.{VERSION}.*.{hub}.up.>", f"ansim-in.*.*.*.{hub}.*"],
            [f"ansim.{VERSION}.*.{hub}.dn.>", f"ansim.{VERSION}.*.centre.state", "$MQTT.sub.>"],
        )
    for centre in named(centres):
        lines += [f'    {{ user: "CN={centre}" }}']
    for worker, password in sorted((workers or {}).items()):
        (name,) = named([worker])
        kind = 'allowed_connection_types: ["STANDARD"]'
        lines += [f"    {{ user: {name}, password: {json.dumps(password)}, {kind} }}"]
    return "\n".join([*lines, "  ]", "}", ""])


def _nats_user(name: str, says: list[str], hears: list[str]) -> list[str]:
    def listed(subjects: list[str]) -> str:
        return ", ".join(f'"{subject}"' for subject in subjects)

    return [
        f'    {{ user: "CN={name}", allowed_connection_types: ["MQTT"], permissions: {{',
        f"        publish: {{ allow: [{listed(says)}] }}",
        f"        subscribe: {{ allow: [{listed(hears)}] }} }} }}",
    ]


# ------------------------------------------------------------------------------------ RabbitMQ
def rabbitmq_definitions(
    hubs: Collection[str], centres: Collection[str], passwords: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return users and permissions of a RabbitMQ; without a password only a certificate lets in.

    A session's queue is named after the client id: what a user may have is a queue of his own name
    (gateway.edge.brokers.client_id), so a forged client id opens nobody's queue. Levels are dots
    here.
    """
    level = "[^.*#]+"
    queues, says, hears = {}, {}, {}
    for hub in named(hubs):
        queues[hub] = f"mqtt-subscription-{hub}(-[0-9a-f]+)?qos[01]"
        says[hub] = rf"^ansim\.{VERSION}\.{level}\.{{username}}\.up\."
        hears[hub] = rf"^ansim\.{VERSION}\.{level}\.({{username}}\.dn\.|centre\.state$)"
    for centre in named(centres):
        queues[centre] = "mqtt-subscription-ansim-centre.*"
        says[centre] = rf"^ansim\.{VERSION}\.{level}\.({level}\.dn\.|centre\.state$)"
        hears[centre] = rf"^ansim\.{VERSION}\."
    known = dict(passwords or {})
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {
                "name": name,
                "password_hash": _hashed(name, known[name]) if name in known else "",
                "hashing_algorithm": HASHING,
                "tags": "",
            }
            for name in queues
        ],
        "permissions": [
            {
                "user": name,
                "vhost": "/",
                "configure": f"^{queue}$",
                "write": rf"^({queue}|amq\.topic)$",
                "read": rf"^({queue}|amq\.topic)$",
            }
            for name, queue in queues.items()
        ],
        "topic_permissions": [
            {
                "user": name,
                "vhost": "/",
                "exchange": "amq.topic",
                "write": says[name],
                "read": hears[name],
            }
            for name in queues
        ],
    }


def _hashed(name: str, password: str) -> str:
    """Return RabbitMQ's salted SHA-256; the passwords made here are 128 bits of chance."""
    salt = hashlib.sha256(f"{name}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
