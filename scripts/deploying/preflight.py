"""Everything that can be known to be wrong before anything is uploaded: what `mailroom routes check` and `mailroom
doctor` would say of the running stage, and what its account allows.
"""

import asyncio
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from receiver.cloud.client import LlamaCloud
from receiver.cloud.project import ORGANIZATION, PROJECT, ProjectScope
from receiver.core.errors import KeyRefused, MailroomError, Misconfigured, SettingsRefused
from receiver.read_settings import refuse_unknown
from receiver.secrets import SecretCache, points, secret_text
from receiver.settings import VARIABLES
from scripts.deploying.account import (
    concurrency_findings,
    concurrency_of,
    fitted,
    runtime_findings,
    stack_findings,
    stack_state,
)
from scripts.deploying.deployment_file import ENDPOINTS, DeploymentSettings
from scripts.deploying.deployment_model import OWN
from scripts.deploying.finding import Finding, doubt, fault, right
from scripts.deploying.outside import Place, existence, is_own, outside, unknown_kinds
from scripts.deploying.overlay import variables
from scripts.deploying.stage import HEARTBEAT, KEPT, TAKEN, Clients, Stage, environment
from scripts.deploying.stage_secrets import SecretPlan, stage_values

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = {
    "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["to-be-restored-secret"]}',
    "MAILROOM_TOKEN_SECRETS": "to-be-restored-secret",
    "MAILROOM_SIGNING_SECRETS": "to-be-restored-secret",
    "MAILROOM_ADMIN_TOKEN": "to-be-restored-secret",
    "LLAMA_CLOUD_API_KEY": "llx-to-be-restored",
}
"""For what a secret holds that is scheduled for deletion: it cannot be read until it is restored."""

UNREAD = "https://unread.example/"
ENVIRONMENT_LIMIT = 4096
"""Bytes of all names and values. Source: Lambda quotas, "Environment variables"."""
LAMBDA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+", re.ASCII)
"""Source: Lambda API reference, Environment."""
LAMBDAS_OWN = frozenset({"_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"})
"""Source: Lambda Developer Guide, "Defined runtime environment variables", reserved ones."""


@dataclass
class Preflight:
    """What was found, and what follows from it."""

    findings: list[Finding] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    """Of serverless.yml, with what was fitted to the account."""
    places: list[Place] = field(default_factory=list)
    """Outside the stack, for which the roles get rights."""
    environment: dict[str, str] = field(default_factory=dict)
    """As the functions will see it, secrets in it."""
    stack: str = ""
    """The stack's status; "" where there is none."""

    @property
    def refused(self) -> bool:
        return any(item.severity == "error" for item in self.findings)


def preflight(
    stage: Stage,
    settings: DeploymentSettings,
    given: Mapping[str, str],
    table: Path,
    plans: list[SecretPlan],
    client: Clients,
) -> Preflight:
    """Checks it all; asks AWS and LlamaCloud, and changes nothing. ``given`` are parameters of the command line."""
    found = Preflight(parameters={**settings.parameters(stage.region), **given})
    limit = concurrency_of(client("lambda"))
    found.parameters = {**fitted(found.parameters, limit), **found.parameters}
    found.findings += parameter_findings(given)
    found.findings += certificate_findings(stage, settings)
    found.findings += variable_findings(settings)
    revealed, unread = reveal(stage, settings, found.parameters, plans, client)
    found.findings += unread
    secrets = {**STAND_INS, **stage_values(plans), **revealed}
    found.environment = environment(stage, settings, found.parameters, secrets)
    found.findings += size_findings(stage, settings, found.environment)
    found.findings += table_findings(found, table, settings)
    grants = [Place(url, settings.where(f"grants[{at}]")) for at, url in enumerate(settings.values.grants or ())]
    found.findings += unknown_kinds(grants)
    found.places = outside([*found.places, *grants], stage)
    there = [place for place in found.places if not is_own(place.url, stage)]
    asked = [*there, *inboxes(settings)]  # intake and sweep have their own rights there
    found.findings += existence(asked, stage, client)
    found.findings += cloud_findings(found.environment, settings.where("llama_cloud"))
    found.findings += concurrency_findings(found.parameters, limit)
    emulated = bool(os.environ.get("AWS_ENDPOINT_URL"))
    found.findings += runtime_findings(found.parameters.get("python", "3.13"), emulated=emulated)
    found.stack = stack_state(client("cloudformation"), stage)
    found.findings += stack_findings(found.stack, stage)
    found.findings += watcher_findings(found.parameters)
    return found


