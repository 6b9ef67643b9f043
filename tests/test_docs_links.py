"""What the documentation names exists: links, anchors, settings, commands, options; and both
languages say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from click import Command

from bot.api.errors import FAULTS
from bot.cli import app
from bot.config import Settings, load

ROOT = Path(__file__).parent.parent
DOCS = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "docs").glob("*.md"))
ALL = ["README.md", "README.zh-CN.md", "CHANGELOG.md", *DOCS]
PAIRS = ["README.md", *(name for name in DOCS if name.replace(".md", ".zh-CN.md") in DOCS)]
TWINS = [f"docs/{name}.md" for name in ("api", "install", "operations", "troubleshooting")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRETS = {  # without which some settings do not make sense
    "VISIONBOT_WEB__ACCESS_CODE": "Xq3-7vTz-Lk9w-pQ4m",
    "VISIONBOT_TELEGRAM__WEBHOOK_SECRET": "Xq3-7vTz-Lk9w-pQ4m",
}


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def in_chinese(name: str) -> str:
    return name.replace(".md", ".zh-CN.md")


def blocks(text: str, *languages: str) -> list[str]:
    return [block for language, block in FENCE.findall(text) if language in languages]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) (.+)$", prose(text), re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings; and those that stand there themselves."""
    slugs = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings(text)
    }
    return slugs | set(re.findall(r'<a id="([^"]+)"></a>', text))


def uncommented(block: str) -> list[str]:
    """What a machine reads of it."""
    lines = (re.sub(r"(^|\s)# .*$", "", line) for line in block.splitlines())
    return [re.sub(r"\s+", " ", line).strip() for line in lines if line.strip()]


def commands() -> set[str]:
    """ "visionbot admin keys create" and all the others."""
    found, left = set(), [("visionbot", typer.main.get_command(app))]
    while left:
        name, command = left.pop()
        below: dict[str, Command] = getattr(command, "commands", {})
        found.add(name)
        left += [(f"{name} {word}", one) for word, one in below.items()]
    return found


RUN_HERE = [name for name in ALL if ".zh-CN" not in name and blocks(read(name), "sh")]


@pytest.mark.parametrize("name", RUN_HERE)
def test_no_command_that_changes_the_machine_is_run_by_a_test(name: str) -> None:
    """Such a block is marked `shell`, and only shown."""
    for block in blocks(read(name), "sh"):
        assert not re.search(r"\b(sudo|docker|systemctl|apt|rm|git|make)\b", block)


@pytest.mark.parametrize("name", ALL)
def test_each_link_leads_to_a_file_and_to_a_place_in_it(name: str) -> None:
    text = prose(read(name))
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (anchor and unquote(anchor) not in anchors(file.read_text())):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("name", ["docs/troubleshooting.md", "docs/troubleshooting.zh-CN.md"])
def test_each_alert_leads_to_what_to_do_in_both_languages(name: str) -> None:
    rules = (ROOT / "docker" / "prometheus" / "rules.yml").read_text("utf-8")
    wanted = set(re.findall(r"runbook: docs/troubleshooting\.md#([\w-]+)", rules))

    assert len(wanted) > 10
    assert wanted - anchors(read(name)) == set()


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_have_the_same_headings(name: str) -> None:
    english, chinese = (headings(read(one)) for one in (name, in_chinese(name)))

    assert [level for level, _ in english] == [level for level, _ in chinese]


@pytest.mark.parametrize("name", TWINS)
def test_both_languages_have_the_same_commands_and_examples(name: str) -> None:
    kinds = ("sh", "shell", "python", "js", "toml", "text")
    english, chinese = (blocks(read(one), *kinds) for one in (name, in_chinese(name)))

    assert english
    assert list(map(uncommented, english)) == list(map(uncommented, chinese))


@pytest.mark.parametrize("name", TWINS)
def test_both_languages_name_the_same_things(name: str) -> None:
    english, chinese = (
        {re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", prose(read(one)))}
        for one in (name, in_chinese(name))
    )

    assert sorted(english ^ chinese) == []


@pytest.mark.parametrize("name", TWINS)
def test_each_link_of_one_language_stands_in_the_other_and_stays_in_its_language(name: str) -> None:
    english, chinese = (
        re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", prose(read(one)))[1:]
        for one in (name, in_chinese(name))
    )

    translated = [
        in_chinese(link) if link.endswith(".md") and "CHANGELOG" not in link else link
        for link in english
    ]
    assert sorted(translated) == sorted(chinese)


@pytest.mark.parametrize("name", ALL)
def test_each_variable_named_is_one(name: str) -> None:
    named = set(re.findall(r"\bVISIONBOT_[A-Z]+__[A-Z_]*[A-Z]\b", read(name)))

    known = {
        f"VISIONBOT_{section}__{key}".upper()
        for section, field in Settings.model_fields.items()
        for key in type(field.default).model_fields
    }
    assert {variable.removesuffix("_FILE") for variable in named} - known <= {
        "VISIONBOT_SECTION__KEY"
    }


@pytest.mark.parametrize("name", ALL)
def test_each_setting_named_with_its_section_is_one(name: str) -> None:
    named = re.findall(r"`\[([a-z]+)\] ([a-z_]+)", prose(read(name)))

    wrong = [
        f"[{section}] {key}"
        for section, key in named
        if section not in Settings.model_fields
        or key not in type(Settings.model_fields[section].default).model_fields
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ALL)
def test_each_piece_of_config_toml_is_taken_by_the_program(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    file = tmp_path / "config.toml"

    for block in blocks(read(name), "toml"):
        file.write_text(block, "utf-8")

        assert tomllib.loads(block)
        load(file)


@pytest.mark.parametrize("name", ALL)
def test_each_command_named_is_one(name: str) -> None:
    known = commands()
    text = read(name).replace(".venv/bin/", "").replace("visionbot visionbot", "visionbot")

    for line in re.findall(r"\bvisionbot ((?:check|run|ask|chat|admin)\b[^`\n]*)", text):
        words = f"visionbot {line}".split()
        command = " ".join(words[:3] if words[1] == "admin" else words[:2])

        assert command in known or not re.fullmatch(r"[a-z]+", words[2]), line


@pytest.mark.parametrize("name", ALL)
def test_each_option_of_the_start_script_is_one(name: str) -> None:
    script = (ROOT / "docker" / "start.sh").read_text("utf-8")

    for options in re.findall(r"\bstart\.sh((?: --[a-z-]+)+)", read(name)):
        for option in options.split():
            assert f"    {option}" in script


@pytest.mark.parametrize("name", ["docs/api.md", "docs/api.zh-CN.md"])
def test_the_table_of_errors_is_that_of_the_api(name: str) -> None:
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", read(name), re.MULTILINE)
    told = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}

    assert told == {(fault.status, fault.code) for fault in FAULTS.values()}
