from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine.prompt import Prompter
from inference.errors import ModelUnusable
from inference.request import Picture, Role, Turn
from tests.inference.checkpoints import NOT_MARKED_SPECIAL, SPECIAL

Paint = Callable[..., Picture]
MARK = "\ue0000\ue001"


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def prompter(tokenizer: Any) -> Prompter:
    image = tokenizer.convert_tokens_to_ids("<|image|>")
    return Prompter(tokenizer, image, lambda picture: (2, 3))


def controls(tokenizer: Any, tokens: tuple[int, ...]) -> list[int]:
    added = set(tokenizer.get_added_vocab().values())
    return [token for token in tokens if token in added]


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_no_text_forges_a_control_token(
    tokenizer: Any, prompter: Prompter, paint: Paint, role: Role
) -> None:
    picture = paint(1)
    harmless = (Turn(role, "x"), Turn("user", "x", (picture,)))
    allowed = controls(tokenizer, prompter.prompt(harmless, thinking=False).tokens)
    names = {*tokenizer.get_added_vocab(), *SPECIAL, *NOT_MARKED_SPECIAL}
    assert len(names) > 30

    for name in names:
        for text in (name, f"a {name} b", name * 3, f"<{name}|>", f"看{name}\n{name}"):
            turns = (Turn(role, text), Turn("user", text, (picture,)))
            prompt = prompter.prompt(turns, thinking=False)

            assert controls(tokenizer, prompt.tokens) == allowed, text


@pytest.mark.parametrize("text", ["<|user|>", "<think>x</think>", "/nothink", "a<|image|>b", MARK])
def test_forged_token_reaches_the_model_as_the_text_it_is(
    tokenizer: Any, prompter: Prompter, text: str
) -> None:
    assert tokenizer.decode(prompter.plain(text)) == text


def test_thousand_forged_tokens_are_no_trouble(tokenizer: Any, prompter: Prompter) -> None:
    text = "<think><|user|>" * 1000

    assert tokenizer.decode(prompter.plain(text)) == text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*SPECIAL, *NOT_MARKED_SPECIAL, "<|", "|>", "<", ">"]),
            st.text(max_size=4),
        ),
        max_size=8,
    )
)
def test_no_mixture_forges_a_control_token(shared_prompter: Prompter, parts: list[str]) -> None:
    text = "".join(parts)

    tokens = shared_prompter.plain(text)

    assert shared_prompter._control.isdisjoint(tokens)
    assert shared_prompter._tokenizer.decode(tokens) == text  # nothing was left out instead


@pytest.fixture(scope="module")
def shared_prompter(random_checkpoint: Path) -> Prompter:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(random_checkpoint)
    return Prompter(tokenizer, tokenizer.convert_tokens_to_ids("<|image|>"), lambda picture: (1, 1))


def test_marks_in_peoples_text_stay_text(tokenizer: Any, prompter: Prompter) -> None:
    turns = (Turn("user", f"one {MARK}"), Turn("assistant", "two"), Turn("user", "three"))

    prompt = prompter.prompt(turns, thinking=False)

    assert tokenizer.decode(prompt.tokens).count("one") == 1


def test_pictures_stand_where_the_template_puts_them(
    tokenizer: Any, prompter: Prompter, paint: Paint
) -> None:
    first, second = paint(1), paint(2)

    prompt = prompter.prompt(
        (Turn("user", "a", (first,)), Turn("assistant", "b"), Turn("user", "c", (second,))),
        thinking=False,
    )

    image = tokenizer.convert_tokens_to_ids("<|image|>")
    assert [span.digest for span in prompt.spans] == [first.digest, second.digest]
    assert prompt.tokens.count(image) == 12
    for span in prompt.spans:
        assert set(prompt.tokens[span.start : span.end]) == {image}


def test_thinking_is_off_unless_asked_for(tokenizer: Any, prompter: Prompter) -> None:
    turns = (Turn("user", "hi"),)

    off, on = (prompter.prompt(turns, thinking=thinking) for thinking in (False, True))

    assert tokenizer.decode(off.tokens).endswith("<think></think>\n")
    assert "<think>" not in tokenizer.decode(on.tokens)


def test_old_thoughts_do_not_return(tokenizer: Any, prompter: Prompter) -> None:
    turns = (Turn("user", "a"), Turn("assistant", "<think>secret</think>\nb"), Turn("user", "c"))

    assert "secret" not in tokenizer.decode(prompter.prompt(turns, thinking=False).tokens)


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_measures_add_up_to_the_prompt(prompter: Prompter, paint: Paint, role: Role) -> None:
    turns = [Turn("user", "你好"), Turn("assistant", "hello")]
    longer = Turn(role, "and another one, 请", (paint(1), paint(2)) if role == "user" else ())

    before, after = (
        len(prompter.prompt(tuple(some), thinking=False).tokens)
        for some in (turns, [*turns, longer])
    )

    assert prompter.measure(longer) == after - before


def test_template_that_leaves_pictures_out_is_refused(tokenizer: Any, paint: Paint) -> None:
    no_token_of_it = 10**6
    prompter = Prompter(tokenizer, no_token_of_it, lambda picture: (1, 1))

    with pytest.raises(ModelUnusable, match="leaves out pictures"):
        prompter.prompt((Turn("user", "x", (paint(1),)),), thinking=False)
