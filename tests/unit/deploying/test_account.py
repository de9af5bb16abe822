"""What fits into an account, and which runtimes and stacks can be deployed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.deploying.account import LEAST, USUAL, concurrency_findings, fitted, runtime_findings, stack_findings
from scripts.deploying.stage import Stage


def severities(parameters: dict[str, str], limit: int) -> set[str]:
    return {item.severity for item in concurrency_findings(parameters, limit)}


@given(st.integers(8, 3000), st.dictionaries(st.sampled_from(list(USUAL)), st.integers(2, 2).map(str)))
def test_what_nobody_chose_fits_into_every_account_of_eight_and_more(limit: int, chosen: dict[str, str]) -> None:
    parameters = {**fitted(chosen, limit), **chosen}
    assert set(parameters) == set(USUAL)
    assert all(LEAST <= int(parameters[name]) <= USUAL[name] for name in USUAL if name not in chosen)
    assert "error" not in severities(parameters, limit)


def test_a_new_account_leaves_something_for_the_door() -> None:
    assert fitted({}, 10) == {"intakeWorkers": "2", "workers": "4"}
    assert fitted({}, 1000) == {"intakeWorkers": "5", "workers": "10"}


def test_more_than_the_account_runs_is_refused_with_the_numbers() -> None:
    (found,) = [item for item in concurrency_findings({"workers": "10"}, 10) if item.severity == "error"]
    assert "the account runs 10 functions at the same time, and the stage needs 19" in found.what
    assert "Service Quotas" in found.fix


@pytest.mark.parametrize(("limit", "refused"), [(10, True), (139, True), (140, False), (1000, False)])
def test_a_reservation_leaves_a_hundred_unreserved(limit: int, refused: bool) -> None:
    found = concurrency_findings({"workers": "2", "intakeWorkers": "2", "processConcurrency": "40"}, limit)
    assert any("unreserved" in item.what for item in found) == refused


def test_a_runtime_whose_system_is_too_old_is_refused_on_aws_alone() -> None:
    assert [item.severity for item in runtime_findings("3.11", emulated=False)] == ["error"]
    assert list(runtime_findings("3.11", emulated=True)) == []
    assert [item.severity for item in runtime_findings("3.13", emulated=False)] == ["ok"]


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("", []), ("UPDATE_COMPLETE", []), ("ROLLBACK_COMPLETE", ["warning"]), ("UPDATE_IN_PROGRESS", ["warning"]),
        ("DELETE_FAILED", ["error"]), ("UPDATE_ROLLBACK_FAILED", ["error"]), ("ROLLBACK_FAILED", ["error"]),
    ],
)  # fmt: skip
def test_a_broken_stack_is_named_with_the_way_out(status: str, severity: list[str]) -> None:
    found = list(stack_findings(status, Stage("dev", "eu-central-1", "1" * 12)))
    assert [item.severity for item in found] == severity
    assert all(item.fix for item in found if item.severity == "error")
