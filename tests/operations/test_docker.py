"""The image and the compose files, without an engine: linted, and held against what they name."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from bot.config import Settings, load
from tests.operations.images import (
    COMPOSE,
    DOCKER,
    DOCKERFILE,
    GPU,
    SERVICES,
    filled,
    health_program,
    instructions,
    mounts,
    stage,
    variables_of_container,
)
from tests.operations.proxy import variables

ROOT = Path(__file__).parents[2]
MADE_BY_START = re.findall(r"^  make_secret (\w+)", (DOCKER / "start.sh").read_text(), re.MULTILINE)
BROUGHT_BY_PEOPLE = ["tls_certificate", "tls_key"]


def test_hadolint_has_nothing_to_say() -> None:
    tool = Path(sys.executable).with_name("hadolint")

    checked = subprocess.run(
        [tool, DOCKER / "Dockerfile"], capture_output=True, text=True, timeout=15, check=False
    )

    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


def pip_lines_of_make(index: str) -> list[list[str]]:
    planned = subprocess.run(
        ["make", "--always-make", "--dry-run", f"TORCH_INDEX_URL={index}", ".venv/.installed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    lines = [line for line in planned.stdout.splitlines() if " pip install " in line]
    return [plain(line.split()[1:]) for line in lines]


def pip_lines_of_image(target: str, index: str, folder: Path) -> list[list[str]]:
    """As a shell reads them, with a python that only shows what it is told."""
    show = folder / "python"
    show.write_text('#!/bin/sh\necho "$*"\n', "utf-8")
    show.chmod(0o700)
    found = []
    for name in (f"torch-{target}", f"installed-{target}"):
        pip = r"^RUN +(?:--mount=\S+ +)?(python -m pip .*)$"
        (line,) = re.findall(pip, stage(name), re.MULTILINE)
        ran = subprocess.run(
            ["sh", "-c", line],
            cwd=ROOT,
            env={"PATH": f"{folder}:/usr/bin:/bin", "TORCH_INDEX_URL": index},
            capture_output=True,
            text=True,
            timeout=15,
            check=True,
        )
        found.append(plain(ran.stdout.split()))
    return found


def plain(words: list[str]) -> list[str]:
    """Without how much pip says, and whether later changes of the files count."""
    return [word for word in words if word not in ("--disable-pip-version-check", "--quiet", "-e")]


@pytest.mark.parametrize("index", ["", "https://download.pytorch.org/whl/cpu"], ids=["", "cpu"])
@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_the_image_installs_as_make_does(target: str, index: str, tmp_path: Path) -> None:
    assert pip_lines_of_image(target, index, tmp_path) == pip_lines_of_make(index)


def test_the_image_for_the_cpu_takes_the_torch_without_cuda() -> None:
    stages = {target: stage(f"torch-{target}") for target in ("cpu", "cuda")}

    assert "ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu\n" in stages["cpu"]
    assert 'ARG TORCH_INDEX_URL=""\n' in stages["cuda"]


def test_the_image_runs_as_nobody_special_and_without_a_shell() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert instructions("ENTRYPOINT") == ['["visionbot"]']
    assert instructions("CMD") == ['["run"]']
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_each_base_image_can_be_pinned_by_its_digest() -> None:
    bases = {line.split()[0] for line in instructions("FROM")}
    stages = {line.split()[-1] for line in instructions("FROM")}

    assert bases - stages == {"${PYTHON_IMAGE}"}


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert "*" in ignored
    assert copied == set(allowed)
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_every_file_that_the_program_reads_goes_into_the_image() -> None:
    """There it is installed, not run from its folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = [*project["tool"]["setuptools"]["package-data"]["*"], "*.py", "*.pyc", "*.md"]
    files = [
        file
        for package in ("bot", "handlers", "inference")
        for file in (ROOT / package).rglob("*")
        if file.is_file()
    ]

    left_out = [file for file in files if not any(fnmatch(file.name, one) for one in patterns)]

    assert left_out == []


def test_the_extras_of_the_image_exist() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    named = re.findall(r"EXTRAS[=:](?:-|\$\{EXTRAS:-)?\"?([\w,]+)", DOCKERFILE + str(GPU))

    assert "quant" in named
    assert all(f"\n{extra} = [" in text for extra in ",".join(named).split(","))


