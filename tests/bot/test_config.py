from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from bot.config import Settings, has_display, load
from bot.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config.toml"
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
OTHER = "987654321:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw2"
SECRET = "a-webhook-secret-0123"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and nothing of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "given.toml"
    file.write_text(text, "utf-8")
    return file


def shown(settings: Settings) -> dict[str, dict[str, object]]:
    """All keys but the secrets, with values as TOML has them."""
    return {
        section: {
            key: as_toml_has_it(value)
            for key, value in getattr(settings, section)
            if not isinstance(value, SecretStr)
        }
        for section in Settings.model_fields
    }


def as_toml_has_it(value: object) -> object:
    match value:
        case Path():
            return str(value)
        case tuple():
            return [as_toml_has_it(one) for one in value]
        case BaseModel():
            return value.model_dump(mode="json", exclude_unset=True)
    return value


def test_the_shipped_file_says_exactly_the_defaults() -> None:
    defaults = shown(load())
    assert defaults["guards"].pop("models") == []  # with it no tables could be pasted below

    assert tomllib.loads(SHIPPED.read_text("utf-8")) == defaults


def test_tables_of_guards_can_be_pasted_into_the_shipped_file(folder: Path) -> None:
    text = SHIPPED.read_text("utf-8")
    head = "# [[guards.models]]               # the loaded model itself"
    assert text.count(head) == 1
    before, _, after = text.partition(head)
    lines = ("[[guards.models]]" + after.partition("# [[guards.models]]")[0]).splitlines()
    table = "\n".join(line.removeprefix("# ") for line in lines[1:])
    rest = after[len("\n".join(lines)) - len("[[guards.models]]") :]

    settings = load(written(folder, f"{before}\n[[guards.models]]\n{table}\n{rest}"))

    assert [one.kind for one in settings.guards.models] == ["self"]


def test_the_shipped_file_is_accepted() -> None:
    assert load(SHIPPED) == load()


def test_each_key_of_the_shipped_file_has_a_comment() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    bare = [line for line in lines if re.match(r"\w+ = ", line) and " # " not in line]

    assert bare == []


def keys() -> list[tuple[str, str, object]]:
    content = tomllib.loads(SHIPPED.read_text("utf-8"))
    return [(section, key, value) for section in content for key, value in content[section].items()]


OTHER_TEXTS = {
    "kind": "remote",
    "dtype": "float32",
    "quantize": "int8",
    "kv_dtype": "fp8",
    "attention": "gather",
    "share_prefixes": "person",
    "device": "cpu",
    "default_language": "en",
    "base_url": "https://bots.example.org",
    "webhook_url": "https://example.org/hook",
    "level": "debug",
    "who": "members",
    "answer": "all",
    "window": "shared",
    "timezone": "Europe/Berlin",
    "staff_chat": "telegram:-10012345",
    "escalate_to": "telegram:-10012345",
    "homeserver": "https://matrix.example.org",
    "user": "@bot:example.org",
    "sign_in": "open",
    "shared_by": "tenant",
    "needs_key": "always",
    "format": "json",
    "canary": "off",
    "cases_chat": "telegram:-10012345",
    "enabled": "off",
    "read_fails": "closed",
}
OTHER_LISTS = {
    "owners": ["telegram:12345", "matrix:@ann:example.org"],
    "admins": ["telegram:12345"],
    "staff": ["telegram:12345"],
    "admin_chats": ["telegram:-10012345"],
    "customers": ["private", "telegram:-10012345"],
    "hand_off": ["engine"],
    "hours": ["Mon-Fri 09:00-18:00"],
    "invites": ["@*:example.org"],
    "trusted_proxies": ["10.0.0.0/8"],
    "cors_origins": ["https://app.example.org"],
    "fetch_networks": ["198.18.0.0/15"],
    "models": [{"kind": "self", "looks_at": ["picture"]}],
    "patterns": [{"name": "orders", "pattern": "PO-1", "category": "internal"}],
    "personal": ["phone"],
    "order": ["ocr", "person"],
}
GOES_WITH = {  # what a setting needs beside it
    ("web", "host"): {"VISIONBOT_WEB__SIGN_IN": "open"},
    ("engine", "kind"): {"VISIONBOT_ENGINE__BASE_URL": "http://127.0.0.1:8000/v1"},
    ("engine", "base_url"): {"VISIONBOT_ENGINE__KIND": "remote"},
    ("telegram", "webhook_url"): {"VISIONBOT_TELEGRAM__WEBHOOK_SECRET": SECRET},
    ("matrix", "homeserver"): {
        "VISIONBOT_MATRIX__USER": "@bot:example.org",
        "VISIONBOT_MATRIX__PASSWORD": SECRET,
    },
}
OTHER_NUMBERS = {"step_tokens": 512, "drop_to": 0.25, "top_p": 0.5, "temperature": 0.5}


