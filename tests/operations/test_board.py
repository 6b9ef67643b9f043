"""The board and the alerts, against a real Prometheus that reads the real program."""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from bot.api.errors import FAULTS
from bot.watching.counts import Outcome
from tests.e2e.drawing import RED_CIRCLE
from tests.e2e.program import Program
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.operations.prometheus import FOLDER, ROOT, Prometheus, prometheus, tool

BOARD = json.loads((ROOT / "docker/grafana/dashboards/visionbot.json").read_text("utf-8"))
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text("utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
HELP = ROOT / "docs/troubleshooting.md"
TOKEN = "a-token-that-nobody-guesses"
MAY_BE_EMPTY = ("visionbot_gpu_",)  # where there is no card
WINDOW = {"$__rate_interval": "1m", "$door": ".*"}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    return found + [one["expr"] for one in BOARD["annotations"]["list"]]


def filled_in(expression: str) -> str:
    for name, value in WINDOW.items():
        expression = expression.replace(name, value)
    return expression


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [tool("promtool"), *arguments], capture_output=True, text=True, timeout=15, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_every_query_of_board_and_alerts_is_valid_and_shows_the_program_at_work(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\n", "utf-8")
    async with Emulator() as emulator:
        program = Program(
            tmp_path / "program",
            TELEGRAM__TOKEN=emulator.token,
            TELEGRAM__BASE_URL=emulator.url,
            METRICS__TOKEN_FILE=secret,
        )
        await program.start()
        try:
            target = program.url.removeprefix("http://")
            async with prometheus(tmp_path, target, secret) as asked:
                await _at_work(asked, emulator)
                empty = {q for q in queries() if not _shows(await asked.query(filled_in(q)))}
                rules = await asked.rules()
        except TimeoutError:
            pytest.fail(program.output()[-4000:])
        finally:
            await program.clean_up()

    wrong = [rule for rule in rules if rule["health"] != "ok"]
    firing = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    assert {query for query in empty if not _may_be_empty(query)} == set()
    assert wrong == []
    assert firing == set()


async def _at_work(asked: Prometheus, emulator: Emulator) -> None:
    """Until two questions about a photo show in the figures."""
    seen = "visionbot_engine_up == 1"  # else the first counts of all are no increase
    await asked.until(lambda: asked.query(seen), within_s=60)
    ann = emulator.person("Ann")
    for number in (1, 2):
        ann.sends_photo(RED_CIRCLE, "What colour is the circle?")
        await emulator.until(partial(_answered, emulator, ann, number), within_s=60)
    done = 'sum(visionbot_questions_total{outcome="answered"}) == 2'
    await asked.until(lambda: asked.query(done), within_s=60)
    figures = "visionbot:first_text_seconds:p95 > 0"
    await asked.until(lambda: asked.query(figures), within_s=60)


def _answered(emulator: Emulator, person: Person, number: int) -> bool:
    said = emulator.said(person.chat)
    return len(said) == number and "red" in said[-1].text.lower()


def _shows(series: list[dict[str, Any]]) -> bool:
    """A share of nothing is there, but it is no number."""
    return any(one["value"][1] != "NaN" for one in series)


def _may_be_empty(query: str) -> bool:
    return any(name in query for name in MAY_BE_EMPTY) or query.endswith("> 0")


def test_rules_and_config_are_what_prometheus_wants() -> None:
    promtool("check", "rules", str(FOLDER / "rules.yml"))
    promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))


def test_alerts_fire_when_they_should_and_not_before() -> None:
    promtool("test", "rules", str(Path(__file__).parent / "alerts.yml"))


def test_each_alert_says_what_is_wrong_in_both_languages_and_where_help_is() -> None:
    for alert in ALERTS:
        notes = alert["annotations"]
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert re.search(r"[a-z]", notes["summary"]), alert["alert"]
        assert re.search(r"[\u4e00-\u9fff]", notes["summary_zh"]), alert["alert"]
        assert re.fullmatch(r"docs/troubleshooting\.md#[a-z-]+", notes["runbook"])


@pytest.mark.skipif(not HELP.exists(), reason="docs/troubleshooting.md is not there")
def test_help_is_written_for_each_alert() -> None:
    text = HELP.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    anchors |= set(re.findall(r'<a (?:id|name)="([^"]+)">', text))

    wanted = {alert["annotations"]["runbook"].partition("#")[2] for alert in ALERTS}

    assert wanted <= anchors


def test_alerts_and_board_ask_for_ends_that_there_are() -> None:
    """A misspelt one would be valid, and never found."""
    known = {*get_args(Outcome), *(fault.code for fault in FAULTS.values())}
    rules = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    found = re.findall(r'outcome=~?"([^"]+)"', "\n".join(rules + queries()))

    asked = {outcome for one in found for outcome in one.split("|")}

    assert "queue_full" in asked
    assert asked <= known


def test_each_alert_is_named_once() -> None:
    names = [alert["alert"] for alert in ALERTS]

    assert len(names) == len(set(names)) >= 10


def test_each_panel_has_a_title_in_both_languages_and_says_what_it_shows() -> None:
    for panel in panels():
        english, _, chinese = panel["title"].partition(" · ")
        assert re.search(r"[A-Za-z]", english), panel["title"]
        assert re.search(r"[\u4e00-\u9fff]", chinese), panel["title"]
        assert panel["description"].endswith("."), panel["title"]


def test_no_two_panels_lie_upon_each_other() -> None:
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23


def test_the_board_asks_the_source_that_is_provisioned() -> None:
    folder = ROOT / "docker/grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text("utf-8"))[
        "datasources"
    ]

    asked = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}

    assert asked == {source["uid"]}


def test_what_people_feel_comes_first() -> None:
    rows = [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"]

    assert rows[0].startswith("What people feel")
    assert "first_text" in queries()[0]
