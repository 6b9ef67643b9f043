"""Settings: config.toml, then the environment, then the secrets; read once and checked whole.

The only reader of the environment. An unknown key or variable, a wrong value or a missing secret
is a ConfigError that names it and says what to do; nothing is silently ignored.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.api.section import ApiSection
from bot.context import WindowSection
from bot.errors import ConfigError
from bot.intake import PhotosSection
from bot.line import LineSection
from bot.log import LogSection
from bot.misset import describe_table, nearest
from bot.platforms.matrix.section import MatrixSection
from bot.platforms.telegram.adapter import TelegramSection
from bot.platforms.web.section import WebSection
from bot.rules import (
    AccessSection,
    GroupsSection,
    KnowledgeSection,
    QuotaSection,
    Reread,
    RuleSet,
    ServiceSection,
)
from bot.storage.retention.section import RetentionSection
from bot.storage.section import StorageSection
from bot.texts import Language
from bot.watching.alarms import AlarmsSection
from bot.watching.metrics import MetricsSection
from bot.watching.systemd import Watcher
from bot.worker import AnswersSection
from inference.build import EngineSection
from inference.earlier.answers import CacheSection
from inference.errors import BadLists
from inference.fallback import FallbackSection
from inference.images.decode import PicturesSection
from inference.images.reading import OcrSection
from inference.safety.build import check_lists
from inference.safety.guards.guards import GuardsSection
from inference.safety.section import SafetySection

_PREFIX = "VISIONBOT_"
DEFAULT_FILE = Path("config.toml")
_LOCALES: dict[str, Language] = {"zh": "zh", "en": "en"}
# Kubernetes sets these in every pod beside a service called "visionbot"; they are not for us.
_SERVICE_LINKS = re.compile(r"(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)=|PORT=\w+://")


class Settings(BaseSettings):
    """Every setting of the program, one field for each section of config.toml."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    storage: StorageSection = StorageSection()
    engine: EngineSection = EngineSection()
    answers: AnswersSection = AnswersSection()
    window: WindowSection = WindowSection()
    cache: CacheSection = CacheSection()
    pictures: PicturesSection = PicturesSection()
    photos: PhotosSection = PhotosSection()
    line: LineSection = LineSection()
    access: AccessSection = AccessSection()
    groups: GroupsSection = GroupsSection()
    quota: QuotaSection = QuotaSection()
    service: ServiceSection = ServiceSection()
    knowledge: KnowledgeSection = KnowledgeSection()
    safety: SafetySection = SafetySection()
    fallback: FallbackSection = FallbackSection()
    retention: RetentionSection = RetentionSection()
    guards: GuardsSection = GuardsSection()
    ocr: OcrSection = OcrSection()
    web: WebSection = WebSection()
    api: ApiSection = ApiSection()
    telegram: TelegramSection = TelegramSection()
    matrix: MatrixSection = MatrixSection()
    metrics: MetricsSection = MetricsSection()
    alarms: AlarmsSection = AlarmsSection()
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings  # the file's content comes as arguments

    def rules(self) -> RuleSet:
        return RuleSet(
            access=self.access,
            groups=self.groups,
            quota=self.quota,
            service=self.service,
            knowledge=self.knowledge,
            safety=self.safety,
            fallback=self.fallback,
            retention=self.retention,
        )

    def language(self, chosen: Language | None = None) -> Language:
        """In which a command speaks: as typed, else as the terminal has it, else as configured."""
        return chosen or _terminal_language() or self.answers.default_language

    def secrets(self) -> list[str]:
        """What must never be written anywhere."""
        values = (getattr(getattr(self, section), key) for section, key in _secret_keys())
        return [value.get_secret_value() for value in values if value]


def load(file: Path | None = None) -> Settings:
    """None: config.toml in the working directory if there is one, else the defaults alone."""
    content = _read(file)
    _check_file(content)
    _check_variables()
    try:
        settings = Settings(**content)
    except ValidationError as error:
        raise ConfigError(_describe(error)) from None  # its own text would show secrets
    _check_secrets(settings)
    return settings


def reread(started: Settings, file: Path | None) -> Reread:
    """The file as it is now, checked whole, beside the settings of the start; else ConfigError."""
    now = load(file)
    try:
        check_lists(now.safety, started.storage.data_dir)
    except BadLists as error:
        raise ConfigError(str(error)) from error
    others = [name for name in Settings.model_fields if name not in RuleSet.model_fields]
    changed = [name for name in others if getattr(now, name) != getattr(started, name)]
    return Reread(now.rules(), tuple(changed))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a secret comes from; no file: a variable."""

    section: str
    key: str
    file: Path | None = None


def secret_sources(settings: Settings) -> list[Source]:
    """Of those that are set."""
    found = []
    for section, key in _secret_keys():
        if getattr(getattr(settings, section), key):
            file = _credential_file(section, key) or _named_file(section, key)
            found.append(Source(section, key, file))
    return found


def has_display() -> bool:
    """Whether a browser could show a page to the person who started the program."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def watcher() -> Watcher:
    """systemd, if it started us and wants to hear of us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    every_us = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID") in (None, str(os.getpid()))  # not of who started us
    return Watcher(address, int(every_us) / 1e6 if address and ours and every_us.isdigit() else 0.0)


def _terminal_language() -> Language | None:
    """None: it names none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if locale := os.environ.get(name):  # the first one that is set counts
            code = re.split(r"[-_.@]", locale.lower())[0]
            return _LOCALES.get(code)
    return None


