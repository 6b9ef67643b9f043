"""Answers of the API as they are kept for repeated requests."""

from __future__ import annotations

import json
from typing import Any

from bot.api.discreet import render_kept

NUMBER, COVERED = "13800138000", "138****8000"


def mask(text: str) -> str:
    return text.replace(NUMBER, COVERED)


def kept(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "logprobs": {"content": [{"token": "138"}]}}
    answer = {"id": f"chatcmpl-{NUMBER}", "choices": [choice], **more}
    rendered = json.loads(render_kept(json.dumps(answer), mask))
    assert rendered["id"] == answer["id"]
    return rendered


def test_numbers_are_covered_in_words_thoughts_and_calls() -> None:
    call = {"id": "call_1", "function": {"name": "dial", "arguments": f'{{"to":"{NUMBER}"}}'}}
    message = {
        "content": f"call\n{NUMBER}",
        "reasoning_content": NUMBER,
        "tool_calls": [call],
    }

    said = kept(message)["choices"][0]["message"]

    assert NUMBER not in json.dumps(said)
    assert said["content"] == f"call\n{COVERED}"
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {"to": COVERED}


def test_json_of_the_model_can_still_be_read() -> None:
    message = {"content": f'{{"phone": {NUMBER}, "age": 12, "ok": true, "of": ["{NUMBER}", null]}}'}

    said = kept(message)["choices"][0]["message"]["content"]

    assert json.loads(said) == {"phone": COVERED, "age": 12, "ok": True, "of": [COVERED, None]}


def test_how_likely_covered_words_were_is_not_kept() -> None:
    assert kept({"content": NUMBER})["choices"][0]["logprobs"] is None
    assert kept({"content": "hello"})["choices"][0]["logprobs"] is not None


def test_what_the_organisation_says_itself_stays() -> None:
    sources = [{"title": "Hours", "text": f"call {NUMBER}"}]

    assert kept({"content": "see there"}, sources=sources)["sources"] == sources


def test_an_answer_without_numbers_is_kept_letter_for_letter() -> None:
    answer = '{"id":"1","response":"你好 {\\"a\\": 1}","usage":{"total_tokens":3}}'

    assert render_kept(answer, mask) == answer
