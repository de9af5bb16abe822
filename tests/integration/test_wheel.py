"""Mailroom's wheel: it holds the product alone, and says what to install for what it leaves to an extra."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from scripts.releasing.release import built

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def uv(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


EPOCH = 1_767_225_600
"""Any: the time of every file."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder with wheels and sdists, as a release builds them, and their checksums."""
    folder = tmp_path_factory.mktemp("dist")
    return folder, built(ROOT, folder, EPOCH)


@pytest.fixture(scope="module")
def wheel(dist: tuple[Path, dict[str, str]]) -> Path:
    (made,) = dist[0].glob("llamacloud_mailroom-*.whl")
    return made


def test_wheels_and_sdists_are_the_same_bytes_each_time(dist: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    again = built(ROOT, tmp_path, EPOCH)
    assert again == dist[1]
    assert {name.partition("-")[0] for name in again} == {"llamacloud_mailroom", "llamacloud_sandbox"}
    assert len(again) == 4


def test_it_holds_receiver_and_handlers_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"receiver", "handlers"}
    assert [name for name in names if "sandbox" in name] == ["receiver/cli/sandbox.py"]
    assert [name for name in names if name.endswith((".pdf", ".yaml"))] == ["handlers/demo/mailroom.yaml"]


def environment(**more: str) -> dict[str, str]:
    """The environment without what it says about Mailroom, and with ``more``."""
    ours = ("MAILROOM_", "LLAMA_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def run(command: list[str | Path], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A program run in the folder."""
    return subprocess.run(command, cwd=folder, env=environment(**more), capture_output=True, text=True)


@pytest.fixture(scope="module")
def mailroom(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed without any extra."""
    venv = tmp_path_factory.mktemp("bare") / "venv"
    uv("venv", "--python", sys.executable, venv)
    uv("pip", "install", "--python", venv, wheel)
    return venv / "bin" / "mailroom"


SIZES = """
import importlib.metadata, json
print(json.dumps({
    one.metadata["Name"]: sum(path.stat().st_size for path in map(one.locate_file, one.files or ()) if path.exists())
    for one in importlib.metadata.distributions()
}))
"""


def test_it_pulls_in_what_the_page_lists_and_nothing_else(mailroom: Path) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").partition("## What a plain install")[2]
    large = {name: float(size) for size, name in re.findall(r"^ *([\d.]+)  (\S+)", page, re.MULTILINE)}
    small = re.split(r",\s+", page.partition("MB together: ")[2].partition(".\n")[0])
    told = subprocess.run([mailroom.parent / "python", "-c", SIZES], capture_output=True, text=True, check=True)
    found = {name: size / 1e6 for name, size in json.loads(told.stdout).items()}
    assert {*found} == {*large, *small}
    assert f"{len(found)} packages" in page
    for name, size in large.items():  # another platform's wheels are larger or smaller
        assert size / 2 < found[name] < size * 2, name
    assert sum(found[name] for name in small) < 12


def test_a_plain_install_writes_its_settings_serves_and_takes_a_document(mailroom: Path, tmp_path: Path) -> None:
    init: list[str | Path] = [mailroom, "init", "--base-url", "http://127.0.0.1:9", "--public-url"]
    made = run([*init, "http://127.0.0.1:8080"], tmp_path, LLAMA_CLOUD_API_KEY="llx-a-key")
    assert made.returncode == 0, made.stderr
    lines = [line for line in (tmp_path / ".env").read_text().splitlines() if not line.startswith("#")]
    said = dict(line.split("=", 1) for line in lines) | {"MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0"}
    checked = run([mailroom, "routes", "check"], tmp_path, **said)
    assert (checked.returncode, checked.stderr) == (0, "")
    serving = subprocess.Popen(
        [mailroom, "serve", "--port", "0"], cwd=tmp_path, env=environment(**said), stderr=subprocess.PIPE, text=True
    )
    try:
        assert serving.stderr is not None
        listening = json.loads(next(line for line in serving.stderr if "serve.listening" in line))
        assert httpx.get(f"{listening['address']}/livez").status_code == 200
        letter = ROOT / "samples" / "receipt-trattoria-pinolo.pdf"
        submitted = run([mailroom, "submit", letter], tmp_path, **said)
        assert submitted.returncode == 0, submitted.stderr
        assert "1 document: 1 new" in submitted.stdout + submitted.stderr
    finally:
        serving.terminate()
        serving.communicate()
    assert serving.returncode == 0


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["sandbox"], "llamacloud-mailroom[sandbox]"),
        (["sandbox", "--port", "8090"], "llamacloud-mailroom[sandbox]"),
        (["sandbox", "--help"], "llamacloud-mailroom[sandbox]"),
        (["demo"], "llamacloud-mailroom[demo]"),
        (["demo", "--once", "--json"], "llamacloud-mailroom[demo]"),
    ],
    ids=["sandbox", "sandbox with options", "sandbox's help", "demo", "demo as JSON"],
)
def test_without_the_extra_it_says_what_to_install(
    mailroom: Path, command: list[str], extra: str, tmp_path: Path
) -> None:
    done = run([mailroom, *command], tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    what, fix = done.stderr.splitlines()
    assert what.startswith("mailroom: ")
    assert "llamacloud-sandbox" in what
    assert fix.startswith(f"  fix: pip install '{extra}'")
    assert list(tmp_path.iterdir()) == []


def test_with_the_extra_uvx_runs_the_demo_where_no_checkout_is(wheel: Path, tmp_path: Path) -> None:
    letter = ROOT / "samples" / "receipt-trattoria-pinolo.pdf"
    uvx: list[str | Path] = [sys.executable, "-m", "uv", "--quiet", "tool", "run", "--isolated"]
    uvx += ["--python", sys.executable, "--find-links", wheel.parent]
    done = run([*uvx, "llamacloud-mailroom[demo]", "demo", "--once", "--json", letter], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["balance"]["routed"] == 1
