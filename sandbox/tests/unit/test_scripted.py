"""A scripted judge says what its file says, and asks the other judge for the rest."""

import json
from pathlib import Path

import pytest

from llamacloud_sandbox.judge import LexicalJudge, Rule, Verdict
from llamacloud_sandbox.reading import Page, Reading, Unreadable
from llamacloud_sandbox.scripted import ScriptedJudge
from llamacloud_sandbox.segment import Segment, Strategy

RULES = (Rule("invoice", "a bill"), Rule("contract", "a legal agreement"))


def a_judge(folder: Path, answers: object) -> ScriptedJudge:
    path = folder / "answers.json"
    path.write_text(json.dumps(answers))
    return ScriptedJudge(path, LexicalJudge())


def a_reading(name: str = "lease.pdf", sha256: str = "ab12") -> Reading:
    return Reading(name, sha256, (Page(1, "Invoice number 12\nAmount due 40.00"),))


def test_an_answer_is_found_by_file_name_or_by_hash(tmp_path: Path) -> None:
    judge = a_judge(tmp_path, {"lease.pdf": {"type": "contract", "confidence": 0.31}, "cd34": {"type": None}})
    assert judge.classify(a_reading(), RULES) == Verdict("contract", 0.31, "As scripted.")
    assert judge.classify(a_reading("x.pdf", "cd34"), RULES).type is None


def test_the_hash_wins_over_the_name(tmp_path: Path) -> None:
    judge = a_judge(tmp_path, {"lease.pdf": {"type": "contract"}, "ab12": {"type": "invoice"}})
    assert judge.classify(a_reading(), RULES).type == "invoice"


def test_what_is_not_in_the_file_is_judged_otherwise(tmp_path: Path) -> None:
    judge = a_judge(tmp_path, {"lease.pdf": {"segments": [{"category": "contract", "pages": [1]}]}})
    assert judge.classify(a_reading(), RULES).type == "invoice"
    assert judge.split(a_reading(), RULES, Strategy()) == (Segment("contract", (1,), "high"),)
    assert judge.split(a_reading("other.pdf"), RULES, Strategy())[0].category == "invoice"


def test_a_scripted_error_fails_every_job_of_the_document(tmp_path: Path) -> None:
    judge = a_judge(tmp_path, {"lease.pdf": {"error": "too faint"}})
    with pytest.raises(Unreadable, match="too faint"):
        judge.classify(a_reading(), RULES)
    with pytest.raises(Unreadable, match="too faint"):
        judge.split(a_reading(), RULES, Strategy())


@pytest.mark.parametrize("answers", [["no object"], {"a.pdf": {"kind": "typo"}}, {"a.pdf": {"confidence": "high"}}])
def test_a_wrong_file_is_refused_at_once_by_name(tmp_path: Path, answers: object) -> None:
    with pytest.raises(ValueError, match=r"answers\.json"):
        a_judge(tmp_path, answers)
