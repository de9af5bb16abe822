"""The command that writes the sample mail."""

from pathlib import Path

import pytest

from llamacloud_sandbox.sample_mail import __main__ as program


def test_it_makes_the_folder_and_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "samples"
    assert program.main([str(folder)]) == 0
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert capsys.readouterr().out.startswith(f"{len(written)} files, ")
    assert (folder / "packets" / "morning-mail.json").is_file()


@pytest.mark.parametrize("wrong", [[], ["one", "two"], ["--nonsense", "folder"]])
def test_wrong_usage_is_exit_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(wrong) == 2
    assert "Error" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "find_spec", lambda _: None)
    assert program.main([str(tmp_path / "samples")]) == 2
    assert "pip install 'llamacloud-sandbox[samples]'" in capsys.readouterr().err
    assert not (tmp_path / "samples").exists()


def test_a_folder_that_cannot_be_written_is_exit_1_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert program.main([str(tmp_path / "file" / "samples")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("sample mail: ")
    assert error.count("\n") == 1
