"""What visionbot is made of, as CycloneDX: sbom.py ENVIRONMENT PACKAGES OUT.

Of the packages of a whole environment only those are kept that the program or one of its extras
needs, not the tools of developers; the weights of the demo model are added with their sha256.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
WEIGHTS = ROOT / "inference" / "demo" / "weights" / "model.safetensors"
OF_DEVELOPERS = ("bench", "dev", "train")  # extras

Json = dict[str, Any]  # Any: JSON


def main(environment: Path, packages: Path, out: Path) -> None:
    """`packages`: the folder in which those of the environment are."""
    found: Json = json.loads(environment.read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    direct = [Requirement(one) for one in _wanted(project)]
    bill = _pruned(found, {_plain(one.name) for one in direct}, _needed(direct, packages))
    model = _model()
    bill["components"].append(model)
    (root,) = [one for one in bill["dependencies"] if one["ref"] == _root(bill)]
    root["dependsOn"] = sorted([*root["dependsOn"], model["bom-ref"]])
    text = json.dumps(bill, indent=1, ensure_ascii=False) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise SystemExit(f"sbom: {out} would not be valid: {fault.data}")
    out.write_text(text, "utf-8")
    print(f"sbom: {out}: {len(bill['components'])} components, valid CycloneDX 1.6")  # noqa: T201


def _wanted(project: Mapping[str, Any]) -> Iterable[str]:  # Any: TOML
    yield from project["dependencies"]
    for extra, needed in project["optional-dependencies"].items():
        if extra not in OF_DEVELOPERS:
            yield from needed


def _needed(direct: Iterable[Requirement], packages: Path) -> set[str]:
    """The names of all that these need, with the extras that they ask for and no others."""
    installed = {_plain(one.name): one for one in distributions(path=[str(packages)])}
    ahead = [(_plain(one.name), frozenset(one.extras)) for one in direct]
    seen: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        name, extras = step = ahead.pop()
        if step in seen or name not in installed:
            continue
        seen.add(step)
        for needed in map(Requirement, installed[name].requires or []):
            asked = [needed.marker is None or needed.marker.evaluate({"extra": extra})
                     for extra in ("", *extras)]  # fmt: skip
            if any(asked):
                ahead.append((_plain(needed.name), frozenset(needed.extras)))
    return {name for name, _ in seen}


def _plain(name: str) -> str:
    """As registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pruned(bill: Json, direct: set[str], needed: set[str]) -> Json:
    names = {one["bom-ref"]: _plain(one["name"]) for one in bill["components"]}
    kept = {ref for ref, name in names.items() if name in needed}
    graph = [
        one | {"dependsOn": [ref for ref in one.get("dependsOn", []) if ref in kept]}
        for one in bill["dependencies"]
        if one["ref"] in kept
    ]
    of_root = sorted(ref for ref in kept if names[ref] in direct)
    graph.append({"ref": _root(bill), "dependsOn": of_root})
    components = [one for one in bill["components"] if one["bom-ref"] in kept]
    return bill | {"components": components, "dependencies": graph}


def _root(bill: Json) -> str:
    ref: str = bill["metadata"]["component"]["bom-ref"]
    return ref


def _model() -> Json:
    return {
        "bom-ref": "demo-model",
        "type": "machine-learning-model",
        "name": "visionbot demo model",
        "version": "1",
        "description": "the weights in inference/demo/weights, trained here from scratch",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()}],
        "licenses": [{"license": {"id": "MIT"}}],
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
