"""GET /docs: the description of the API to read, as plain HTML without scripts; nothing in it comes
from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import escape
from importlib import resources

from bot import texts
from bot.api.errors import FAULTS
from bot.api.openapi import NOTES, OPERATIONS, Json, Operation, render_openapi
from bot.texts import Language
from bot.wording.api import ApiKey

_STYLE = resources.files("bot.api").joinpath("docs.css")
_REF = "#/components/schemas/"
_NAMES: dict[Language, str] = {"zh": "中文", "en": "English"}
_OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}
_COLUMNS: tuple[ApiKey, ...] = ("docs_field", "docs_kind", "docs_meaning")
_FIELD = re.compile(r"\{(\w+)\}")
_CURL = """\
curl {address}/chat/completions -H 'Content-Type: application/json' -d '{{
  "messages": [{{"role": "user", "content": [
    {{"type": "image_url", "image_url": {{"url": "data:image/jpeg;base64,..."}}}},
    {{"type": "text", "text": "What is in this picture?"}}]}}]}}'"""
_PYTHON = """\
from openai import OpenAI

client = OpenAI(base_url="{address}", api_key="KEY")
answer = client.chat.completions.create(
    model="{model}", messages=[{{"role": "user", "content": "Hello"}}])
print(answer.choices[0].message.content)"""


class Docs:
    def __init__(self) -> None:
        self._style = _STYLE.read_text("utf-8")
        self._document = render_openapi()

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of the page: its own style, and nothing else."""
        digest = hashlib.sha256(self._style.encode()).digest()
        style = f"'sha256-{base64.b64encode(digest).decode()}'"
        return f"default-src 'none'; style-src {style}; base-uri 'none'; frame-ancestors 'none'"

    def json(self) -> str:
        return json.dumps(self._document, ensure_ascii=False, indent=1)

    def html(self, language: Language, *, address: str, model: str) -> str:
        return "\n".join(self._page(language, address, model))

    def _page(self, language: Language, address: str, model: str) -> Iterator[str]:
        other = _OTHER[language]
        title = _say("docs_title", language)
        yield "<!doctype html>"
        yield f'<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        yield '<meta name="viewport" content="width=device-width">'
        yield f"<style>{self._style}</style></head><body><main>"
        yield f'<nav><a href="?lang={other}" lang="{other}">{_NAMES[other]}</a></nav>'
        yield f"<h1>{title}</h1>"
        yield f"<p>{_say('docs_intro', language, address=address)}</p>"
        yield f"<p>{_say('docs_key', language)}</p><p>{_say('docs_headers', language)}</p>"
        yield f"<pre>{escape(_CURL.format(address=address))}</pre>"
        yield f"<pre>{escape(_PYTHON.format(address=address, model=model))}</pre>"
        yield f"<p>{_say('docs_machine', language)}<a href='openapi.json'>openapi.json</a></p>"
        yield f"<h2>{_say('docs_operations', language)}</h2>"
        for operation in OPERATIONS:
            yield from self._operation(operation, language)
        yield f"<h2>{_say('docs_errors', language)}</h2>"
        yield from _errors(language)
        yield f"<h2>{_say('docs_schemas', language)}</h2>"
        for name, schema in self._document["components"]["schemas"].items():
            yield from _component(name, schema, language)
        yield "</main></body></html>"

    def _operation(self, operation: Operation, language: Language) -> Iterator[str]:
        described = self._document["paths"][operation.path][operation.method]
        yield f"<h3><span class='method'>{operation.method.upper()}</span>"
        yield f"<code>{escape(operation.path)}</code></h3>"
        yield f"<p><strong>{_say(operation.summary, language)}</strong>"
        yield f"<br>{_say(operation.more, language)}</p>"
        if "requestBody" in described:
            for content in described["requestBody"]["content"].values():
                yield f"<p>{_say('docs_body', language)}{_kind(content['schema'])}</p>"
        kinds = [
            f"{_kind(content['schema'])} <code>{media_type}</code>"
            for media_type, content in described["responses"]["200"]["content"].items()
        ]
        yield f"<p>{_say('docs_answer', language)}{', '.join(kinds)}</p>"


def _errors(language: Language) -> Iterator[str]:
    yield "<div class='scroll'><table><thead><tr>"
    yield f"<th>{_say('docs_status', language)}</th><th>code</th>"
    yield f"<th>{_say('docs_meaning', language)}</th></tr></thead><tbody>"
    for key, fault in sorted(FAULTS.items(), key=lambda item: item[1].status):
        text = texts.TEXTS[key]
        words = _FIELD.sub("…", text.zh if language == "zh" else text.en)
        yield f"<tr><td>{fault.status}</td><td><code>{fault.code}</code></td>"
        yield f"<td>{escape(words)}</td></tr>"
    yield "</tbody></table></div>"


def _component(name: str, schema: Json, language: Language) -> Iterator[str]:
    yield f"<h3 id='{name}'><code>{name}</code></h3>"
    yield "<div class='scroll'><table><thead><tr>"
    for key in _COLUMNS:
        yield f"<th>{_say(key, language)}</th>"
    yield "</tr></thead><tbody>"
    required = schema.get("required", [])
    for field, kind in schema.get("properties", {}).items():
        must = f" <span class='must'>{_say('docs_required', language)}</span>"
        note = _say(NOTES[field], language) if field in NOTES else ""
        yield f"<tr><td><code>{field}</code>{must if field in required else ''}</td>"
        yield f"<td>{_kind(kind)}</td><td>{note}</td></tr>"
    yield "</tbody></table></div>"


def _kind(schema: Json) -> str:
    """What a value may be, in a few signs: OpenAPI's own words, with links to what has a name."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return f"<a href='#{name}'>{name}</a>"
    for many in ("anyOf", "oneOf"):
        if many in schema:
            return " | ".join(map(_kind, schema[many]))
    if "properties" in schema:  # an event
        done, piece = schema["properties"]["data"]["anyOf"]
        return f"{_kind(piece['contentSchema'])} | {_kind(done)}"
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        kind = f"[{_kind(schema.get('items', {}))}]"
    return kind + "".join(_bounds(schema))


def _bounds(schema: Json) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        yield f" &gt; {above}"
    if least is not None:
        yield f" ≥ {least}"
    if most is not None:
        yield f" ≤ {most}"
    for name in ("maxItems", "maxLength"):
        if name in schema:
            yield f", ≤ {schema[name]}"


def _say(key: ApiKey, language: Language, **values: object) -> str:
    return escape(texts.say(key, language, **values))
