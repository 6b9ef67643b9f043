"""What Dockerfile and compose.yaml say, read from the files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DOCKER = Path(__file__).parents[2] / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
GPU = yaml.safe_load((DOCKER / "compose.gpu.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def filled(text: object) -> str:
    """With the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def stage(name: str) -> str:
    """All lines of one stage of the Dockerfile."""
    return DOCKERFILE.partition(f"AS {name}\n")[2].partition("\nFROM ")[0]


def variables_of_container(*, gpu: bool = False) -> dict[str, str]:
    (line,) = re.findall(r"^ENV +(.*)$", stage("runtime"), re.MULTILINE)
    variables = dict(pair.partition("=")[::2] for pair in line.split())
    variables |= SERVICES["visionbot"]["environment"]
    if gpu:
        variables |= GPU["services"]["visionbot"]["environment"]
    return {name: filled(value) for name, value in variables.items()}


def health_program() -> str:
    """What the container runs to know whether it is well."""
    (check,) = re.findall(r"HEALTHCHECK .*?CMD +(\[.*\])", DOCKERFILE)
    python, option, program = yaml.safe_load(check)
    assert (python, option) == ("python", "-c")
    return program


def mounts(service: str) -> list[tuple[str, str, str]]:
    """Source, target and mode."""
    return [tuple(f"{filled(one)}:rw".split(":")[:3]) for one in SERVICES[service]["volumes"]]