def parameter_findings(given: Iterable[str]) -> Iterator[Finding]:
    """Parameters of the command line that serverless.yml does not know: osls would leave them out in silence."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml"))]
    known = {name for text in texts for name in re.findall(r"\$\{param:(\w+)", text)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            yield fault(f"--param {name}: serverless.yml has no such parameter", fix)


def certificate_findings(stage: Stage, settings: DeploymentSettings) -> Iterator[Finding]:
    """A certificate of another region than the API's, which API Gateway refuses."""
    domain = settings.values.domain
    if domain is not None and (region := domain.certificate.split(":")[3]) != stage.region:
        what = f"domain.certificate is in {region}, and the stage in {stage.region}"
        yield fault(what, "request one there: aws acm request-certificate", settings.where("domain.certificate"))


def inboxes(settings: DeploymentSettings) -> list[Place]:
    """The buckets outside the stack that documents are taken from."""
    named = enumerate(settings.values.inbox_buckets or ())
    return [Place(f"s3://{item.partition('/')[0]}", settings.where(f"inbox_buckets[{at}]")) for at, item in named]


def variable_findings(settings: DeploymentSettings) -> Iterator[Finding]:
    """Variables of the file that the deployment sets itself, or that are no setting."""
    for section, names in (("variables", settings.values.variables), ("secrets", settings.values.secrets)):
        for name in names:
            where = settings.where(f"{section}.{name}")
            if name in TAKEN:
                yield fault(
                    f"{section}.{name} is set by the deployment itself", "leave it out; other keys set it", where
                )
            elif name.startswith("AWS_") or name in LAMBDAS_OWN:
                yield fault(f"{section}.{name}: Lambda sets AWS's own variables", "leave it out", where)
            elif not LAMBDA_NAME.fullmatch(name):
                fix = "rename it: two or more letters, digits and _, a letter first"
                yield fault(f"{section}.{name}: Lambda takes no variable of this name", fix, where)
            elif section == "secrets" and name in settings.values.variables:
                yield fault(f"secrets.{name} is among the variables too", "leave one of them out", where)
            elif (said := _unknown(name)) is not None:
                yield fault(f"{section}.{said}", "", where)
    for name, value in settings.values.variables.items():
        if points(value):
            fix = f"write it under secrets, so that the functions may read it: secrets: {{{name}: {value}}}"
            yield fault(f"variables.{name} is a pointer to a secret", fix, settings.where(f"variables.{name}"))
        for mark in ("${", "\0"):
            if mark in value:
                fix = "osls would replace it, and Lambda refuses a NUL; keep such a value under secrets"
                yield fault(f"variables.{name} holds {mark!r}", fix, settings.where(f"variables.{name}"))