class _Environment(EnvSettingsSource):
    """The variables; for a secret: the credential, else the file, else the variable."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        for section, key in _secret_keys():
            values = found.setdefault(section, {})
            named_file = values.pop(f"{key}_file", None)
            plain = values.pop(key, None)
            secret = _credential(section, key) or _named(section, key, named_file) or plain
            if secret:
                values[key] = secret
        return found

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        # Any: as pydantic-settings has it
        """A list is JSON; what is none is passed on, so that the check can name it."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _credential(section: str, key: str) -> str | None:
    """From systemd's LoadCredential=; a folder that only this service can read."""
    file = _credential_file(section, key)
    return _secret_in(file, f"the credential {file.name}") if file else None


def _credential_file(section: str, key: str) -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder) / f"{section}.{key}" if folder else None
    return file if file and file.exists() else None


def _named_file(section: str, key: str) -> Path | None:
    wanted = f"{_variable(section, key)}_FILE"
    named = (file for name, file in os.environ.items() if name.upper() == wanted and file)
    return next(map(Path, named), None)


def _named(section: str, key: str, file: str | None) -> str | None:
    return _secret_in(Path(file), f"{_variable(section, key)}_FILE") if file else None


def _secret_in(file: Path, what: str) -> str:
    try:
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(
            f"{what}: {file} cannot be read ({reason}); check path and rights"
        ) from None
    if not secret:
        raise ConfigError(f"{what}: {file} is empty; write the secret into it")
    return secret


def _read(file: Path | None) -> dict[str, Any]:
    if file is None and not DEFAULT_FILE.exists():
        return {}
    file = file or DEFAULT_FILE
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}); check --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # what tomllib says of `models = []` above [[guards.models]]
        twice = "immutable namespace" in str(error)
        remedy = (
            "a table there has the name of a setting above it, such as models = []: take the"
            " setting out"
            if twice
            else "correct that place"
        )
        raise ConfigError(f"{file} is not valid TOML: {error}; {remedy}") from error


def _check_file(content: dict[str, Any]) -> None:
    """Stricter than for variables: a number between quotation marks is a mistake here."""
    sections = _sections()
    for name, values in content.items():
        if name not in sections:
            raise ConfigError(f"[{name}] is not a section; {nearest(name, sections, '[{}]')}")
        if not isinstance(values, dict):
            raise ConfigError(f"{name} is {values!r}, but must be a section; write [{name}]")
        _check_keys(name, sections[name], values)
        _check_types(name, sections[name], values)


def _check_keys(section: str, model: type[BaseModel], values: dict[str, Any]) -> None:
    for key in values:
        if key not in model.model_fields:
            close = nearest(key, model.model_fields, f"[{section}] {{}}")
            raise ConfigError(f"[{section}] {key} is not a setting; {close}")
        if (section, key) in _secret_keys():
            name = _variable(section, key)
            raise ConfigError(
                f"[{section}] {key} is a secret and must not stand in the file;"
                f" take it out, change it, and set {name} or {name}_FILE"
            )


def _check_types(section: str, model: type[BaseModel], values: dict[str, Any]) -> None:
    try:  # by way of JSON, in whose strict mode text may still be a path
        model.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        if error.errors()[0]["loc"]:  # a rule about several keys waits for the environment
            raise ConfigError(_describe(error, section=section)) from None


def _check_variables() -> None:
    known = {
        _variable(name, key) for name, model in _sections().items() for key in model.model_fields
    }
    known |= {f"{_variable(section, key)}_FILE" for section, key in _secret_keys()}
    for name, value in sorted(os.environ.items()):
        if not name.upper().startswith(_PREFIX) or name.upper() in known:
            continue
        if not _SERVICE_LINKS.match(f"{name[len(_PREFIX) :]}={value}"):
            raise ConfigError(f"{name} is not a setting; {nearest(name.upper(), known, '{}')}")


def _check_secrets(settings: Settings) -> None:
    if settings.telegram.webhook_url and not settings.telegram.webhook_secret:
        raise ConfigError(
            "[telegram] webhook_url is set, but the webhook secret is missing, without which"
            f" anyone could post updates; set {_variable('telegram', 'webhook_secret')}"
        )


def _describe(error: ValidationError, *, section: str | None = None) -> str:
    """The first fault: which key or variable, its value unless secret, what it must be."""
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    if section is not None:
        place.insert(0, section)
    what = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
    what = re.sub("be a valid (tuple|array)", 'be a list, ["one", "two"]', what)
    what = re.sub("be (a valid dictionary|an object)", "be names and values", what)
    if len(place) == 1:  # a rule about several keys of one section
        return f"[{place[0]}] {what}"
    name, key = place[:2]
    field = _sections()[name].model_fields[key]
    if misset := describe_table(fault, field.annotation, f"[{name}] {key}", place[2:], what):
        return misset
    variable = _variable(name, key)
    given = section is None and variable in {given.upper() for given in os.environ}
    subject = variable if given else f"[{name}] {key}"
    if (name, key) in _secret_keys():
        return f"{subject}: {what}"
    if rest := [part for part in place[2:] if not part.isdigit() and part != "[key]"]:
        subject = f"{subject} {'.'.join(rest)}" if given else f"{subject}.{'.'.join(rest)}"
        return f"{subject} is {fault['input']!r}, but {what}"
    default = field.default
    shown = list(default) if isinstance(default, tuple) else default
    return f"{subject} is {fault['input']!r}, but {what}; the default is {shown!r}"


def _sections() -> dict[str, type[BaseModel]]:
    annotations = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {
        name: model
        for name, model in annotations.items()
        if isinstance(model, type) and issubclass(model, BaseModel)
    }


def _secret_keys() -> list[tuple[str, str]]:
    return [
        (name, key)
        for name, model in _sections().items()
        for key, field in model.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    ]


def _variable(section: str, key: str) -> str:
    return f"{_PREFIX}{section}__{key}".upper()
