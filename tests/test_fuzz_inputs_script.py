"""What people and the centre write, damaged: the long run of scripts/fuzz_inputs.py, kept short."""

import runpy
from pathlib import Path

import pytest
import structlog

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "fuzz_inputs.py"


@pytest.mark.parametrize("part", ["yaml", "messages", "pipeline"])
def test_damaged_input_is_refused_or_understood_and_never_more(
    part: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"yaml": 0, "messages": 0, "pipeline": 0} | {part: 150 if part == "yaml" else 2000}
    monkeypatch.setattr(structlog, "configure", lambda **_: None)  # it would outlive the test
    main = runpy.run_path(str(SCRIPT))["main"]
    status = main([word for name, n in counts.items() for word in (f"--{name}", str(n))])
    told = capsys.readouterr().out
    assert status == 0
    assert " accepted" in told or " press" in told
