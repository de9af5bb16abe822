"""The stage's two secrets: planned first, written only when every check has passed, and safe to write again.

`door` is what the function on the internet may read; `inside` holds the API key, the operator's token, and the values
that the routing table names.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.core.errors import Misconfigured
from scripts.deploying.deployment_file import DeploymentSettings
from scripts.deploying.deployment_model import OWN
from scripts.deploying.stage import Stage

Ask = Callable[[str], str]
"""Asks a person for the value of a variable; "" where nobody can be asked."""


@dataclass
class SecretPlan:
    """One secret: what is there, what is to be added."""

    name: str
    state: str
    """absent, there, or deleted: scheduled for deletion, which can be taken back but not read."""
    held: dict[str, Any] = field(default_factory=dict)
    added: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """As the functions will read them."""
        both = {**self.added, **self.held}
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in both.items()}


def plan_secrets(
    client: Any, stage: Stage, settings: DeploymentSettings, environ: Mapping[str, str], ask: Ask
) -> list[SecretPlan]:
    """What is to be done about the stage's secrets. Raises Misconfigured for a value that nobody gives."""
    door = _seen(client, stage.secret("door"))
    made = {
        "MAILROOM_WEBHOOK_HEADERS": {"X-Mailroom-Key": [secrets.token_urlsafe(32)]},
        "MAILROOM_TOKEN_SECRETS": secrets.token_urlsafe(32),
        "MAILROOM_SIGNING_SECRETS": secrets.token_urlsafe(32),
    }
    door.added = {name: value for name, value in made.items() if name not in door.held}
    inside = _seen(client, stage.secret("inside"))
    wanted = ["LLAMA_CLOUD_API_KEY", *(name for name, value in settings.values.secrets.items() if value == OWN)]
    for name in wanted:
        if name not in inside.held and (given := _given(name, inside, settings, environ, ask)):
            inside.added[name] = given
    if "MAILROOM_ADMIN_TOKEN" not in inside.held:
        inside.added["MAILROOM_ADMIN_TOKEN"] = secrets.token_urlsafe(32)
    return [door, inside]


def _given(
    name: str, secret: SecretPlan, settings: DeploymentSettings, environ: Mapping[str, str], ask: Ask
) -> str:  # fmt: skip
    """The value that is to be put into the secret; "" where a secret that comes back may have it."""
    if value := environ.get(name) or ("" if secret.state == "deleted" else ask(name)):
        return value
    if secret.state == "deleted":
        return ""
    where = settings.where(f"secrets.{name}")
    raise Misconfigured(
        f"{where + ': ' if where else ''}{name} has no value: the secret {secret.name} does not hold it",
        fix=f"export {name}=… once: scripts/deploy puts it into the secret",
    )


def _seen(client: Any, name: str) -> SecretPlan:
    try:
        about = client.describe_secret(SecretId=name)
    except client.exceptions.ResourceNotFoundException:
        return SecretPlan(name, "absent")
    if about.get("DeletedDate"):
        return SecretPlan(name, "deleted")
    return SecretPlan(name, "there", held=_held(client, name))


def _held(client: Any, name: str) -> dict[str, Any]:
    text = client.get_secret_value(SecretId=name)["SecretString"]
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Misconfigured(f"the secret {name} is not a JSON object", fix="restore its previous version")
    return found


def write_secrets(client: Any, plans: list[SecretPlan]) -> list[str]:
    """Does what was planned; what was done, in words. Repeatable: what is there is never replaced.

    Raises Misconfigured for a secret that came back without a value that is needed.
    """
    return [said for plan in plans for said in _written(client, plan)]


def _written(client: Any, plan: SecretPlan) -> list[str]:
    if plan.state == "absent":
        client.create_secret(Name=plan.name, SecretString=json.dumps(plan.added))
        return [f"made the secret {plan.name}"]
    said = []
    if plan.state == "deleted":
        client.restore_secret(SecretId=plan.name)
        plan.held, plan.state = _held(client, plan.name), "there"
        plan.added = {name: value for name, value in plan.added.items() if name not in plan.held}
        said.append(f"restored the secret {plan.name}, which was scheduled for deletion")
    if plan.added:
        client.put_secret_value(SecretId=plan.name, SecretString=json.dumps({**plan.held, **plan.added}))
        said.append(f"added {', '.join(plan.added)} to the secret {plan.name}")
    return said


def stage_values(plans: list[SecretPlan]) -> dict[str, str]:
    """All that the stage's own secrets say, or will say. Of one that is to come back, what is added to it."""
    return {name: value for plan in plans for name, value in plan.values.items()}