def size_findings(stage: Stage, settings: DeploymentSettings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether Lambda takes the variables: names and values as they are deployed, with pointers for secrets."""
    deployed = {**environ, **variables(stage, settings)}
    for which, names in KEPT.items():
        deployed |= {name: f"secretsmanager:{stage.secret(which)}#{name}" for name in names}
    size = sum(len(f"{name}{value}".encode()) for name, value in deployed.items())
    if size > ENVIRONMENT_LIMIT:
        what = f"the functions' variables have {size:,} bytes, and Lambda takes {ENVIRONMENT_LIMIT:,}"
        yield fault(what, "put long values into the stage's secret (secrets: NAME: stage)", settings.where("variables"))


def _unknown(name: str) -> str | None:
    try:
        refuse_unknown({name: ""})
    except Misconfigured as error:
        return str(error)
    return None


def reveal(
    stage: Stage,
    settings: DeploymentSettings,
    parameters: Mapping[str, str],
    plans: list[SecretPlan],
    client: Clients,
) -> tuple[dict[str, str], list[Finding]]:
    """The values of secrets that pointers lead to, and what is wrong with those that cannot be read."""
    values, found = {}, []
    cache = SecretCache(lambda kind, name: secret_text(client(kind), kind, name))
    pointers = {name: text for name, text in settings.values.secrets.items() if text != OWN}
    if points(heartbeat := parameters.get("heartbeatUrl", "")):
        pointers[HEARTBEAT] = heartbeat
    inside = next(plan for plan in plans if plan.name == stage.secret("inside"))
    for name, pointer in pointers.items():
        if inside.state == "deleted" and pointer.startswith(f"secretsmanager:{inside.name}#"):
            values[name] = UNREAD
            continue
        try:
            values[name] = cache.read(pointer)
            found.append(right(f"{name} is at {pointer}"))
        except Misconfigured as error:
            fix = "create it, or correct the pointer"
            found.append(fault(f"secrets.{name}: {error}", fix, settings.where(f"secrets.{name}")))
            values[name] = UNREAD
    return values, found


def table_findings(found: Preflight, table: Path, settings: DeploymentSettings) -> Iterator[Finding]:
    """What is wrong with settings and table, as the functions would find out; the table's places go to ``found``."""
    values = settings.values
    extra = [f"--shadow={values.shadow}"] if values.shadow else []
    extra += [f"--module={item}" for item in values.modules or ()]
    yield from module_findings(settings)
    done = subprocess.run(
        [sys.executable, "-m", "scripts.deploying.stage_check", table, *extra],
        input=json.dumps(found.environment), env=_clean(os.environ),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode or not done.stdout:  # own modules may also end the process as if all were well
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        tried = f" with app {values.app}" if values.app else ""
        yield fault(f"the settings cannot be checked{tried}: {last}", "", settings.where("app") if values.app else "")
        return
    said = json.loads(done.stdout)
    found.places = [Place(**item) for item in said["places"]]
    for problem in said["problems"]:
        make = fault if problem["severity"] == "error" else doubt
        text = problem["text"].removeprefix("warning: ")
        yield make(text, problem["fix"], settings.where(problem["setting"]) if problem["setting"] else "")
    if not any(problem["severity"] == "error" for problem in said["problems"]):
        yield right(f"{table} is sound, and so are the stage's settings")


def module_findings(settings: DeploymentSettings) -> Iterator[Finding]:
    """Own modules that are not there, or would hide one of ours."""
    for at, item in enumerate(settings.values.modules or ()):
        path, where = ROOT / item, settings.where(f"modules[{at}]")
        name = path.name.removesuffix(".py")
        if ROOT.is_relative_to(path.resolve()):
            yield fault(f"modules[{at}]: {item} is all of Mailroom's own files", "name a folder of yours", where)
        elif not path.exists():
            yield fault(f"modules[{at}]: there is no {path}", "paths are relative to serverless.yml", where)
        elif not (path.suffix == ".py" or path.is_dir()) or not name.isidentifier():
            yield fault(f"modules[{at}]: {item} is no Python package or module", "name a folder or a .py file", where)
        elif name in ("receiver", "handlers") or name in sys.stdlib_module_names:
            yield fault(f"modules[{at}]: {name} would hide a module of that name", "rename it", where)


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours, without settings: what this machine's Mailroom is told is not what the stage's is."""
    known = {*VARIABLES.values(), *(f"{name}_FILE" for name in VARIABLES.values())}
    return {name: value for name, value in environ.items() if name not in known}


def cloud_findings(environ: Mapping[str, str], where: str) -> Iterator[Finding]:
    """Whether LlamaCloud takes the key at the stage's address; if not, whether it does at another one."""
    address, key = environ["LLAMA_CLOUD_BASE_URL"], environ["LLAMA_CLOUD_API_KEY"]
    if key == STAND_INS["LLAMA_CLOUD_API_KEY"]:
        yield doubt("the API key is in a secret that is to be restored: it is not tried")
        return
    try:
        names = asyncio.run(_projects(address, key, _scope(environ)))
    except KeyRefused:
        yield _refused_key(address, key, where)
    except SettingsRefused as error:
        yield fault(str(error), error.fix, where)
    except MailroomError as error:
        yield doubt(f"LlamaCloud cannot be asked at {address} from here: {error}", "the key is not tried")
    else:
        yield right(f"LlamaCloud at {address} takes the key, for {names}")


def _refused_key(address: str, key: str, where: str) -> Finding:
    for name, other in ENDPOINTS.items() if address in ENDPOINTS.values() else ():  # nobody else is to get the key
        try:
            if other != address and asyncio.run(_projects(other, key, ProjectScope())):
                return fault(
                    f"LlamaCloud at {address} refuses the API key, and its region {name!r} takes it",
                    f"set llama_cloud: {name}",
                    where,
                )
        except MailroomError:
            continue
    return fault(
        f"LlamaCloud at {address} refuses the API key",
        "put a valid key into the stage's secret `inside`, or set llama_cloud to the key's region",
        where,
    )


def _scope(environ: Mapping[str, str]) -> ProjectScope:
    return ProjectScope(project_id=environ[PROJECT], organization_id=environ[ORGANIZATION])


async def _projects(address: str, key: str, scope: ProjectScope) -> str:
    cloud = LlamaCloud(address, key, scope)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return ", ".join(project.name for project in await cloud.check_key())
    except TimeoutError as error:
        raise MailroomError(f"no answer within {ASK_SECONDS:.0f} s") from error
    finally:
        await cloud.close()


ASK_SECONDS = 20.0
"""For LlamaCloud to answer, all attempts together."""


def watcher_findings(parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Who would hear of trouble: a stage that nobody watches is a decision, not an error."""
    alerts, watch = parameters.get("alertEmail"), parameters.get("watchEmail")
    if not alerts:
        fix = "set alert_email (without it the subscription of an earlier deployment is removed)"
        yield doubt("nobody will hear of alerts and alarms by e-mail", fix)
    if not watch:
        yield doubt("that alerting itself does not work shows in the CloudWatch console alone", "set watch_email")
    elif watch == alerts:
        yield doubt("watch_email is alert_email: who does not read the one does not read the other")


def shown(findings: Iterable[Finding]) -> str:
    """One line each, what is wrong last, so that it is what a person sees."""
    order = {"ok": 0, "warning": 1, "error": 2}
    return "\n".join(map(str, sorted(findings, key=lambda item: order[item.severity])))
