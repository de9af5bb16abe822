"""What the account allows, asked before anything is deployed: its concurrency, the stack's state, its runtime."""

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.deploying.finding import Finding, doubt, fault, right
from scripts.deploying.stage import Stage

RECEIVE, CONSOLE, SWEEP = 2, 1, 1
"""Executions that these keep for themselves: events come in whatever else is going on."""
SMALL = 100
"""A new account has 10."""
UNRESERVED = 100
"""What AWS keeps unreserved in an account. Source: PutFunctionConcurrency."""
USUAL = {"workers": 10, "intakeWorkers": 5}
"""serverless.yml's defaults; a small account gets less."""
LEAST = 2
"""Pollers of an SQS event source. Source: Lambda, ScalingConfig."""
RUNTIMES = {"3.12": "2028-10", "3.13": "2029-06", "3.14": "2029-06"}
"""Lambda's Pythons that run on Amazon Linux 2023, as our wheels need, and when AWS ends them."""
BROKEN = {
    "ROLLBACK_COMPLETE": "its first deployment failed and left nothing behind",
    "ROLLBACK_FAILED": "its first deployment failed, and so did taking it back",
    "DELETE_FAILED": "removing it failed half-way",
}


def fitted(given: Mapping[str, str], limit: int) -> dict[str, str]:
    """The pollers that fit into an account of this concurrency, for those that nobody chose."""
    room = limit - _others(given) - sum(int(given[name]) for name in USUAL if name in given)
    found = {}
    if "intakeWorkers" not in given:
        found["intakeWorkers"] = min(USUAL["intakeWorkers"], max(LEAST, room // 3))
        room -= found["intakeWorkers"]
    if "workers" not in given:
        found["workers"] = min(USUAL["workers"], max(LEAST, room))
    return {name: str(share) for name, share in found.items()}


def _others(given: Mapping[str, str]) -> int:
    """Executions that are not for pollers."""
    return SWEEP + CONSOLE + max(RECEIVE, *(int(given.get(name, 0)) for name in ("receiveConcurrency", "receivers")))


def concurrency_findings(given: Mapping[str, str], limit: int) -> Iterator[Finding]:
    """Whether what runs at once fits into the account, with something left for `receive`."""
    workers, intake = (int(given.get(name, usual)) for name, usual in USUAL.items())
    needed = workers + intake + _others(given)
    numbers = f"process {workers}, intake {intake}, others {_others(given)}"
    if needed > limit:
        yield fault(
            f"the account runs {limit} functions at the same time, and the stage needs {needed} ({numbers})",
            "lower concurrency.process and concurrency.intake, or ask AWS for more: Service Quotas, AWS Lambda, "
            "Concurrent executions (free of charge)",
        )
    elif limit < SMALL:
        fix = "before many documents, ask AWS for more: Service Quotas, AWS Lambda, Concurrent executions"
        yield doubt(f"the account runs only {limit} functions at the same time ({numbers})", fix)
    else:
        yield right(f"the account runs {limit} functions at the same time, and the stage needs {needed}")
    reserved = sum(int(given.get(name, 0)) for name in ("receiveConcurrency", "processConcurrency"))
    if reserved > max(0, limit - UNRESERVED):
        yield fault(
            f"{reserved} executions would be reserved, and AWS keeps {UNRESERVED} of the account's {limit} unreserved",
            "leave out receive_reserved and process_reserved, or ask AWS for a higher quota",
        )


def concurrency_of(client: Any) -> int:
    """How many functions may run at the same time in this account and region."""
    return int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def runtime_findings(python: str, *, emulated: bool) -> Iterator[Finding]:
    """Whether Lambda's Python has what the zips need. An emulator runs this machine's."""
    if python in RUNTIMES:
        yield right(f"python{python} is supported by AWS until {RUNTIMES[python]}")
    elif not emulated:
        yield fault(
            f"python{python} is no runtime for these zips: their wheels need Amazon Linux 2023",
            f"choose one of {', '.join(RUNTIMES)}",
        )


def stack_state(client: Any, stage: Stage) -> str:
    """The stack's status; "" where there is none."""
    try:
        found = client.describe_stacks(StackName=stage.stack)["Stacks"][0]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise
    status = str(found["StackStatus"])
    return "" if status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else status


def stack_findings(status: str, stage: Stage) -> Iterator[Finding]:
    """Whether CloudFormation would take a deployment."""
    if status in ("ROLLBACK_FAILED", "DELETE_FAILED"):
        yield fault(
            f"the stack {stage.stack} is {status}: {BROKEN[status]}",
            f"delete it, then deploy again: aws cloudformation delete-stack --stack-name {stage.stack}",
        )
    elif status == "UPDATE_ROLLBACK_FAILED":
        yield fault(
            f"the stack {stage.stack} is {status}",
            f"aws cloudformation continue-update-rollback --stack-name {stage.stack}, then deploy again",
        )
    elif status == "ROLLBACK_COMPLETE":
        yield doubt(f"the stack {stage.stack} is {status}: {BROKEN[status]}; it is deleted first")
    elif status.endswith("_IN_PROGRESS"):
        yield doubt(
            f"the stack {stage.stack} is {status}: another deployment, or one that was interrupted; waiting for it"
        )
