"""Secrets are read from files and credentials, and never show themselves."""

import json
import os
import pickle
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.secret import Secret, UnreadableSecret, read_bind_key, read_secret

KEY = "00112233445566778899aabbccddeeff"


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")

    assert secret.reveal() == "hunter2"
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!s:>20}", repr([secret])):
        assert "hunter2" not in shown


def test_a_secret_is_neither_hashed_nor_pickled_nor_written_as_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        hash(Secret("hunter2"))
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))


def test_equal_secrets_are_equal() -> None:
    assert Secret("a") == Secret("a") != Secret("b")


def test_a_password_is_one_line_without_its_end(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b" hunter 2 \r\n")

    assert read_secret(path).reveal() == " hunter 2 "


@pytest.mark.parametrize("text", [KEY, KEY.upper() + "\n", "00:11-22 33445566778899aabbccddeeff\n"])
def test_a_bind_key_is_32_hex_digits(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="ascii")

    assert read_bind_key(path) == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (KEY[:-1].encode(), "not-a-key"),
        (b"hunter2", "not-a-key"),
        (b"\xff\xfe\x00\x01", "not-text"),
        (f"{KEY}\n{KEY}".encode(), "not-one-line"),
        (b"0" * 100_000, "too-large"),
    ],
)
def test_a_key_file_that_holds_no_key_says_why_and_never_what(
    tmp_path: Path, data: bytes, why: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)

    with pytest.raises(UnreadableSecret) as caught:
        read_bind_key(path)

    assert caught.value.why == why
    assert "hunter2" not in str(caught.value)
    assert KEY[:8] not in str(caught.value)


def test_a_missing_file_a_directory_and_a_pipe_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read_secret(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigurationError, match="is no file"):
            read_secret(path)


def test_a_credential_comes_from_systemds_directory(tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text("hunter2\n", encoding="ascii")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert read_secret(Path("credential:mqtt"), environ) == Secret("hunter2")
    with pytest.raises(UnreadableSecret, match="only systemd can give it"):
        read_secret(Path("credential:mqtt"), {})


def test_a_credentials_name_does_not_lead_out_of_its_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n", encoding="ascii")
    (tmp_path / "credentials").mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}

    for name in ("../secret", "..", ".", ""):
        with pytest.raises(UnreadableSecret, match="no name of a credential"):
            read_secret(Path(f"credential:{name}"), environ)
