"""axe-core of npm, which `make node` installs. Missing, its tests are skipped; in CI they fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_AXE = Path(__file__).parents[2] / ".node/node_modules/axe-core/axe.min.js"
_RUN = """async () => {
    const {violations} = await axe.run(document, {resultTypes: ["violations"]});
    return violations
        .filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).join(", ")}`);
}"""


@pytest.fixture(scope="session")
def axe():
    """Its source."""
    if not _AXE.exists():
        how = "axe-core is missing: make node"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    return _AXE.read_text("utf-8")


async def grave_faults(page, axe):
    """What axe-core finds serious or critical in what is shown now, with the places."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe)  # as the debugger does it: the page's own rules allow no script
    return await page.evaluate(_RUN)
