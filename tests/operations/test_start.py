"""docker/start.sh on machines of all kinds: what it says, writes and starts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.machine import DOCKER, Machine, Stage

GOOD = Machine()
GLM = "zai-org/GLM-4.6V-Flash"
BOTH = "compose.yaml:compose.gpu.yaml"


def card(
    total: int, *, free: int | None = None, capability: str = "8.9", driver: str = "580.95.05"
) -> str:
    free = total - 500 if free is None else free
    return f"{free}, 0, {total}, {capability}, {driver}, NVIDIA Test"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_shellcheck_has_nothing_to_say() -> None:
    tool = Path(sys.executable).with_name("shellcheck")

    checked = subprocess.run(
        [tool, *DOCKER.rglob("*.sh")], capture_output=True, text=True, timeout=15, check=False
    )

    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


LACKS = {
    "no docker": (GOOD.but(docker=False), (), "Docker is missing", "get.docker.com"),
    "no compose": (GOOD.but(compose=""), (), "compose plugin", "get.docker.com"),
    "old compose": (GOOD.but(compose="v2.23.3"), (), "is v2.23.3", "--only-upgrade"),
    "daemon down": (
        GOOD.but(daemon="Cannot connect to the Docker daemon"),
        (),
        "Docker does not run",
        "sudo systemctl start docker",
    ),
    "no right": (
        GOOD.but(daemon="permission denied while trying to connect"),
        (),
        "You may not use Docker",
        "sudo usermod -aG docker",
    ),
    "no driver": (GOOD, ("--gpu",), "No driver", "nvidia-driver"),
    "driver broken": (GOOD.but(cards=""), (), "nvidia-smi fails", "sudo reboot"),
    "no toolkit": (
        GOOD.but(cards=card(24564), runtimes='{"runc":{}}'),
        (),
        "container toolkit is missing",
        "nvidia-ctk runtime configure",
    ),
    "old driver": (
        GOOD.but(cards=card(24564, driver="570.124.06")),
        (),
        "The driver is 570.124.06; 580 or newer is needed",
        "TORCH_INDEX_URL=https://download.pytorch.org/whl/cu126",
    ),
    "card full": (
        GOOD.but(cards=card(24564, free=9000)),
        (),
        "only 9000 MiB are free, and 20500 MiB are needed",
        "nvidia-smi",
    ),
    "card too small, but asked for": (
        GOOD.but(cards=card(8188)),
        ("--gpu",),
        "has 8188 MiB; the model needs a card with 12 GB",
        "start.sh --cpu",
    ),
    "disk full": (GOOD.but(disk_gb=7), (), "8 GB of disk are needed", "docker system prune"),
    "disk full for a model": (
        GOOD.but(disk_gb=44, cards=card(24564)),
        (),
        "45 GB of disk are needed",
        "docker system prune",
    ),
    "port taken": (GOOD.but(ports=(8080,)), (), "Port 8080 is taken", "PUBLISH_PORT=8081"),
    "own port taken": (
        GOOD.but(ports=(9000,), env="PUBLISH_PORT=9000\n"),
        (),
        "Port 9000 is taken",
        "PUBLISH_PORT=9001",
    ),
    "port of Grafana taken": (
        GOOD.but(ports=(3000,)),
        ("--monitoring",),
        "Port 3000 is taken",
        "GRAFANA_PORT=3001",
    ),
    "no certificate": (
        GOOD,
        ("--https", "bot.example.org"),
        "tls_certificate and tls_key are missing",
        "certbot certonly --standalone -d bot.example.org",
    ),
    "another domain": (
        GOOD.but(env="DOMAIN=old.example.org\n", secrets={"tls_certificate": "c", "tls_key": "k"}),
        ("--https", "bot.example.org"),
        "made for DOMAIN=old.example.org",
        "sed -i '/^DOMAIN=/d'",
    ),
    "made for the other device": (
        GOOD.but(env=f"COMPOSE_FILE={BOTH}\n", cards=card(24564)),
        ("--cpu",),
        "is made for --gpu",
        "sed -i '/^COMPOSE_FILE=/d",
    ),
}


@pytest.mark.parametrize(("machine", "options", "sentence", "remedy"), LACKS.values(), ids=LACKS)
def test_what_is_missing_is_told_with_the_command_that_mends_it_and_nothing_is_changed(
    stage: Stage, machine: Machine, options: tuple[str, ...], sentence: str, remedy: str
) -> None:
    stage.set(machine)
    before = stage.files()

    told = stage.start(*options)

    assert told.code == 1
    assert sentence in told.errors
    assert remedy in told.errors.partition(sentence)[2]
    assert stage.files() == before
    assert not any(" up " in call or " build" in call for call in told.calls)


@pytest.mark.parametrize(("machine", "options", "sentence", "remedy"), LACKS.values(), ids=LACKS)
def test_the_same_is_told_in_chinese_with_the_same_command(
    stage: Stage, machine: Machine, options: tuple[str, ...], sentence: str, remedy: str
) -> None:
    stage.set(machine)

    told = stage.start(*options, language="zh_CN.UTF-8")

    assert told.code == 1
    assert sentence not in told.errors
    assert any("\u4e00" <= character <= "\u9fff" for character in told.errors)
    assert remedy in told.errors


def test_all_that_is_missing_is_told_at_once(stage: Stage) -> None:
    stage.set(GOOD.but(disk_gb=1, ports=(8080,)))

    told = stage.start()

    assert "8 GB of disk" in told.errors
    assert "Port 8080" in told.errors


@pytest.mark.parametrize(
    ("total", "quantize"),
    [
        (81559, "none"),
        (24564, "none"),
        (23034, "none"),  # a card of 24 GB that corrects errors of its memory
        (16376, "int8"),
        (15360, "int8"),
        (12282, "int4"),
        (11264, "int4"),
    ],
)
def test_the_cards_memory_decides_how_the_weights_are_stored(
    stage: Stage, total: int, quantize: str
) -> None:
    stage.set(GOOD.but(cards=card(total)))

    told = stage.start()

    assert told.code == 0, told.errors
    assert stage.env() == {
        "COMPOSE_FILE": BOTH,
        "GPU": "0",
        "VISIONBOT_ENGINE__MODEL": GLM,
        "VISIONBOT_ENGINE__QUANTIZE": quantize,
    }


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        (card(8188), "has 8188 MiB"),
        (card(15360, capability="7.5"), "is too old"),
        ("[N/A], 0, [N/A], 12.1, 580.95.05, NVIDIA GB10", "does not tell how much memory"),
        (None, "No driver for an NVIDIA card"),
    ],
    ids=["8 GB", "Turing", "unknown", "none"],
)
def test_without_a_card_that_is_large_enough_the_demo_model_runs_on_the_cpu(
    stage: Stage, cards: str | None, reason: str
) -> None:
    stage.set(GOOD.but(cards=cards))

    told = stage.start()

    assert told.code == 0, told.errors
    assert reason in told.out
    assert "demo model" in told.out
    assert stage.env() == {"COMPOSE_FILE": "compose.yaml"}


def test_of_several_cards_the_one_with_the_most_free_memory_is_taken(stage: Stage) -> None:
    cards = "\n".join(
        [
            "512, 0, 24564, 8.9, 595.1, A",
            "24000, 1, 24564, 8.9, 595.1, B",
            "900, 2, 24564, 8.9, 595.1, C",
        ]
    )
    stage.set(GOOD.but(cards=cards))

    stage.start()

    assert stage.env()["GPU"] == "1"


def test_a_card_is_left_alone_with_cpu(stage: Stage) -> None:
    stage.set(GOOD.but(cards=card(24564)))

    told = stage.start("--cpu")

    assert told.code == 0, told.errors
    assert stage.env() == {"COMPOSE_FILE": "compose.yaml"}


def test_a_model_on_another_server_needs_no_card(stage: Stage) -> None:
    mine = "VISIONBOT_ENGINE__KIND=remote\nVISIONBOT_ENGINE__BASE_URL=http://10.0.0.9:8000/v1\n"
    stage.set(GOOD.but(cards=card(24564), env=mine))

    stage.start()

    assert (stage.docker / ".env").read_text("utf-8") == f"{mine}COMPOSE_FILE=compose.yaml\n"


def test_an_older_driver_is_enough_for_the_torch_that_was_chosen_for_it(stage: Stage) -> None:
    mine = "TORCH_INDEX_URL=https://download.pytorch.org/whl/cu126\n"
    stage.set(GOOD.but(cards=card(24564, driver="550.54.15"), env=mine))

    assert stage.start().code == 0


def test_what_a_person_has_set_is_never_changed(stage: Stage) -> None:
    mine = "VISIONBOT_ENGINE__QUANTIZE=int8\nPUBLISH_PORT=9000\n# mine\nVISIONBOT_LOG__LEVEL=debug"
    stage.set(GOOD.but(cards=card(24564), env=mine, secrets={"access_code": "open sesame"}))

    told = stage.start()

    assert told.code == 0, told.errors
    assert (stage.docker / ".env").read_text("utf-8").startswith(f"{mine}\n")
    assert stage.env()["VISIONBOT_ENGINE__QUANTIZE"] == "int8"
    assert (stage.docker / "secrets" / "access_code").read_text("utf-8") == "open sesame"


def test_a_first_start_makes_secrets_that_only_their_owner_reaches(stage: Stage) -> None:
    stage.set(GOOD)

    told = stage.start()

    made = stage.files()
    assert told.code == 0, told.errors
    assert made[".env"][0] == 0o600
    assert (stage.docker / "secrets").stat().st_mode & 0o777 == 0o700
    modes = {name: mode for name, (mode, _) in made.items() if name != ".env"}
    assert modes == {
        "secrets/access_code": 0o644,  # read by the users of the containers
        "secrets/metrics_token": 0o644,
        "secrets/grafana_admin_password": 0o644,
        "secrets/api_key": 0o600,  # read by no container
    }
    assert len(made["secrets/access_code"][1]) == 32  # 128 bits
    assert len(made["secrets/metrics_token"][1]) == 64
    assert made["secrets/api_key"][1].strip() == "vb-k_0123456789ab-" + "A" * 43


def test_a_second_start_changes_nothing(stage: Stage) -> None:
    machine = GOOD.but(cards=card(24564))
    stage.set(machine)
    stage.start()
    before = stage.files()
    stage.set(machine.but(cards=card(24564, free=800), running="4711", ports=(8080,), disk_gb=1))

    told = stage.start()

    assert told.code == 0, told.errors
    assert stage.files() == before
    assert not any("keys create" in call for call in told.calls)


def test_a_start_after_a_stop_needs_no_room_for_what_is_there(stage: Stage) -> None:
    machine = GOOD.but(cards=card(24564))
    stage.set(machine)
    stage.start()
    stage.set(machine.but(images="visionbot:cuda", disk_gb=9))

    assert stage.start().code == 0


@pytest.mark.parametrize(
    ("images", "code", "sentence"),
    [
        ("", 1, "The image could not be built; the reason stands above"),
        ("visionbot:cpu", 0, "so the one that is there is started"),
    ],
    ids=["none", "an earlier one"],
)
def test_a_build_that_fails_is_made_up_for_by_an_earlier_image(
    stage: Stage, images: str, code: int, sentence: str
) -> None:
    stage.set(GOOD.but(images=images, broken="no internet"))

    told = stage.start()

    assert told.code == code
    assert sentence in told.out + told.errors
    assert any(" up " in call for call in told.calls) == (code == 0)


def test_the_key_is_made_before_the_start_which_needs_it(stage: Stage) -> None:
    stage.set(GOOD)

    calls = stage.start().calls

    order = [
        next(i for i, call in enumerate(calls) if what in call)
        for what in ("compose build", "keys create", " up ")
    ]
    assert order == sorted(order)


def test_a_key_that_cannot_be_made_stops_the_start(stage: Stage) -> None:
    stage.set(GOOD.but(key=""))

    told = stage.start()

    assert told.code == 1
    assert "No API key could be made" in told.errors
    assert not (stage.docker / "secrets" / "api_key").exists()
    assert not any(" up " in call for call in told.calls)


def test_after_the_start_addresses_and_code_and_the_next_step_are_told(stage: Stage) -> None:
    stage.set(GOOD.but(env="PUBLISH_PORT=9000\n"))

    told = stage.start("--monitoring")

    code = (stage.docker / "secrets" / "access_code").read_text("utf-8")
    for what in (
        "http://127.0.0.1:9000/",
        "http://127.0.0.1:9000/v1",
        "http://127.0.0.1:3000/",
        code,
        "secrets/api_key",
        "VISIONBOT_TELEGRAM__TOKEN",
        "--stop",
    ):
        assert what in told.out
    assert "docker compose --profile monitoring up --detach" in told.calls


def test_nginx_starts_when_it_has_a_certificate(stage: Stage) -> None:
    stage.set(GOOD.but(secrets={"tls_certificate": "c", "tls_key": "k"}))

    told = stage.start("--https", "bot.example.org")

    assert told.code == 0, told.errors
    assert stage.env()["DOMAIN"] == "bot.example.org"
    assert "https://bot.example.org/" in told.out
    assert "docker compose --profile nginx up --detach" in told.calls


@pytest.mark.parametrize(
    "health",
    [
        ("running/starting/0",),  # for ever
        ("running/starting/0", "running/unhealthy/0"),
        ("running/starting/0", "restarting/starting/1"),
        ("exited//0",),
    ],
    ids=["never", "unhealthy", "restarting", "exited"],
)
def test_a_bot_that_does_not_get_well_is_told_with_its_last_words(
    stage: Stage, health: tuple[str, ...]
) -> None:
    stage.set(GOOD.but(health=health))

    told = stage.start()

    assert told.code == 1
    assert "It does not answer" in told.errors
    assert "the last words of the bot" in told.errors
    assert "Access code" not in told.out


def test_a_dry_run_tells_and_changes_nothing(stage: Stage) -> None:
    stage.set(GOOD.but(cards=card(16376)))

    told = stage.start("--dry-run")

    assert told.code == 0, told.errors
    assert "docker/.env: VISIONBOT_ENGINE__QUANTIZE=int8" in told.out
    assert "docker compose build" in told.out
    assert stage.files() == {}
    assert not (stage.docker / "secrets").exists()
    assert not any(" up " in call or " build" in call for call in told.calls)


def test_stop_ends_all_profiles_and_keeps_the_volumes(stage: Stage) -> None:
    stage.set(GOOD)

    told = stage.start("--stop")

    assert told.code == 0
    assert told.calls[-1] == "docker compose --profile * down"


@pytest.mark.parametrize(
    ("health", "code", "sentence"),
    [
        (("running/healthy/0",), 0, "visionbot runs."),
        (("running/unhealthy/0",), 1, "the last words of the bot"),
    ],
    ids=["well", "not well"],
)
def test_status_says_whether_it_is_well(
    stage: Stage, health: tuple[str, ...], code: int, sentence: str
) -> None:
    stage.set(GOOD.but(health=health, secrets={"access_code": "open sesame"}))

    told = stage.start("--status")

    assert told.code == code
    assert sentence in told.out


def test_help_names_every_option_in_both_languages(stage: Stage) -> None:
    stage.set(GOOD.but(docker=False))

    english, chinese = stage.start("--help"), stage.start("--help", language="zh_CN.UTF-8")

    for option in ("--cpu", "--gpu", "--monitoring", "--https", "--dry-run", "--stop", "--status"):
        assert option in english.out
        assert option in chinese.out
    assert "用法" in chinese.out
    assert (english.code, chinese.code) == (0, 0)


@pytest.mark.parametrize("options", [("--gpus",), ("--https",), ("now",)])
def test_an_unknown_option_is_named(stage: Stage, options: tuple[str, ...]) -> None:
    stage.set(GOOD)

    told = stage.start(*options)

    assert told.code == 2
    assert options[0] in told.errors
    assert told.calls == []


def test_it_can_be_started_from_anywhere_by_any_posix_shell(stage: Stage, tmp_path: Path) -> None:
    stage.set(GOOD.but(docker=False))

    ran = subprocess.run(
        [shutil.which("dash") or "sh", str(stage.docker / "start.sh"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr


def test_a_folder_with_a_space_in_its_name_is_shown_so_that_a_shell_takes_it(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path / "my bots")
    stage.set(GOOD.but(ports=(8080,)))
    refused = stage.start()
    remedy = next(line for line in refused.errors.splitlines() if "PUBLISH_PORT=8081" in line)

    subprocess.run(["sh", "-c", remedy], check=True, timeout=15)
    stage.set(GOOD.but(ports=(8080,)))
    told = stage.start()

    assert refused.code == 1
    assert told.code == 0, told.errors
    assert stage.env()["PUBLISH_PORT"] == "8081"


BERLIN = GOOD.but(zone="/usr/share/zoneinfo/Europe/Berlin")


def test_days_begin_at_midnight_of_the_machine_and_not_of_the_container(stage: Stage) -> None:
    stage.set(BERLIN)

    stage.start()

    assert stage.env()["VISIONBOT_QUOTA__TIMEZONE"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "machine",
    [
        BERLIN.but(config='[quota]\nguest = []\ntimezone = "Asia/Shanghai"  # ours\n'),
        GOOD.but(zone="../etc/of-our-own"),
        GOOD,
    ],
    ids=["chosen in config.toml", "of no name", "not to be found"],
)
def test_a_zone_that_is_chosen_already_or_has_no_name_is_not_written(
    stage: Stage, machine: Machine
) -> None:
    stage.set(machine)

    stage.start()

    assert "VISIONBOT_QUOTA__TIMEZONE" not in stage.env()


def test_only_a_zone_of_the_quota_section_is_a_choice(stage: Stage) -> None:
    config = '[quota]\ntimezone = ""\n[service]\ntimezone = "Asia/Shanghai"\n'
    stage.set(BERLIN.but(config=config))

    stage.start()

    assert stage.env()["VISIONBOT_QUOTA__TIMEZONE"] == "Europe/Berlin"


def test_a_zone_in_the_persons_settings_stays(stage: Stage) -> None:
    stage.set(BERLIN.but(env="VISIONBOT_QUOTA__TIMEZONE=Asia/Tokyo\n"))

    stage.start()

    assert stage.env()["VISIONBOT_QUOTA__TIMEZONE"] == "Asia/Tokyo"


@pytest.mark.parametrize("machine", [GOOD.but(docker=False), GOOD.but(compose="")])
def test_who_reads_chinese_is_given_a_mirror_in_china(stage: Stage, machine: Machine) -> None:
    stage.set(machine)

    english, chinese = stage.start(), stage.start(language="zh_CN.UTF-8")

    assert "https://get.docker.com | sudo sh -s -- --mirror Aliyun\n" in chinese.errors
    assert "https://get.docker.com | sudo sh\n" in english.errors
