"""``scripts/release``: a small repository is released, and what is not ready is refused without a trace."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts.releasing.release import ROOT, main, present

CHANGELOG = """\
# Changelog

## Unreleased

### Changed

- A setting has another name. **To do:** rename these:

  | before | now |
  | --- | --- |
  | x | y |

- A list is sorted.

## 0.1.0 - 2026-01-01

- The first. **To do:** nothing of this.
"""
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "small"
version = "0.1.0"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["receiver"]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = {
        "CHANGELOG.md": CHANGELOG,
        "pyproject.toml": PROJECT,
        "receiver/__init__.py": '"""Small."""\n\n__version__ = "0.1.0"\n',
        "tests/released_stores/0.1.0.sql": "",
        ".gitignore": "build/\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    commit(tmp_path)
    return tmp_path


def commit(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "All", "--no-gpg-sign"], check=True)


def test_it_writes_version_and_heading_and_builds_the_same_bytes_twice(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["0.2.0", "--date", "2026-11-27"], root=repository) == 0
    assert present(repository) == "0.2.0"
    changelog = (repository / "CHANGELOG.md").read_text()
    assert changelog.startswith("# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-11-27\n\n### Changed\n")
    out = repository / "build" / "release" / "0.2.0"
    lines = [line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {"small-0.2.0-py3-none-any.whl", "small-0.2.0.tar.gz"}
    assert {hashlib.sha256((out / name).read_bytes()).hexdigest() for name in sums} == set(sums.values())
    with zipfile.ZipFile(out / "small-0.2.0-py3-none-any.whl") as wheel:
        assert b'"0.2.0"' in wheel.read("receiver/__init__.py")
    commit(repository)
    assert main(["0.2.0", "--build-only"], root=repository) == 0
    assert [line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines()] == lines
    notes = (out / "UPGRADE.md").read_text()
    assert "- A setting has another name. **To do:** rename these:\n\n  | before | now |" in notes
    assert "  | x | y |\n" in notes
    assert "A list is sorted" not in notes
    assert "nothing of this" not in notes
    assert "git tag -s v0.2.0" in capsys.readouterr().out


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["0.2.0", "--date", "2026-11-27", "--dry-run"], root=repository) == 0
    said = capsys.readouterr().out
    assert "write 0.2.0 into pyproject.toml and receiver/__init__.py, where 0.1.0 is" in said
    assert 'put 2 changes under "## 0.2.0 - 2026-11-27"' in said
    assert "UPGRADE.md with 1 things to do" in said
    assert "git tag -s v0.2.0" in said
    status = subprocess.run(["git", "status", "--porcelain", "--ignored"], cwd=repository, capture_output=True)
    assert status.stdout == b""


@pytest.mark.parametrize(
    ("spoil", "version", "told"),
    [
        ({}, "0.1.0", "not a version after 0.1.0"),
        ({}, "v0.2", "write it like 0.2.0"),
        ({}, "0.02.0", "write it like 0.2.0"),
        ({}, "0.2.0 --date tomorrow", "write it like 2026-11-27"),
        ({"README.md": "new"}, "0.2.0", "not committed"),
        ({"CHANGELOG.md": CHANGELOG.replace("### Changed", "").partition("- A setting")[0]}, "0.2.0", "nothing"),
        ({"receiver/__init__.py": '__version__ = "0.0.9"\n'}, "0.2.0", "the versions differ"),
    ],
)
def test_what_is_not_ready_is_refused_and_nothing_is_written(
    repository: Path, spoil: dict[str, str], version: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in spoil.items():
        (repository / name).write_text(text)
    if "README.md" not in spoil and spoil:
        commit(repository)
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert main(version.split(), root=repository) == 2
    assert told in capsys.readouterr().err
    after = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert after == before


def test_a_build_that_fails_leaves_version_and_changelog_as_they_were(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "pyproject.toml").write_text(
        PROJECT.replace("requires-python", 'readme = "gone.md"\nrequires-python')
    )
    commit(repository)
    assert main(["0.2.0"], root=repository) == 2
    assert "the build failed" in capsys.readouterr().err
    assert present(repository) == "0.1.0"
    assert (repository / "CHANGELOG.md").read_text() == CHANGELOG


def test_a_release_without_a_store_of_the_one_before_is_refused(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "tests" / "released_stores" / "0.1.0.sql").unlink()
    commit(repository)
    assert main(["0.2.0"], root=repository) == 2
    assert "no store of 0.1.0" in capsys.readouterr().err


def test_this_repository_has_one_version_and_the_stores_of_its_releases() -> None:
    assert present(ROOT)
    assert (ROOT / "tests" / "released_stores" / "0.1.0.sql").exists()
