"""The distribution on its own: what the wheel holds, and that it serves in an environment that has nothing else."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from llama_cloud import LlamaCloud

from support.sample_documents import CONFIGURATION, INVOICE

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]


def uv(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution: so that one is whole, too."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--out-dir", folder, PROJECT)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = (path for path in (PROJECT / "llamacloud_sandbox").rglob("*") if path.is_file())
    assert names == {path.relative_to(PROJECT).as_posix() for path in sources if path.suffix != ".pyc"}


def test_the_same_sources_are_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    uv("build", "--wheel", "--out-dir", tmp_path, PROJECT)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_installed_alone_it_classifies_a_document_for_the_vendors_sdk(wheel: Path, tmp_path: Path) -> None:
    uv("venv", "--python", sys.executable, tmp_path / "venv")
    uv("pip", "install", "--python", tmp_path / "venv", wheel)
    command = [str(tmp_path / "venv" / "bin" / "llamacloud-sandbox"), "--json", "--instant"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            with LlamaCloud(api_key="llx-1", base_url=url, _strict_response_validation=True) as client:
                file_id = client.files.create(file=("letter.pdf", INVOICE), purpose="classify").id
                job = client.classify.create(file_input=file_id, configuration=CONFIGURATION)
                result = client.classify.wait_for_completion(job.id, polling_interval=0.05).result
        finally:
            server.terminate()
    assert result is not None
    assert result.type == "invoice"
