"""One hub on one store."""

import contextlib
import threading
from pathlib import Path

import pytest

from gateway.edge.alone import alone
from gateway.errors import HubError


def test_a_second_hub_on_one_store_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    with alone(tmp_path):
        with pytest.raises(HubError, match="another hub"), alone(tmp_path):
            pass
        with alone(tmp_path / "other"):
            pass
    with alone(tmp_path):
        pass


def test_a_container_that_shares_this_machines_network_is_another_machine(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("c" * 32)
    with alone(tmp_path), alone(tmp_path, tmp_path / "machine-id"):
        pass
    with (
        alone(tmp_path, tmp_path / "none"),
        pytest.raises(HubError, match="another hub"),
        alone(tmp_path, tmp_path / "none"),
    ):
        pass


def test_a_name_that_a_killed_hubs_child_still_holds_is_waited_for(tmp_path: Path) -> None:
    dying = contextlib.ExitStack()
    dying.enter_context(alone(tmp_path))
    timer = threading.Timer(0.2, dying.close)
    timer.start()
    with alone(tmp_path):
        assert timer.finished.is_set()
