"""Step Functions: one execution for each delivery, with the CloudEvent as its input and the delivery's id as its name.

A standard workflow accepts a name once in 90 days: a repetition finds the existing execution, and starts none. An
express workflow ignores names: after a crash between start and record, a second execution has the same input.
Source: Step Functions API reference, StartExecution.
"""

import re
from typing import Any

from handlers.destinations import options as options_
from handlers.destinations import reach
from handlers.destinations.cloudevent import cloudevent
from handlers.destinations.resource import ByName, Kind, Resource, resource_of
from receiver.aws.boto import DestinationAccess
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import AccessDenied, MailroomError
from receiver.core.plan import Target
from receiver.ports import Destination

OPTIONS = reach.OPTIONS
KIND = Kind(
    "states", "state machine", re.compile(r"[\w.+!()'=-]{1,80}(:[\w.-]{1,80})?", re.ASCII),
    "at most 80 letters, digits, `-` and `_`; in an ARN an alias or version may follow, behind `:`", "stateMachine:",
    client="stepfunctions",
)  # fmt: skip
_STARTED = frozenset({"ExecutionAlreadyExists"})


def unqualified(arn: str) -> str:
    """The ARN of a state machine, without the alias or version that may follow it."""
    return ":".join(arn.split(":")[:7])


class StepFunctions(ByName):
    """The ``states://`` destination."""

    kind = KIND

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Starts the execution; of a standard workflow only once, however often this is called."""
        machine = resource_of(request.url.partition("#")[0], KIND)
        access = reach.access_of(options_.given(request.options, self._environ))
        arn = await self._arn(machine, access)
        answer = await self._ask(
            "start_execution", machine, access, unless=_STARTED,
            stateMachineArn=arn, name=request.delivery_id, input=cloudevent(request).decode(),
        )  # fmt: skip
        return Receipt(location=f"states://{arn}#{request.delivery_id}", fresh=answer is not None)

    async def probe(self, target: Target) -> list[str]:
        """Whether the state machine exists, if we may ask; the permission to start cannot be checked."""
        machine = resource_of(target.url, KIND)
        try:
            access = reach.access_of(options_.given(target.options, self._environ))
            arn = unqualified(await self._arn(machine, access))
            await self._ask("describe_state_machine", machine, access, stateMachineArn=arn)
        except AccessDenied:
            return []
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []

    async def _ask(
        self, operation: str, machine: Resource, access: DestinationAccess, **arguments: Any
    ) -> dict[str, Any] | None:
        return await self._aws.through(access).attempt(
            "stepfunctions", operation, what=machine.shown, region=machine.region, **arguments
        )


_: type[Destination] = StepFunctions