def another_of(section: str, key: str, value: object) -> object:
    """A valid value that is not the default."""
    return ["5 questions/day"] if section == "quota" and value == [] else another(key, value)


def another(key: str, value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return OTHER_NUMBERS.get(key, value + 1)
        case float():
            return OTHER_NUMBERS.get(key, value + 1)
        case list():
            return OTHER_LISTS.get(key, ["elsewhere"])
        case dict():
            return {"weapons": "review"} if key == "actions" else {"vision": "debug"}
    return OTHER_TEXTS.get(key, "elsewhere")


def set_what_goes_with(section: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOES_WITH.get((section, key), {}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("section", "key", "value"), keys())
def test_each_key_can_be_set_in_the_environment(
    section: str, key: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = another_of(section, key, value)
    written = json.dumps(wanted) if isinstance(wanted, list | dict) else str(wanted)
    monkeypatch.setenv(f"VISIONBOT_{section}__{key}".upper(), written)
    set_what_goes_with(section, key, monkeypatch)

    assert shown(load())[section][key] == wanted


@pytest.mark.parametrize(("section", "key", "value"), keys())
def test_each_key_can_be_set_in_the_file(
    section: str, key: str, value: object, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = another_of(section, key, value)
    match wanted:
        case bool():
            as_toml = str(wanted).lower()
        case dict() | list():
            as_toml = repr(wanted).replace("':", "' =")
        case _:
            as_toml = repr(wanted)
    set_what_goes_with(section, key, monkeypatch)

    settings = load(written(folder, f"[{section}]\n{key} = {as_toml}\n"))

    assert shown(settings)[section][key] == wanted


def test_the_environment_goes_before_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_WEB__PORT", "9001")

    settings = load(written(folder, '[web]\nport = 9000\nhost = "127.0.0.2"\n'))

    assert (settings.web.port, settings.web.host) == (9001, "127.0.0.2")


def test_a_config_toml_in_the_working_directory_is_read(folder: Path) -> None:
    (folder / "config.toml").write_text("[web]\nport = 9000\n", "utf-8")

    assert load().web.port == 9000


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().web.port = 1  # type: ignore[misc]


FILES = {
    "unknown section": ("[wep]\n", ["[wep]", "did you mean [web]?"]),
    "unknown key": ("[web]\nprot = 1\n", ["[web] prot", "did you mean [web] port?"]),
    "nothing alike": ("[web]\nzzzz = 1\n", ["[web] zzzz", "config.toml"]),
    "key without section": ("port = 1\n", ["[port]"]),
    "section that is a value": ("web = 1\n", ["web is 1", "[web]"]),
    "text for a number": ('[web]\nport = "80"\n', ["[web] port is '80'", "integer", "8080"]),
    "number for a switch": ("[web]\nenabled = 1\n", ["[web] enabled is 1", "boolean", "True"]),
    "number for text": ("[engine]\nmodel = 3\n", ["[engine] model is 3", "string", "'demo'"]),
    "list for a number": ("[web]\nport = [1]\n", ["[web] port is [1]", "integer"]),
    "date for a number": ("[web]\nport = 2026-01-01\n", ["[web] port", "integer"]),
    "out of bounds": ("[web]\nport = 99999\n", ["[web] port is 99999", "65535", "8080"]),
    "not one of the choices": ('[log]\nlevel = "loud"\n', ["[log] level is 'loud'", "'debug'"]),
    "token in the file": (
        f'[telegram]\ntoken = "{TOKEN}"\n',
        ["[telegram] token", "secret", "VISIONBOT_TELEGRAM__TOKEN_FILE"],
    ),
    "webhook without secret": (
        '[telegram]\nwebhook_url = "https://example.org"\n',
        ["webhook_url", "VISIONBOT_TELEGRAM__WEBHOOK_SECRET"],
    ),
    "remote engine without address": (
        '[engine]\nkind = "remote"\n',
        ['[engine] kind is "remote"', "base_url", "/v1"],
    ),
    "key of the engine in the file": (
        f'[engine]\napi_key = "{TOKEN}"\n',
        ["[engine] api_key", "secret", "VISIONBOT_ENGINE__API_KEY_FILE"],
    ),
    "owner without platform": (
        '[access]\nowners = ["12345"]\n',
        ["[access] owners", "'12345'", "names no platform", "telegram:12345"],
    ),
    "owner by a name": (
        '[access]\nowners = ["telegram:@ann"]\n',
        ["[access] owners", "'telegram:@ann'", "names can change"],
    ),
    "owner who speaks for others": (
        '[access]\nowners = ["telegram:1087968824"]\n',
        ["[access] owners", "anonymous administrators"],
    ),
    "platform misspelt": (
        '[access]\nadmins = ["telegarm:1"]\n',
        ["[access] admins", "telegarm", "did you mean telegram?"],
    ),
    "group as an owner": (
        '[access]\nowners = ["telegram:-100123"]\n',
        ["[access] owners", "is a group"],
    ),
    "quota with a wrong period": (
        '[quota]\nguest = ["20 questions/dya"]\n',
        ["[quota] guest", "'20 questions/dya'", "did you mean day?"],
    ),
    "quota that is named twice": (
        '[quota]\nguest = ["20 questions/day", "5 questions/day"]\n',
        ["[quota] guest", "questions/day once"],
    ),
    "unknown time zone": (
        '[quota]\ntimezone = "Mars/Olympus"\n',
        ["[quota] timezone is 'Mars/Olympus'", "Asia/Shanghai"],
    ),
    "guard of no kind": (
        '[guards]\nmodels = [{model = "m"}]\n',
        ["[guards] models, table 1: kind is missing", "config.toml"],
    ),
    "guard of an unknown kind": (
        '[guards]\nmodels = [{kind = "clasifier"}]\n',
        ["[guards] models, table 1: kind is 'clasifier'", "'classifier'"],
    ),
    "guard without a key": (
        '[[guards.models]]\nkind = "classifier"\nmodel = "m"\n',
        ["[guards] models, table 1: labels is missing"],
    ),
    "guard with an unknown key": (
        '[[guards.models]]\nkind = "self"\nlooks_at = ["answer"]\n'
        '[[guards.models]]\nkind = "classifier"\nmodel = "m"\nlabls = {a = "b"}\n'
        'labels = {a = "b"}\n',
        ["[guards] models, table 2: labls is not a setting", "did you mean labels?"],
    ),
    "guard with a wrong score": (
        '[[guards.models]]\nkind = "classifier"\nmodel = "m"\nlabels = {a = "b"}\n'
        "thresholds = {b = 1.5}\n",
        ["[guards] models, table 1: thresholds.b is 1.5", "less than or equal to 1"],
    ),
    "guard that looks at nothing known": (
        '[[guards.models]]\nkind = "self"\nlooks_at = ["text"]\n',
        ["[guards] models, table 1: looks_at.0 is 'text'", "'question', 'picture' or 'answer'"],
    ),
    "guards as a list and as tables": (
        '[guards]\nmodels = []\n[[guards.models]]\nkind = "self"\nlooks_at = ["answer"]\n',
        ["not valid TOML", "models = []", "take the setting out"],
    ),
    "guards of one name": (
        '[guards]\nmodels = [{kind = "self", looks_at = ["answer"]},'
        ' {kind = "self", looks_at = ["picture"]}]\n',
        ["[guards] models", "'self' twice"],
    ),
    "key of a guard in the file": (
        f'[guards]\nmoderation_key = "{TOKEN}"\n',
        ["[guards] moderation_key", "secret", "VISIONBOT_GUARDS__MODERATION_KEY_FILE"],
    ),
    "broken toml": ("[web\n", ["given.toml", "line 1"]),
}


@pytest.mark.parametrize(("text", "named"), FILES.values(), ids=FILES)
def test_a_fault_in_the_file_is_named_in_one_line(
    text: str, named: list[str], folder: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text))

    said = str(caught.value)
    assert [part for part in named if part not in said] == [], said
    assert "\n" not in said
    assert TOKEN not in said


VARIABLES = {
    "unknown section": (
        {"VISIONBOT_WEP__PORT": "1"},
        ["VISIONBOT_WEP__PORT", "VISIONBOT_WEB__PORT?"],
    ),
    "unknown key": ({"VISIONBOT_WEB__PROT": "1"}, ["VISIONBOT_WEB__PROT", "VISIONBOT_WEB__PORT?"]),
    "one underscore": ({"VISIONBOT_WEB_PORT": "1"}, ["VISIONBOT_WEB_PORT", "VISIONBOT_WEB__PORT?"]),
    "no section": ({"VISIONBOT_PORT": "80"}, ["VISIONBOT_PORT is not a setting"]),
    "whole section": ({"VISIONBOT_WEB": '{"port": 1}'}, ["VISIONBOT_WEB is not a setting"]),
    "file of what is no secret": ({"VISIONBOT_WEB__PORT_FILE": "x"}, ["VISIONBOT_WEB__PORT_FILE"]),
    "wrong type": ({"VISIONBOT_WEB__PORT": "http"}, ["VISIONBOT_WEB__PORT is 'http'", "integer"]),
    "no list": (
        {"VISIONBOT_ACCESS__OWNERS": "telegram:12345"},
        ["VISIONBOT_ACCESS__OWNERS", "'telegram:12345'"],
    ),
    "empty": ({"VISIONBOT_WEB__PORT": ""}, ["VISIONBOT_WEB__PORT is ''", "integer"]),
    "out of bounds": ({"VISIONBOT_WEB__PORT": "70000"}, ["VISIONBOT_WEB__PORT", "70000", "65535"]),
    "no token": (
        {"VISIONBOT_TELEGRAM__TOKEN": "not-a-t0ken"},
        ["VISIONBOT_TELEGRAM__TOKEN", "must be"],
    ),
    "key that no header takes": (
        {"VISIONBOT_ENGINE__API_KEY": "not-a-t0ken but two"},
        ["VISIONBOT_ENGINE__API_KEY", "without spaces"],
    ),
    "guard with an unknown key": (
        {"VISIONBOT_GUARDS__MODELS": '[{"kind": "plugin", "detecter": "x", "looks_at": []}]'},
        ["[guards] models, table 1", "detector"],
    ),
    "action that there is none": (
        {"VISIONBOT_SAFETY__ACTIONS": '{"school": "blok", "weapons": "block"}'},
        ["VISIONBOT_SAFETY__ACTIONS school is 'blok'", "'review'"],
    ),
    "guards that are no JSON": (
        {"VISIONBOT_GUARDS__MODELS": "[{kind = 1}]"},
        ["VISIONBOT_GUARDS__MODELS", "a list"],
    ),
    "webhook without secret": (
        {"VISIONBOT_TELEGRAM__WEBHOOK_URL": "https://example.org"},
        ["webhook_url", "VISIONBOT_TELEGRAM__WEBHOOK_SECRET"],
    ),
    "secret in a file that is not there": (
        {"VISIONBOT_TELEGRAM__TOKEN_FILE": "/nowhere/token"},
        ["VISIONBOT_TELEGRAM__TOKEN_FILE", "/nowhere/token", "No such file"],
    ),
}


@pytest.mark.parametrize(("variables", "named"), VARIABLES.values(), ids=VARIABLES)
def test_a_fault_in_the_environment_is_named_in_one_line(
    variables: dict[str, str], named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError) as caught:
        load()

    said = str(caught.value)
    assert [part for part in named if part not in said] == [], said
    assert "\n" not in said
    assert "not-a-t0ken" not in said


def test_a_missing_file_that_was_asked_for_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"other\.toml cannot be read \(No such file"):
        load(folder / "other.toml")


@pytest.mark.parametrize(
    "name",
    ["VISIONBOT_SERVICE_HOST", "VISIONBOT_SERVICE_PORT_HTTP", "VISIONBOT_PORT_8080_TCP_ADDR"],
)
def test_what_kubernetes_sets_for_a_service_is_let_through(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "10.0.0.1")

    assert load() == Settings()


def test_no_secret_is_set_at_first() -> None:
    assert load().secrets() == []


def test_a_secret_may_stand_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN", TOKEN)

    assert load().secrets() == [TOKEN]


def test_an_empty_secret_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN", "")

    assert load().secrets() == []


def test_a_secret_in_a_file_goes_before_the_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "token").write_text(TOKEN + "\n", "utf-8")
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN", OTHER)
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN_FILE", str(folder / "token"))

    assert load().secrets() == [TOKEN]


def test_a_credential_goes_before_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "telegram.token").write_text(TOKEN, "utf-8")
    (folder / "other").write_text(OTHER, "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN_FILE", str(folder / "other"))

    assert load().secrets() == [TOKEN]