def test_a_container_in_which_nobody_listens_is_not_well() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", health_program().replace("8080", "1")],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )

    assert ran.returncode != 0
    assert "ConnectionRefusedError" in ran.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_locked_in(service: str) -> None:
    one = SERVICES[service]

    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["restart"] == "unless-stopped"
    assert one["mem_limit"]
    assert one["pids_limit"] <= 1024
    assert one["logging"]["options"]["max-size"]
    assert any(place.startswith("/tmp:rw,noexec,nosuid,nodev") for place in one["tmpfs"])
    assert service == "visionbot" or one["healthcheck"]["test"][0] == "CMD"  # else the image's own


def test_only_nginx_is_open_to_other_machines() -> None:
    published = {
        name: {filled(port).rpartition(":")[0].rpartition(":")[0] for port in one["ports"]}
        for name, one in SERVICES.items()
    }

    assert published.pop("nginx") == {""}
    assert set().union(*published.values()) == {"127.0.0.1"}


def test_without_a_profile_only_the_bot_starts() -> None:
    assert [name for name, one in SERVICES.items() if not one.get("profiles")] == ["visionbot"]


def test_start_names_the_profiles_that_there_are() -> None:
    script = (DOCKER / "start.sh").read_text("utf-8")
    there = {profile for one in SERVICES.values() for profile in one.get("profiles", [])}

    assert set(re.findall(r"--profile (\w+)", script)) == there


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_mounts_is_there(service: str) -> None:
    one = SERVICES[service]
    bound = [source for source, _, _ in mounts(service) if source.startswith(".")]
    kept = {source for source, _, _ in mounts(service)} - set(bound)

    assert [source for source in bound if not (DOCKER / source).exists()] == []
    assert all(mode == "ro" for source, _, mode in mounts(service) if source in bound)
    assert kept <= set(COMPOSE["volumes"])
    assert set(one.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(one.get("depends_on", [])) <= set(SERVICES)


def test_every_volume_and_secret_has_a_service_that_uses_it() -> None:
    used = {source for name in SERVICES for source, _, _ in mounts(name)}
    read = {secret for one in SERVICES.values() for secret in one.get("secrets", [])}

    assert set(COMPOSE["volumes"]) <= used
    assert set(COMPOSE["secrets"]) == read


def test_every_secret_is_made_by_start_or_brought_by_people() -> None:
    assert sorted(COMPOSE["secrets"]) == sorted(MADE_BY_START + BROUGHT_BY_PEOPLE)
    assert COMPOSE["secrets"] == {
        name: {"file": f"./secrets/{name}"} for name in COMPOSE["secrets"]
    }


def test_git_never_sees_what_start_writes() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()

    assert "/docker/.env" in ignored
    assert "/docker/secrets/" in ignored
    assert "/docker/backups/" in ignored  # as docs/operations.md makes them


def test_what_the_bot_writes_is_on_volumes() -> None:
    volumes = yaml.safe_load(instructions("VOLUME")[0])
    variables = variables_of_container()
    places = {target for _, target, mode in mounts("visionbot") if mode == "rw"}

    assert places == set(volumes)
    written = ("HOME", "HF_HOME", "CUDA_CACHE_PATH", "VISIONBOT_STORAGE__DATA_DIR")
    assert all(any(fnmatch(variables[name], f"{place}*") for place in places) for name in written)


def settings_of(
    *, gpu: bool, folder: Path, monkeypatch: pytest.MonkeyPatch, **own: str
) -> Settings:
    """As the program in the container reads them."""
    for name, text in (variables_of_container(gpu=gpu) | own).items():
        if text.startswith("/run/secrets/"):
            secret = folder / Path(text).name
            secret.write_text("0123456789abcdef" * 2, "utf-8")
            text = str(secret)
        if name.startswith("VISIONBOT_"):
            monkeypatch.setenv(name, text)
    return load(ROOT / "config.toml")


@pytest.mark.parametrize("gpu", [False, True], ids=["cpu", "gpu"])
def test_the_container_starts_with_settings_that_the_program_knows(
    gpu: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(gpu=gpu, folder=tmp_path, monkeypatch=monkeypatch)

    assert (settings.web.host, settings.web.port) == ("0.0.0.0", 8080)
    assert settings.web.way == "code"
    assert settings.metrics.token.get_secret_value()
    assert settings.engine.start_timeout_s == (7200.0 if gpu else 600.0)


def test_the_settings_that_start_writes_are_known_to_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (DOCKER / "start.sh").read_text("utf-8")
    names = set(re.findall(r"VISIONBOT_[A-Z_]+", script)) - {"VISIONBOT_ENGINE__KIND"}
    assert names >= {"VISIONBOT_ENGINE__MODEL", "VISIONBOT_ENGINE__QUANTIZE"}
    values = {
        "VISIONBOT_ENGINE__QUANTIZE": "int4",
        "VISIONBOT_QUOTA__TIMEZONE": "Europe/Berlin",
        "VISIONBOT_TELEGRAM__TOKEN": "1:" + "a" * 35,
    }

    own = {name: values.get(name, "demo") for name in names}
    settings = settings_of(gpu=True, folder=tmp_path, monkeypatch=monkeypatch, **own)

    assert settings.engine.quantize == "int4"


def test_variables_of_compose_alone_are_not_taken_for_settings() -> None:
    """The whole of .env goes into the container, where an unknown VISIONBOT_ stops the start."""
    text = "".join((DOCKER / name).read_text() for name in ("compose.yaml", "compose.gpu.yaml"))

    own = {name for name in re.findall(r"\$\{(\w+)", text) if name.startswith("VISIONBOT_")}

    assert own == {"VISIONBOT_ENGINE__START_TIMEOUT_S"}  # one that both of them read


def test_nginx_is_believed_at_the_address_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(gpu=False, folder=tmp_path, monkeypatch=monkeypatch)

    address = filled(SERVICES["nginx"]["networks"]["default"]["ipv4_address"])
    assert settings.web.trusted_proxies == (address,)
    subnet = filled(COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"])
    assert subnet.startswith(address.rpartition(".")[0])


def test_nginx_is_told_every_word_of_its_template() -> None:
    told = set(SERVICES["nginx"]["environment"])

    assert variables() - told == {"NGINX_LOCAL_RESOLVERS"}  # the image finds those itself
    assert "NGINX_ENTRYPOINT_LOCAL_RESOLVERS" in told


def test_prometheus_finds_bot_token_and_rules_where_compose_puts_them() -> None:
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]

    assert job["static_configs"] == [{"targets": ["visionbot:8080"]}]
    secret = Path(job["authorization"]["credentials_file"])
    assert secret.parent == Path("/run/secrets")
    assert secret.name in SERVICES["prometheus"]["secrets"]
    assert [
        name for name in config["rule_files"] if not (DOCKER / "prometheus" / name).exists()
    ] == []


def test_grafana_finds_its_boards_where_compose_puts_them() -> None:
    folder = DOCKER / "grafana" / "provisioning" / "dashboards"
    places = {
        provider["options"]["path"]
        for file in folder.glob("*.yml")
        for provider in yaml.safe_load(file.read_text("utf-8"))["providers"]
    }

    assert places <= {target for _, target, _ in mounts("grafana")}


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "visionbot"])
def test_images_of_others_have_a_version_and_can_be_pinned(service: str) -> None:
    image = SERVICES[service]["image"]

    assert re.fullmatch(rf"\$\{{{service.upper()}_IMAGE:-\S+\}}", image)
    assert re.search(r":v?\d+\.\d+\.\d+", filled(image))


