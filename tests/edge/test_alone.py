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


def test_a_name_that_a_killed_hubs_child_still_holds_is_waited_for(tmp_path: Path) -> None:
    dying = contextlib.ExitStack()
    dying.enter_context(alone(tmp_path))
    timer = threading.Timer(0.2, dying.close)
    timer.start()
    with alone(tmp_path):
        assert timer.finished.is_set()
