"""The zips: the same bytes every time, for the platform asked for, with everything in them and nothing more."""

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.core.change import Query
from receiver.core.event import Event
from receiver.store.sqlite.store import SqliteStore
from tests.lambda_runtime import ROOT, running

pytestmark = pytest.mark.slow
FUNCTIONS = ("receive", "process", "intake", "sweep", "console")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCH = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def package(stage: str, *arguments: str) -> tuple[Path, str]:
    """The folder of the zips, and what was printed."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "package", "--stage", stage, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    return ROOT / last.removeprefix("in ").partition(";")[0], done.stdout


@pytest.fixture(scope="module")
def ours() -> Path:
    """All zips for this machine's Python and processor."""
    return package("test", "--python", HERE, "--arch", ARCH)[0]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with what Lambda's has, boto3 and the runtime client, and nothing of ours."""
    folder = tmp_path_factory.mktemp("runtime")
    uv = ROOT / ".venv" / "bin" / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "boto3", "awslambdaric"], check=True)
    return str(python)


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_same_content_is_the_same_zip() -> None:
    made = [
        package(f"test-{letter}", "--python", HERE, "--arch", ARCH, "receive")[0] / "receive.zip" for letter in "ab"
    ]
    assert made[0].read_bytes() == made[1].read_bytes()


def test_bytecode_is_there_where_the_interpreter_is_the_runtimes(ours: Path) -> None:
    tag = f".cpython-{HERE.replace('.', '')}.pyc"
    sources = {name for name in names(ours / "receive.zip") if name.endswith(".py")}
    compiled = {name for name in names(ours / "receive.zip") if name.endswith(".pyc")}
    assert {name.rpartition("/")[2].removesuffix(tag) for name in compiled} == {
        name.rpartition("/")[2].removesuffix(".py") for name in sources
    }


def test_without_such_an_interpreter_it_is_left_out_and_said() -> None:
    other = next(version for version in ("3.14", "3.13", "3.12") if version != HERE)
    quiet = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:/usr/bin:/bin"}
    if subprocess.run(["sh", "-c", f"command -v python{other}"], env=quiet, capture_output=True).returncode == 0:
        pytest.skip(f"python{other} is installed system-wide")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "package", "--stage", "test-other", "--python", other, "receive"],
        env=quiet, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"no python{other} on the path" in done.stdout
    made = ROOT / "build" / "lambda" / f"test-other-{other}-arm64" / "receive.zip"
    assert [name for name in names(made) if name.endswith(".pyc")] == []


def test_wheels_are_lambdas_and_not_this_machines() -> None:
    made, _ = package("test", "--python", "3.13", "--arch", "arm64", "receive", "process")
    for function in ("receive", "process"):
        built = [name for name in names(made / f"{function}.zip") if ".so" in name and "cpython" in name]
        assert built
        assert all("cpython-313-aarch64" in name for name in built)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_in_it_that_lambda_has_or_nobody_needs(ours: Path, function: str) -> None:
    tops = {name.split("/")[0] for name in names(ours / f"{function}.zip")}
    assert tops & {"boto3", "botocore", "llamacloud_sandbox", "tests", "ministack", "uvicorn", "click", "rich"} == set()
    assert "lxml" not in tops


def test_own_modules_lie_beside_ours_and_not_in_the_function_on_the_internet(tmp_path: Path) -> None:
    own = tmp_path / "acme"
    (own / "tests").mkdir(parents=True)
    for name in ("__init__.py", "app.py", "tests/test_app.py"):
        (own / name).write_text("")
    (tmp_path / "single.py").write_text("")
    modules = ("--module", str(own), "--module", str(tmp_path / "single.py"))
    made, _ = package("test-own", "--python", HERE, "--arch", ARCH, *modules, "receive", "sweep")
    ours = {name for name in names(made / "sweep.zip") if name.startswith(("acme/", "single")) and name.endswith(".py")}
    assert ours == {"acme/__init__.py", "acme/app.py", "single.py"}
    assert not any(name.startswith(("acme", "single")) for name in names(made / "receive.zip"))


