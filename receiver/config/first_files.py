"""The first ``mailroom.yaml`` and ``.env`` of an installation, as text."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from receiver.core.forms import Wrong

EXAMPLE_RULES = {
    "invoice": "contains an invoice number, line items and a total amount due",
    "contract": "a legal agreement between parties with obligations and signatures",
}
_ALIKE_EVERYWHERE = re.compile(r"[A-Za-z0-9_.:/@%+=,\[\]-]*")
"""Values that a shell, systemd and Docker Compose all read literally, without quotes."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The user's answers."""

    api_key: str
    base_url: str
    """LlamaCloud's base URL; "" for the usual one."""
    public_url: str
    destination: str
    """The folder or bucket for all documents: ``folder://…/`` or ``s3://bucket/…/``."""
    rules: Mapping[str, str]
    """Type -> its description."""


def first_settings(answers: Answers, make_secret: Callable[[], str]) -> dict[str, str]:
    """The variables and their values, with a new secret for each proof and for the operator."""
    given = {
        "LLAMA_CLOUD_API_KEY": answers.api_key,
        "LLAMA_CLOUD_BASE_URL": answers.base_url,
        "MAILROOM_PUBLIC_URL": answers.public_url,
    }
    made = {name: make_secret() for name in ("TOKEN_SECRETS", "SIGNING_SECRETS", "ADMIN_TOKEN")}
    return {name: value for name, value in given.items() if value} | {
        f"MAILROOM_{name}": value for name, value in made.items()
    }


def env_text(settings: Mapping[str, str]) -> str:
    """The variables as a file that a shell, systemd and Docker Compose read alike. Raises Wrong if there is none."""
    for name, value in settings.items():
        if not _ALIKE_EVERYWHERE.fullmatch(value):
            raise Wrong(
                f"{name} has a character that a shell, systemd and Docker Compose read differently",
                "put the value in a file of its own and set "
                f"{name}_FILE (docs/settings.md); give `mailroom init` a placeholder for now",
            )
    lines = [f"{name}={value}" for name, value in settings.items()]
    return "\n".join(["# Secrets: keep this file to yourself. docs/settings.md has all settings.", *lines, ""])


def table_text(answers: Answers) -> str:
    """A table with one route for each type, and all three fallback routes."""
    base = answers.destination if answers.destination.endswith("/") else f"{answers.destination}/"
    rules = [f"    - type: {_quoted(name)}\n      description: {_quoted(text)}" for name, text in answers.rules.items()]
    routes = [
        f"  - type: {_quoted(name)}\n    min_confidence: 0.80  # below: review\n    to: [{_quoted(f'{base}{name}/')}]"
        for name in answers.rules
    ]
    return "\n".join(
        [
            "# docs/reference-config.md explains every key. `mailroom routes check` checks this file.",
            "classify:",
            "  rules:",
            *rules,
            "routes:  # the first matching row wins",
            *routes,
            f"no_match: {{to: [{_quoted(f'{base}unsorted/')}], review: true}}  # no rule matches",
            "low_confidence: {review: true}  # a rule matches, but not surely",
            f"failed: {{to: [{_quoted(f'{base}failed/')}]}}  # the job failed",
            "alerts:",
            '  - {kind: ["*"], to: log}  # docs/alerts.md: Slack, e-mail, PagerDuty, …',
            "",
        ]
    )


def _quoted(text: str) -> str:
    """The text as a YAML string; a JSON string is one."""
    return json.dumps(text, ensure_ascii=False)
