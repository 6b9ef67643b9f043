"""A machine that only plays its part: Docker, a card, a disk and ports, for docker/start.sh."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

DOCKER = Path(__file__).parents[2] / "docker"
# Really there; everything else start.sh calls is played, or missing.
_TOOLS = (
    *("awk", "cat", "chmod", "cut", "dirname", "grep", "head", "id", "mkdir", "od"),
    *("sed", "sh", "sort", "tail", "tr", "uname"),
)
_DOCKER = """#!/bin/sh
echo "docker $*" >>"$PLAY/calls"
case "$*" in
  "compose version --short") [ -s "$PLAY/compose" ] && cat "$PLAY/compose" ;;
  "info --format {{json .Runtimes}}") cat "$PLAY/runtimes" ;;
  "info --format {{.DockerRootDir}}") echo / ;;
  info) if [ -s "$PLAY/daemon" ]; then cat "$PLAY/daemon"; exit 1; fi ;;
  "image inspect "*) grep -qx "$3" "$PLAY/images" ;;
  "compose ps --quiet --status running visionbot") cat "$PLAY/running" ;;
  "compose ps --all --quiet visionbot") echo 4711 ;;
  "inspect "*)
    head -n 1 "$PLAY/health"
    [ "$(grep -c . "$PLAY/health")" -lt 2 ] || sed -i 1d "$PLAY/health" ;;
  "compose build") [ ! -s "$PLAY/broken" ] ;;
  *"admin keys create"*) cat "$PLAY/key"; [ -s "$PLAY/key" ] ;;
  *" up --detach") echo 4711 >"$PLAY/running" ;;
  "compose logs "*) echo "the last words of the bot" ;;
esac
"""
_NVIDIA = '#!/bin/sh\ncat "$PLAY/cards"; [ -s "$PLAY/cards" ]\n'
_DF = '#!/bin/sh\necho head; echo "/dev/disk 1 1 $(cat "$PLAY/disk") 1% /"\n'
_SS = '#!/bin/sh\ngrep -Fx "$2" "$PLAY/ports" || :\n'
_READLINK = '#!/bin/sh\n[ "$1" != /etc/localtime ] || cat "$PLAY/zone"\n'
_KEY = "The key is shown once:\nvb-k_0123456789ab-" + "A" * 43 + "\n"


@dataclass(frozen=True)
class Machine:
    """What start.sh finds. None: the command is missing; empty: it is there and fails."""

    docker: bool = True
    compose: str = "2.39.1"
    daemon: str = ""  # what it says instead of answering
    cards: str | None = None  # "free, index, total, capability, driver, name" in MiB
    runtimes: str = '{"nvidia":{},"runc":{}}'
    images: str = ""
    broken: str = ""  # why nothing can be built
    disk_gb: int = 200
    ports: tuple[int, ...] = ()  # taken
    running: str = ""
    health: tuple[str, ...] = ("running/starting/0", "running/healthy/0")
    key: str = _KEY
    zone: str = ""  # where /etc/localtime leads
    config: str | None = None  # config.toml
    env: str | None = None  # docker/.env as the person has it
    secrets: dict[str, str] = field(default_factory=dict)

    def but(self, **other: object) -> Machine:
        return replace(self, **other)


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    errors: str
    calls: list[str]  # of docker


class Stage:
    def __init__(self, folder: Path) -> None:
        self.docker = folder / "visionbot" / "docker"
        self._play, self._bin = folder / "play", folder / "bin"

    def set(self, machine: Machine) -> None:
        shutil.rmtree(self._bin, ignore_errors=True)
        for place in (self.docker, self._play, self._bin):
            place.mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCKER / "start.sh", self.docker)
        for tool in _TOOLS:
            real = shutil.which(tool)
            assert real is not None, tool
            (self._bin / tool).symlink_to(real)
        played = {"df": _DF, "ss": _SS, "readlink": _READLINK, "sleep": "#!/bin/sh\n"}
        if machine.docker:
            played["docker"] = _DOCKER
        if machine.cards is not None:
            played["nvidia-smi"] = _NVIDIA
        for name, script in played.items():
            (self._bin / name).write_text(script, "utf-8")
            (self._bin / name).chmod(0o700)
        self._write(machine)

    def _write(self, machine: Machine) -> None:
        lines = {
            "calls": "",
            "compose": machine.compose,
            "daemon": machine.daemon,
            "cards": machine.cards or "",
            "runtimes": machine.runtimes,
            "images": machine.images,
            "broken": machine.broken,
            "disk": str(machine.disk_gb * 1_000_000),
            "ports": "\n".join(f"sport = :{port}" for port in machine.ports),
            "running": machine.running,
            "health": "\n".join(machine.health),
            "key": machine.key,
            "zone": machine.zone,
        }
        for name, text in lines.items():
            (self._play / name).write_text(text + "\n" if text else "", "utf-8")
        if machine.config is not None:
            (self.docker.parent / "config.toml").write_text(machine.config, "utf-8")
        if machine.env is not None:
            (self.docker / ".env").write_text(machine.env, "utf-8")
        for name, text in machine.secrets.items():
            (self.docker / "secrets").mkdir(mode=0o700, exist_ok=True)
            (self.docker / "secrets" / name).write_text(text, "utf-8")

    def start(self, *options: str, language: str = "en_GB.UTF-8") -> Told:
        (self._play / "calls").write_text("", "utf-8")
        ran = subprocess.run(
            [str(self.docker / "start.sh"), *options],
            cwd=self.docker.parent,
            env={"PATH": str(self._bin), "PLAY": str(self._play), "LANG": language},
            capture_output=True,
            encoding="utf-8",
            timeout=15,
            check=False,
        )
        calls = (self._play / "calls").read_text("utf-8").splitlines()
        return Told(ran.returncode, ran.stdout, ran.stderr, calls)

    def env(self) -> dict[str, str]:
        lines = (self.docker / ".env").read_text("utf-8").splitlines()
        pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
        return {name: value for name, _, value in pairs}

    def files(self) -> dict[str, tuple[int, str]]:
        """Mode and content of all that start.sh may have made."""
        return {
            str(file.relative_to(self.docker)): (file.stat().st_mode & 0o777, file.read_text())
            for file in sorted(self.docker.rglob("*"))
            if file.is_file() and file.name != "start.sh"
        }