def test_it_sets_itself_up_on_a_fresh_clone(tmp_path: Path) -> None:
    """With no more than git gives: no .venv, no uv, and a Python that has nothing of ours."""
    clone = tmp_path / "clone"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("docs/", "samples/", "tests/")):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    bare = Path(sys.base_prefix) / "bin" / "python3"
    env = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUAL")}
    env |= {"PATH": f"{bare.parent}:/usr/bin:/bin"}
    command = [str(bare), "scripts/package", "--stage", "new", "--python", HERE, "--arch", ARCH, "receive"]
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert (clone / "build" / "lambda" / f"new-{HERE}-{ARCH}" / "receive.zip").stat().st_size > 100_000


NEEDS = {
    "receive": ["receiver.store.dynamodb.store", "receiver.queue.sqs", "receiver.aws.client"],
    "process": ["handlers.app", "handlers.pdf.__main__", "pikepdf", "httpx", "standardwebhooks"],
    "intake": ["handlers.app", "handlers.mail.__main__", "handlers.mail.outlook", "oxmsg", "olefile", "asn1crypto.cms"],
    "console": [
        "handlers.app",
        "handlers.mail.__main__",
        "handlers.mail.outlook",
        "oxmsg",
        "olefile",
        "asn1crypto.cms",
    ],
}
"""What is imported late, beside the application."""


@pytest.fixture
def unpacked(ours: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with zipfile.ZipFile(ours / f"{request.param}.zip") as archive:
        archive.extractall(tmp_path / "code")
    yield tmp_path / "code"


@pytest.mark.parametrize("unpacked", FUNCTIONS, indirect=True)
def test_all_that_it_needs_is_in_it(unpacked: Path, runtime: str, request: pytest.FixtureRequest) -> None:
    function = request.node.callspec.params["unpacked"]
    wanted = [f"handlers.functions.{function}", *NEEDS.get(function, ["handlers.app"])]
    code = f"import importlib, sys; sys.path.insert(0, sys.argv[1]); [*map(importlib.import_module, {wanted})]"
    done = subprocess.run([runtime, "-c", code, unpacked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_receive_keeps_events_for_as_long_as_the_table_of_the_others_says(runtime: str, tmp_path: Path) -> None:
    table = tmp_path / "year.yaml"
    table.write_text((ROOT / "infra" / "mailroom.yaml").read_text() + "\nretention: {events_days: 365}\n")
    made, _ = package("test-year", "--python", HERE, "--arch", ARCH, "--config", str(table), "receive")
    with zipfile.ZipFile(made / "receive.zip") as archive:
        archive.extractall(tmp_path / "code")
    event = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text())
    store = tmp_path / "mailroom.db"
    env = {
        "MAILROOM_STORE": f"sqlite:///{store}",
        "MAILROOM_QUEUE": "local://",
        "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["the-right-header-value"]}',
    }
    with running("receive", env, tmp_path, code=tmp_path / "code", python=runtime) as receive:
        assert receive.invoke(event)["statusCode"] == 202
        assert "retention.unknown" not in receive.output()
    (kept,) = asyncio.run(_events(store))
    assert kept.expires_at == pytest.approx(kept.received_at + 365 * 86400)


async def _events(path: Path) -> list[Event]:
    store = SqliteStore(path)
    events: list[Event] = (await store.find(Event, Query())).records
    await store.close()
    return events


@pytest.mark.parametrize("unpacked", ["receive"], indirect=True)
def test_receive_answers_from_its_zip_alone(unpacked: Path, runtime: str, tmp_path: Path) -> None:
    env = {
        "MAILROOM_STORE": f"sqlite:///{tmp_path}/mailroom.db",
        "MAILROOM_QUEUE": "local://",
        "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["the-right-header-value"]}',
    }
    event = json.loads((ROOT / "tests" / "events" / "http_api.json").read_text())
    with running("receive", env, tmp_path, code=unpacked, python=runtime) as receive:
        assert receive.invoke(event)["statusCode"] == 202
