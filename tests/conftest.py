"""What all tests share: hypothesis without a stop-watch, and a run in which nothing may skip."""

import os

import pytest
from hypothesis import settings

settings.register_profile("home", deadline=None, print_blob=True)
settings.load_profile("home")


class NothingSkips:
    """Fails a run in which a test skipped: where everything can be had, a skip hides something."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self.skipped:
            terminalreporter.write_line(f"ANSIM_NO_SKIP is set, but this skipped: {nodeid}")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("ANSIM_NO_SKIP"):
        config.pluginmanager.register(NothingSkips())