def test_a_card_changes_the_bot_alone_and_names_a_target_of_the_image() -> None:
    (name,) = GPU["services"]
    changed = GPU["services"][name]

    assert name == "visionbot"
    assert changed["build"]["target"] in re.findall(r"AS (\w+)$", DOCKERFILE, re.MULTILINE)
    (device,) = changed["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_a_model_that_is_still_being_fetched_does_not_make_the_container_unhealthy() -> None:
    timeout_s = filled(
        GPU["services"]["visionbot"]["environment"]["VISIONBOT_ENGINE__START_TIMEOUT_S"]
    )
    script = (DOCKER / "start.sh").read_text("utf-8")

    assert GPU["services"]["visionbot"]["healthcheck"]["start_period"] == "2h"
    assert int(timeout_s) == 2 * 3600
    assert "limit=7200" in script


def test_a_stop_leaves_more_time_than_the_program_takes() -> None:
    assert int(SERVICES["visionbot"]["stop_grace_period"].removesuffix("s")) >= 30


def test_compose_itself_can_read_the_files(tmp_path: Path) -> None:
    asked = ["docker", "compose", "-f", DOCKER / "compose.yaml", "-f", DOCKER / "compose.gpu.yaml"]
    try:
        there = subprocess.run(
            [*asked[:2], "version"], capture_output=True, check=False, timeout=15
        )
    except FileNotFoundError:
        pytest.skip("no docker here; the checks above stand in")
    if there.returncode:
        pytest.skip("docker has no compose plugin here; the checks above stand in")

    read = subprocess.run(
        [*asked, "--profile", "*", "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )

    assert read.returncode == 0, read.stderr
