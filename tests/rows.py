"""A plugin of pytest: which rows of the fault matrix were held by which tests of this run.

`--rows FILE` writes them there as JSON; docs/reliability.md is made of that by
`python -m tests.faults.report`. A test says its row by `@pytest.mark.row(8)`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", metavar="FILE", help="write which fault rows were held")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--rows")
    if file and not hasattr(config, "workerinput"):  # with xdist, all reports reach the controller
        config.pluginmanager.register(_Rows(Path(file)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("row"):
            item.user_properties.extend(("row", row) for row in mark.args)


class _Rows:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._results: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows = [value for name, value in report.user_properties if name == "row"]
        known = self._results.get(report.nodeid)
        if not rows or (known and known["outcome"] != "passed"):
            return
        if report.when == "call" or report.outcome != "passed":
            result = {"rows": rows, "test": report.nodeid, "outcome": report.outcome}
            self._results[report.nodeid] = result

    def pytest_sessionfinish(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        results = sorted(self._results.values(), key=lambda one: str(one["test"]))
        self._file.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
