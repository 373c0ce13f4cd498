"""Who may say and hear what at NATS and RabbitMQ, as it is written for them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.centre.admission import nats_users, rabbitmq_definitions
from gateway.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
A, B = "a" * 26, "b" * 26


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a>", "*", "#", 'a"', "a\n", "{username}", "ä"])
def test_a_name_that_would_mean_something_else_is_no_user(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a user"):
        nats_users([name], [])
    with pytest.raises(ConfigurationError, match="cannot be a user"):
        rabbitmq_definitions([], [name])


def rights(of: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return a user's queues, and what he may say and hear, as RabbitMQ reads them."""
    whole = rabbitmq_definitions([A, B], ["centre"])
    (queue,) = (each["configure"] for each in whole["permissions"] if each["user"] == of)
    (topic,) = (each for each in whole["topic_permissions"] if each["user"] == of)
    says, hears = (topic[way].replace("{username}", of) for way in ("write", "read"))
    return re.compile(queue), re.compile(says), re.compile(hears)


def test_a_hub_of_rabbitmq_has_its_own_topics_and_its_own_queue() -> None:
    queue, says, hears = rights(A)
    assert queue.search(f"mqtt-subscription-{A}qos1")
    assert queue.search(f"mqtt-subscription-{A}-0123456789abcdefqos1")
    assert says.search(f"ansim.1.11680.{A}.up.alarm")
    assert hears.search(f"ansim.1.11680.{A}.dn.*")
    assert hears.search("ansim.1.11680.centre.state")
    for other in (f"mqtt-subscription-{B}qos1", f"mqtt-subscription-{A}{B}qos1"):
        assert not queue.search(other)
    for other in (
        f"ansim.1.11680.{B}.up.alarm",
        f"ansim.1.11680.{A}.dn.ack",
        "ansim.1.11680.centre.state",
        f"x.ansim.1.11680.{A}.up.alarm",
    ):
        assert not says.search(other)
    for other in ("#", "ansim.#", "ansim.1.*.*.dn.#", f"ansim.1.#.{A}.dn.#", f"ansim.1.*.{B}.dn.#"):
        assert not hears.search(other)


def test_a_hub_of_nats_has_its_own_subjects_and_only_mqtt() -> None:
    lines = nats_users([B, A, A], ["centre"], {"workers": 'a"b'}).splitlines()
    ours = next(number for number, line in enumerate(lines) if f"CN={A}" in line)
    assert 'allowed_connection_types: ["MQTT"]' in lines[ours]
    own = f'publish: {{ allow: ["ansim.1.*.{A}.up.>", "ansim-in.*.*.*.{A}.*"] }}'
    assert lines[ours + 1].split() == own.split()
    assert sum(f"CN={A}" in line for line in lines) == 1
    assert B not in " ".join(lines[ours : ours + 3])
    assert any(r'user: workers, password: "a\"b"' in line for line in lines)


def test_a_password_is_kept_as_a_salted_hash_and_without_one_nobody_gets_in_by_any() -> None:
    users = rabbitmq_definitions([A, B], [], {A: "very secret"})["users"]
    first, second = users
    assert (first["name"], second["password_hash"]) == (A, "")
    assert len(first["password_hash"]) == 48
    assert "secret" not in json.dumps(users)


def test_the_script_writes_for_a_list_of_hubs(tmp_path: Path) -> None:
    (tmp_path / "hubs").write_text(f"{A}\n{B}\n")

    def written(broker: str) -> str:
        command = [sys.executable, str(ROOT / "scripts" / "make_broker_users"), broker]
        command += ["--hubs-from", str(tmp_path / "hubs"), "--centre", "centre"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert written("nats") == nats_users([A, B], ["centre"])
    assert json.loads(written("rabbitmq")) == rabbitmq_definitions([A, B], ["centre"])


@pytest.mark.parametrize(
    ("hubs", "more", "why"),
    [
        (None, ("--centre", "centre"), "No such file"),
        ("# none yet\n", ("--centre", "centre"), "no hub"),
        ("hub-1\n", (), "no centre"),
        ("hub-1\nold hub\n", ("--centre", "centre"), "'old hub' cannot be a user"),
    ],
)
def test_a_list_that_would_lock_hubs_out_is_refused(
    tmp_path: Path, hubs: str | None, more: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "hubs"
    if hubs is not None:
        file.write_text(hubs)
    script = str(ROOT / "scripts" / "make_broker_users")
    command = [sys.executable, script, "nats", "--hubs-from", str(file), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
