"""API Gateway's part of the queue in front of `receive`, as its documentation describes it: the mapping of a request to
SQS's form (Velocity, evaluated by airspeed), and SQS's status to the response.

Sources: API Gateway Developer Guide, "Mapping template variable reference" ($input.body is the raw body,
$input.params().header all headers, $context.requestTimeEpoch the time of the request in milliseconds),
"passthroughBehavior" (NEVER: 415 without a template for the content type), and "IntegrationResponse" (for AWS services
the pattern matches the status; the one without a pattern is the default).
"""

import base64
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import airspeed

from tests.builders import NOW


def as_written(deployed: Mapping[str, Any]) -> dict[str, Any]:
    """An integration as API Gateway shows it, in the words of a template."""
    responses = [
        {name[0].upper() + name[1:]: value for name, value in item.items()}
        for item in deployed["integrationResponses"].values()
    ]
    words = {name[0].upper() + name[1:]: value for name, value in deployed.items()}
    return {**words, "IntegrationResponses": responses}


class _Util:
    """What templates call as $util."""

    def urlEncode(self, text: str) -> str:  # noqa: N802  its name
        return urllib.parse.quote_plus(text, safe="*")

    def base64Encode(self, text: str) -> str:  # noqa: N802  its name
        return base64.b64encode(text.encode()).decode()


@dataclass
class _Params:
    header: Mapping[str, str]


@dataclass
class _Input:
    """What templates call as $input."""

    body: str
    headers: Mapping[str, str]

    def params(self) -> _Params:
        return _Params(self.headers)


def mapped(
    integration: Mapping[str, Any], headers: Mapping[str, str], body: str, *, peer: str = "203.0.113.7", at: float = NOW
) -> str:
    """The form that SQS gets; "" where the content type has no template, which API Gateway answers with 415."""
    given = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
    template = integration["RequestTemplates"].get(given.partition(";")[0].strip().lower())
    if template is None:
        assert integration["PassthroughBehavior"] == "NEVER"
        return ""
    context = {"identity": {"sourceIp": peer}, "requestTimeEpoch": int(at * 1000)}
    names = {"input": _Input(body, headers), "util": _Util(), "context": context}
    form: str = airspeed.Template(template).merge(names)
    return form


def answered(integration: Mapping[str, Any], status: int) -> tuple[int, str]:
    """The status and body of the response where SQS answered with this status."""
    responses = integration["IntegrationResponses"]
    patterns = [str(item.get("SelectionPattern") or "") for item in responses]
    fitting = [item for item, text in zip(responses, patterns, strict=True) if text and re.fullmatch(text, str(status))]
    chosen = fitting[0] if fitting else responses[patterns.index("")]
    return int(chosen["StatusCode"]), chosen["ResponseTemplates"]["application/json"]
