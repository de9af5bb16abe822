"""Prepares a release: checks, version, changelog heading, wheels and sdists, checksums, upgrade notes.

    scripts/release 0.2.0               writes version and changelog heading, then builds into build/release/0.2.0
    scripts/release 0.2.0 --dry-run     checks, says what it would do, and writes nothing
    scripts/release 0.2.0 --build-only  builds what stands there already, for a tag that is checked out

What it cannot do here it prints at the end: tests, commit, tag, publishing, image.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = {"pyproject.toml": 'version = "{}"', "receiver/__init__.py": '__version__ = "{}"'}
"""File -> the line that has the version."""
STAND_IN = "sandbox"
"""The folder of the distribution that the extra `demo` needs: it has a version of its own, and is built with ours."""
UNRELEASED = "## Unreleased\n"
TO_DO = "**To do:**"
AFTERWARDS = """\
next:
  .venv/bin/python -m scripts.releasing.keep_store tests/released_stores/{version}.db.gz   # the next release opens it
  scripts/test
  git commit -am "Release {version}" && git tag -s v{version} && git push --follow-tags
  uv publish build/release/{version}/*.whl build/release/{version}/*.tar.gz
  docker build -f infra/Dockerfile -t llamacloud-mailroom:{version} . && docker push …
"""


class Refused(Exception):
    """The release cannot be made; says why, and what to do."""


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """The exit code: 0 made, 2 refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="for instance 0.2.0")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d", time.gmtime()), help="of the changelog's heading")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--build-only", action="store_true", help="write nothing but build/release")
    how.add_argument("--dry-run", action="store_true", help="write nothing at all")
    given = parser.parse_args(arguments)
    try:
        refuse_no_day(given.date)
        if not given.build_only:
            refuse_unready(root, given.version)
            if given.dry_run:
                print(would_do(root, given.version, given.date), end="")
                return 0
            write_version(root, given.version)
            write_heading(root, given.version, given.date)
        try:
            made = build(root, given.version)
        except Refused:
            if not given.build_only:
                _git(root, "checkout", "--", *PLACES, "CHANGELOG.md")  # all was committed before
            raise
    except Refused as refused:
        print(f"scripts/release: {refused}", file=sys.stderr)
        return 2
    for path in made:
        print(path.relative_to(root))
    print(AFTERWARDS.format(version=given.version), end="")
    return 0


def would_do(root: Path, version: str, date: str) -> str:
    """What a release would write, and what is left then."""
    entries = changes(root, UNRELEASED)
    listed, to_do = len(re.findall(r"(?m)^- ", entries)), entries.count(TO_DO)
    places = " and ".join(place.name if place != root else "." for place in distributions(root))
    return f"""\
it would:
  write {version} into {" and ".join(PLACES)}, where {present(root)} is
  put {listed} changes under "## {version} - {date}" in CHANGELOG.md
  build {places} twice into build/release/{version}, and compare the bytes
  write SHA256SUMS, and UPGRADE.md with {to_do} things to do
{AFTERWARDS.format(version=version)}"""


def distributions(root: Path) -> list[Path]:
    """The folders that are built: ours, and the stand-in's where there is one."""
    return [root, *([root / STAND_IN] if (root / STAND_IN / "pyproject.toml").exists() else [])]


def present(root: Path) -> str:
    """The version that the files have. Raises Refused when they differ."""
    found = {
        name: match[1] if (match := re.search(_pattern(line), (root / name).read_text(encoding="utf-8"))) else "none"
        for name, line in PLACES.items()
    }
    if len(set(found.values())) != 1:
        raise Refused(f"the versions differ: {found}; make them one")
    return next(iter(found.values()))


def refuse_no_day(date: str) -> None:
    """Raises Refused for what is no date as the changelog writes it."""
    try:
        time.strptime(date, "%Y-%m-%d")
    except ValueError:
        raise Refused(f"{date} is not a date; write it like 2026-11-27") from None


def refuse_unready(root: Path, version: str) -> None:
    """Raises Refused for a version that is no step up, uncommitted changes, an empty changelog, a missing store."""
    before = present(root)
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version, re.ASCII) or _numbers(version) <= _numbers(before):
        raise Refused(f"{version} is not a version after {before}; write it like 0.2.0")
    if changed := _git(root, "status", "--porcelain").splitlines():
        raise Refused(f"{len(changed)} files are not committed, such as {changed[0][3:]}; commit them first")
    if not changes(root, UNRELEASED):
        raise Refused("CHANGELOG.md has nothing under Unreleased; there is nothing to release")
    if not [*(root / "tests" / "released_stores").glob(f"{before}.*")]:
        raise Refused(f"tests/released_stores has no store of {before}, so nobody knows whether it opens; add it")


def write_version(root: Path, version: str) -> None:
    """Writes the version where it stands."""
    for name, line in PLACES.items():
        path = root / name
        text = re.sub(_pattern(line), line.format(version), path.read_text(encoding="utf-8"), count=1)
        path.write_text(text, encoding="utf-8")


def write_heading(root: Path, version: str, date: str) -> None:
    """Puts the unreleased changes under the version's heading."""
    path = root / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(UNRELEASED, f"{UNRELEASED}\n## {version} - {date}\n", 1), encoding="utf-8")


def changes(root: Path, heading: str) -> str:
    """The changelog's text under a heading."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8").partition(heading)[2]
    return text.partition("\n## ")[0].strip()


def build(root: Path, version: str) -> list[Path]:
    """Builds the distributions twice, with checksums and upgrade notes. Raises Refused if the bytes differ."""
    if present(root) != version:
        raise Refused(f"the files say {present(root)}, not {version}; check out its tag, or leave --build-only out")
    out = root / "build" / "release" / version
    with tempfile.TemporaryDirectory() as again:
        epoch = released_at(root, version)
        first, second = (built(root, folder, epoch) for folder in (out, Path(again)))
        if differing := sorted(name for name in {*first, *second} if first.get(name) != second.get(name)):
            raise Refused(f"two builds differ in {', '.join(differing)}: they must be the same bytes")
    sums, notes = out / "SHA256SUMS", out / "UPGRADE.md"
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(first.items())), encoding="utf-8")
    notes.write_text(upgrade_notes(root, version), encoding="utf-8")
    return [*(out / name for name in sorted(first)), sums, notes]


def released_at(root: Path, version: str) -> int:
    """The start of the day that the changelog names, in Unix seconds: the time of all files in the distributions."""
    heading = re.search(
        rf"(?m)^## {re.escape(version)} - (\d{{4}}-\d\d-\d\d)$", (root / "CHANGELOG.md").read_text("utf-8")
    )
    if heading is None:
        raise Refused(f"CHANGELOG.md has no heading `## {version} - DATE`; leave --build-only out")
    return int(datetime.fromisoformat(heading[1]).replace(tzinfo=UTC).timestamp())


def upgrade_notes(root: Path, version: str) -> str:
    """What whoever upgrades has to do: the changelog's entries with a "To do", and the general steps."""
    entries = re.split(r"\n(?=- |#)", changes(root, f"## {version} - "))
    listed = "\n".join(entry.rstrip() for entry in entries if TO_DO in entry) or "Nothing but the general steps."
    return f"# Upgrading to {version}\n\n{listed}\n\nGeneral steps, and how to go back: docs/production.md.\n"


def built(root: Path, folder: Path, epoch: int) -> dict[str, str]:
    """Name -> SHA-256 of each wheel and sdist, all of whose files have this time. Raises Refused."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    for place in distributions(root):
        command = [sys.executable, "-m", "uv", "--quiet", "build", "--out-dir", str(folder), str(place)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"the build failed: {done.stderr.strip()}")
    files = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout


def _pattern(line: str) -> str:
    return r"(?m)^" + re.escape(line).replace(r"\{\}", r"([^\"]+)") + "$"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.exit(main())
