"""A file that a setting names is read if it is a regular file of a bounded size, and nobody waits for it forever."""

import os
import threading
from pathlib import Path

import pytest

from receiver.config import load
from receiver.config.source import MOST_BYTES
from receiver.core.errors import Misconfigured
from receiver.patient_reader import PatientReader
from receiver.read_settings import FILE_LIMIT, from_environ
from receiver.settings import VARIABLES


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _huge(folder: Path) -> Path:
    with (folder / "huge").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    return folder / "huge"


def _linked(folder: Path) -> Path:
    (folder / "link").symlink_to("/dev/zero")
    return folder / "link"


NO_FILES = [
    (_pipe, "it is not a regular file"),
    (lambda _: Path("/dev/zero"), "it is not a regular file"),
    (_linked, "it is not a regular file"),
    (lambda folder: folder, "Is a directory"),
]


@pytest.mark.parametrize(("made", "said"), [*NO_FILES, (_huge, "it is larger than 8,192 KB")])
@pytest.mark.parametrize("variable", ["MAILROOM_CONFIG", "MAILROOM_SHADOW_CONFIG"])
def test_what_would_hang_or_never_end_is_refused_with_the_reason(
    made: object, said: str, variable: str, tmp_path: Path
) -> None:
    path = made(tmp_path)  # type: ignore[operator]
    with pytest.raises(Misconfigured) as error:
        load(path, {}, variable=variable)
    assert str(error.value) == f"{path} ({variable}) cannot be read: {said}"


@pytest.mark.parametrize(("made", "said"), [*NO_FILES, (_huge, f"it is larger than {FILE_LIMIT // 1024} KB")])
@pytest.mark.parametrize("variable", sorted(VARIABLES.values()))
def test_a_setting_is_read_only_from_a_regular_file(made: object, said: str, variable: str, tmp_path: Path) -> None:
    path = made(tmp_path)  # type: ignore[operator]
    with pytest.raises(Misconfigured) as error:
        from_environ({f"{variable}_FILE": str(path)})
    assert str(error.value) == f"{variable}_FILE: {path} cannot be read: {said}"
    assert "regular file" in error.value.fix


def test_a_file_system_that_does_not_answer_is_asked_once_and_waited_for_no_longer_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked = threading.Event(), list[str]()
    (tmp_path / "table").write_text("sound")

    def hang(path: Path, most: int) -> bytes:
        asked.append(str(path))
        answers.wait()
        return path.read_bytes()

    monkeypatch.setattr("receiver.patient_reader._content", hang)
    reader, patient = PatientReader(100, 0.01), PatientReader(100, 60)
    try:
        for _ in range(3):
            with pytest.raises(OSError, match=r"does not answer within 0\.01 seconds"):
                reader.read(tmp_path / "table")
        assert len(asked) == 1
    finally:
        answers.set()
    assert patient.read(tmp_path / "table") == b"sound"


def test_the_bound_itself_is_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"#" * MOST_BYTES)
    assert len(PatientReader(MOST_BYTES).read(tmp_path / "large")) == MOST_BYTES