def test_the_key_of_a_remote_engine_is_a_secret_like_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "engine.api_key").write_text(SECRET, "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))

    settings = load()

    assert settings.secrets() == [SECRET]
    assert SECRET not in repr(settings)


def test_an_address_in_the_environment_completes_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_ENGINE__BASE_URL", "http://127.0.0.1:8000/v1")

    settings = load(written(folder, '[engine]\nkind = "remote"\n'))

    assert settings.engine.remote().base_url == "http://127.0.0.1:8000/v1"


def test_an_empty_credential_stops_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "telegram.token").write_text("\n", "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))

    with pytest.raises(ConfigError, match=r"telegram\.token is empty"):
        load()


@pytest.mark.row(29)
def test_the_webhook_secret_completes_a_webhook(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_TELEGRAM__WEBHOOK_SECRET", SECRET)

    settings = load(written(folder, '[telegram]\nwebhook_url = "https://example.org"\n'))

    assert settings.secrets() == [SECRET]


@pytest.mark.row(60)
def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN", TOKEN)

    assert TOKEN not in repr(load()) + str(load())


def test_each_section_refuses_unknown_keys_and_cannot_change() -> None:
    models = [field.annotation for field in Settings.model_fields.values()]

    for model in models:
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        assert model.model_config.get("extra") == "forbid", model
        assert model.model_config.get("frozen"), model


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_display_is_known_by_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    before = has_display()
    monkeypatch.setenv(name, ":0")

    assert (before, has_display()) == (False, True)


@pytest.mark.parametrize("category", ["school", "学校"])
def test_a_category_with_an_action_that_there_is_none_is_named(folder: Path, category: str) -> None:
    file = written(folder, f'[safety]\nactions = {{weapons = "block", "{category}" = "blok"}}\n')

    with pytest.raises(ConfigError) as error:
        load(file)

    assert f"[safety] actions.{category} is 'blok', but must be 'pass', " in str(error.value)
