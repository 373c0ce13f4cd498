"""One hub on one store."""

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
