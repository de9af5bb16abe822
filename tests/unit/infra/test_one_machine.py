"""docs/one-machine.md: its commands run as far as no daemon is needed, and the unit, compose and the image fit them."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infra import ROOT

PAGE = (ROOT / "docs" / "one-machine.md").read_text(encoding="utf-8")
BLOCKS = [block.replace("\\\n", " ").splitlines() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]
COMMANDS = [line for block in BLOCKS for line in block]
UNIT = (ROOT / "infra" / "mailroom.service").read_text(encoding="utf-8")
IMAGE = (ROOT / "infra" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "infra" / "compose.yml").read_text(encoding="utf-8"))["services"]["mailroom"]
NEEDS_MORE = ("python3 -m venv", "/opt/mailroom/bin/pip", "systemctl", "journalctl", "systemd-run", "docker", "mkdir")
"""Beginnings of commands that need a package index, a running systemd or docker."""
EXPOSURE = 2.2


def test_the_commands_that_prepare_the_service_leave_what_the_unit_reads(tmp_path: Path) -> None:
    ran = [line for line in COMMANDS if not line.startswith(NEEDS_MORE)]
    assert len(ran) == 3
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    program = Path(sys.executable).parent / "mailroom"
    script = "\n".join(ran).replace("/opt/mailroom/bin/mailroom", str(program)).replace("/etc/", f"{tmp_path}/etc/")
    script = script.replace(" init ", " init --public-url https://mail.example.com --rule 'memo=a short note' ")
    ours = ("MAILROOM_", "LLAMA_", "AWS_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        ["sh", "-eu", "-c", f"umask 022\n{script}"], cwd=ROOT, env=env | {"LLAMA_CLOUD_API_KEY": "llx-a-key"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (environment,) = re.findall(r"^EnvironmentFile=(.+)$", UNIT, re.MULTILINE)
    (table,) = re.findall(r"^Environment=MAILROOM_CONFIG=(.+)$", UNIT, re.MULTILINE)
    assert stat.S_IMODE((tmp_path / environment[1:]).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / table[1:]).stat().st_mode) == 0o644, "the service's own user reads it"
    assert (tmp_path / "etc/systemd/system/mailroom.service").read_text() == UNIT


def test_systemd_itself_accepts_the_unit_and_rates_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (scripts/ci-tools installs it)")
    unit = tmp_path / "mailroom.service"
    unit.write_text(UNIT.replace("/opt/mailroom/bin/mailroom", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", unit],
        capture_output=True, text=True,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout[-200:]
    assert f"rates its exposure {EXPOSURE} of 10" in PAGE


def test_what_runs_beside_the_service_reads_what_it_reads() -> None:
    (beside,) = (line for line in COMMANDS if line.startswith("systemd-run"))
    said = dict(re.findall(r"^(?:Environment=)?(\w+)=(.+)$", UNIT, re.MULTILINE))
    for name in ("DynamicUser", "StateDirectory", "WorkingDirectory", "EnvironmentFile"):
        assert f"-p {name}={said[name]} " in beside
    for name in ("MAILROOM_CONFIG", "MAILROOM_STORE"):
        assert f"-E {name}={said[name]} " in beside


def test_each_file_that_a_command_of_docker_names_is_there() -> None:
    dockers = [line for line in COMMANDS if line.startswith("docker")]
    assert len(dockers) == 5
    for line in dockers:
        assert all((ROOT / name).is_file() for name in re.findall(r"-f (\S+)", line))
    names = re.findall(r"-t (\S+)", " ".join(dockers))
    assert {*names} == {COMPOSE["image"]}
    assert "ARG EXTRAS" in IMAGE


def test_init_writes_where_compose_reads_and_nothing_lies_there_before() -> None:
    """`mailroom init` overwrites nothing, and infra/mailroom.yaml is the table that is deployed on AWS."""
    (folder,) = re.findall(r'-v "\$PWD/(\S+):/files" -w /files \S+ mailroom init$', "\n".join(COMMANDS), re.MULTILINE)
    assert f"mkdir {folder}" in COMMANDS
    assert {f"/{folder}/", ".env"} <= {*(ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    for file in ("compose.yml", "compose.aws.yml"):
        services = yaml.safe_load((ROOT / "infra" / file).read_text(encoding="utf-8"))["services"].values()
        for service in (each for each in services if "env_file" in each):
            assert service["env_file"] == f"../{folder}/.env"
            assert f"../{folder}:/etc/mailroom:ro" in service["volumes"]
            assert service["image"] == COMPOSE["image"]


def test_the_image_copies_what_is_there_and_serves_where_compose_forwards() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.MULTILINE) for name in line.split()]
    assert {"pyproject.toml", "receiver", "handlers"} <= {*copied}
    assert all((ROOT / name).exists() for name in copied)
    (exposed,) = re.findall(r"^EXPOSE (.+)$", IMAGE, re.MULTILINE)
    assert [port.rpartition(":")[2] for port in COMPOSE["ports"]] == exposed.split()
    assert COMPOSE["environment"]["MAILROOM_OPERATOR_ADDRESS"].endswith(":8081")
    mounts = [volume.split(":")[1] for volume in COMPOSE["volumes"]]
    assert str(Path(COMPOSE["environment"]["MAILROOM_CONFIG"]).parent) in mounts
    assert "/var/lib/mailroom" in mounts
    assert 'VOLUME ["/var/lib/mailroom"' in IMAGE
