"""What every bench gives out: a table and ratios on the screen, NAME.json, NAME.png.

NAME.json
    name, date, commit, command, quick, machine, versions, about    what was run, where, with what
    ratios      flat: name -> number
    figures     flat: name, which ends with the unit -> number
    counts      flat: name -> whole number, where the bench counts something
    targets     name -> {"at_least": number} or {"at_most": number}
    notes       sentences that belong to the table
    measured    everything, as the bench arranges it
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "transformers", "numpy", "llguidance", "torchvision", "torchao")


@dataclass(frozen=True, slots=True)
class Options:
    out: Path | None
    quick: bool


def parser(description: str) -> argparse.ArgumentParser:
    """With what every bench takes; a bench may add its own."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--out", type=Path, help="a folder for NAME.json, NAME.md and NAME.png")
    made.add_argument("--quick", action="store_true", help="under a minute, fewer measurements")
    return made


def options(description: str, arguments: Sequence[str] | None = None) -> Options:
    given = parser(description).parse_args(arguments)
    return Options(given.out, given.quick)


class Report:
    """Lines are printed as they come. Tables are in Markdown, ready for RESULTS.md. `about` says
    what was measured: the model, threads, sizes."""

    def __init__(self, name: str, given: Options, **about: object) -> None:
        self._name, self._given, self._about = name, given, about
        self._lines: list[str] = []
        self._notes: list[str] = []
        self._began = time.monotonic()
        self._date = datetime.now(UTC)
        self.ratios: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.figures: dict[str, float] = {}
        self._targets: dict[str, dict[str, float]] = {}

    def begin(self) -> None:
        """From now on time is counted; what was before was made once and stays."""
        self._began = time.monotonic()

    def progress(self, text: str) -> None:
        """Not part of the report."""
        sys.stderr.write(f"{time.monotonic() - self._began:6.0f} s  {text}\n")
        sys.stderr.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Numbers are shown with three digits; None as a dash."""
        cells = [list(columns), *([_shown(cell) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        head, *body = [
            "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in cells
        ]
        rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths)
        self._say("", *(f"{line} |" for line in (head,)), f"{rule}|", *(f"{x} |" for x in body))

    def ratio(
        self,
        name: str,
        value: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        self.ratios[name] = value
        targets = {"at_least": at_least, "at_most": at_most}
        self._targets[name] = {key: goal for key, goal in targets.items() if goal is not None}

    def figure(self, name: str, value: float, *, at_most: float | None = None) -> None:
        """No ratio: so many seconds, megabytes."""
        self.figures[name] = value
        if at_most is not None:
            self._targets[name] = {"at_most": at_most}

    def count(self, name: str, number: int, *, at_most: int | None = None) -> None:
        self.counts[name] = number
        if at_most is not None:
            self._targets[name] = {"at_most": at_most}

    def note(self, text: str) -> None:
        self._notes.append(text)

    def finish(self, measured: object, draw: Callable[[Any], None] | None = None) -> None:
        """Prints counts, ratios and notes and, with --out, writes the files; `draw` gets a
        matplotlib Figure."""
        self._say(
            "", *(f"- `{name}` = {count}{self._goals(name)}" for name, count in self.counts.items())
        )
        numbers = self.ratios | self.figures
        self._say(*(f"- `{name}` = {one:.3f}{self._goals(name)}" for name, one in numbers.items()))
        self._say("", *self._notes, "", self._where())
        out = self._given.out
        if out is None:
            return
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._content(measured), indent=1, ensure_ascii=False)
        (out / f"{self._name}.json").write_text(text + "\n", "utf-8")
        (out / f"{self._name}.md").write_text("\n".join(self._lines) + "\n", "utf-8")
        if draw is not None:
            _plot(out / f"{self._name}.png", draw)

    def exit_code(self, needed: Iterable[str]) -> int:
        """1 when one of these ratios is missing, and it is told."""
        missing = [name for name in needed if name not in self.ratios]
        if missing:
            sys.stderr.write(f"not measured: {', '.join(missing)}; the notes say why\n")
        return 1 if missing else 0

    def missed(self) -> list[str]:
        """The targets that were not met."""
        return [name for name in self._targets if "missed" in self._goals(name)]

    def _goals(self, name: str) -> str:
        value, words = (self.ratios | self.counts | self.figures)[name], ""
        for key, goal in self._targets.get(name, {}).items():
            met = value >= goal if key == "at_least" else value <= goal
            words = f" (target {key.replace('_', ' ')} {goal:g}: {'met' if met else 'missed'})"
        return words

    def _where(self) -> str:
        machine, versions = machine_description(), versions_in_use()
        kind = "quick run, " if self._given.quick else ""
        return (
            f"{kind}{self._date:%Y-%m-%d}, {machine['cpu']}, {machine['cores']} cores, "
            f"{machine['memory_gb']} GB, torch {versions.get('torch')}, transformers "
            f"{versions.get('transformers')}"
            + "".join(f", {key} {value}" for key, value in self._about.items())
        )

    def _content(self, measured: object) -> dict[str, object]:
        return {
            "name": self._name,
            "date": self._date.isoformat(timespec="seconds"),
            "commit": _commit(),
            "command": " ".join(("python", *sys.orig_argv[1:])),
            "quick": self._given.quick,
            "machine": machine_description(),
            "versions": versions_in_use(),
            "about": self._about,
            "ratios": self.ratios,
            "counts": self.counts,
            "figures": self.figures,
            "targets": self._targets,
            "notes": self._notes,
            "measured": measured,
        }

    def _say(self, *lines: str) -> None:
        self._lines += lines
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between the two nearest; `share` from 0 to 1."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def machine_description() -> Mapping[str, object]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions_in_use() -> Mapping[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """Empty: this is no checkout. A "+" behind it: something was changed since."""
    command = ("git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=+")
    try:
        found = subprocess.run(  # nosec B603  (a list, and no shell)
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def _plot(file: Path, draw: Callable[[Any], None]) -> None:
    # imported here: an optional package, which only a plot needs
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    draw(figure)
    figure.savefig(file, dpi=120)
