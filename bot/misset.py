"""What is wrong with a setting, in words: the nearest that there is, faults in lists of tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def nearest(name: str, known: Iterable[str], pattern: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {pattern.format(close[0])}?"
    return "config.toml in the repository lists all that there are"


def describe_table(
    fault: ErrorDetails, annotation: Any, subject: str, place: Sequence[str], what: str
) -> str | None:
    """Of the tables in a list the one that is wrong, and its key. `annotation`: that of the
    setting, any type. `place`: where in the list. None: this setting is no list of tables."""
    names = _names_within(annotation)
    if not (names and place and place[0].isdigit()):
        return None
    table = f"{subject}, table {int(place[0]) + 1}"
    # a choice between kinds of tables adds the kind that was chosen to the place
    inner = [part for part in place[1:] if part in names or part == place[-1]]
    path = ".".join(inner)
    context = fault.get("ctx", {})
    chosen_by = context.get("discriminator", "").strip("'")
    match fault["type"]:
        case "extra_forbidden":
            return f"{table}: {path} is not a setting; {nearest(inner[-1], names, '{}')}"
        case "missing":
            return f"{table}: {path} is missing; set it"
        case "union_tag_not_found":
            return f"{table}: {chosen_by} is missing; config.toml in the repository has examples"
        case "union_tag_invalid":
            choices = context["expected_tags"]
            return f"{table}: {chosen_by} is {context['tag']!r}, but must be one of {choices}"
    return f"{table}: {f'{path} ' if path else ''}is {fault['input']!r}, but {what}"


def _names_within(annotation: Any) -> set[str]:
    """The keys of all tables that may stand there."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return set(annotation.model_fields)
    return set[str]().union(*map(_names_within, get_args(annotation)))
