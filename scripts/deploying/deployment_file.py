"""`mailroom.deploy.yaml`, read: the settings of one stage, and where in the file each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from receiver.aws.regions import partition_id
from receiver.config import faults
from receiver.config.source import FILES, ConfigText, read_config
from receiver.core.errors import Misconfigured
from scripts.deploying.deployment_model import DeploymentFile, StageSettings

FILE = "mailroom.deploy.yaml"
ENDPOINTS = {"us": "https://api.cloud.llamaindex.ai", "eu": "https://api.cloud.eu.llamaindex.ai"}
"""LlamaCloud's regions. Source: LlamaCloud's documentation, "Regions"."""


@dataclass(frozen=True)
class DeploymentSettings:
    """A stage's settings and the file that says them, if there is one."""

    stage: str
    values: StageSettings
    source: ConfigText | None = None

    def where(self, place: str) -> str:
        """``mailroom.deploy.yaml:12`` for a key, or for what stands around it; "" without a file."""
        if self.source is None:
            return ""
        own = f"stages.{self.stage}.{place}"
        return f"{self.source.path}:{self.source.line(own if own in self.source.lines else place)}"

    def parameters(self, region: str) -> dict[str, str]:
        """The parameters of serverless.yml, as osls takes them. LlamaCloud is asked on the region's side."""
        values, side = self.values, "eu" if region.startswith(("eu-", "eusc-")) else "us"
        found = {"llamaCloud": ENDPOINTS[side]}
        for section in (values, values.concurrency, values.throttle, values.retention):
            for name, field in type(section).model_fields.items():
                value, extra = getattr(section, name), field.json_schema_extra
                if value is not None and isinstance(extra, Mapping):
                    found[str(extra["x-parameter"])] = _as_parameter(name, value)
        if values.domain is not None:
            found.setdefault("publicUrl", f"https://{values.domain.name}")
        if values.inbox_buckets:
            arns = dict.fromkeys(
                f"arn:{partition_id(region)}:s3:::{item.split('/')[0]}" for item in values.inbox_buckets
            )
            found |= {"inboxBuckets": "".join(f",{item}" for item in values.inbox_buckets)}
            found |= {"inboxArns": "".join(f",{arn}" for arn in arns)}
        return found | ({"shadow": "shadow.yaml"} if values.shadow else {})


def read_deployment(path: Path | None, stage: str, *, folder: Path) -> DeploymentSettings:
    """The stage's settings: of this file, of ``mailroom.deploy.yaml`` in ``folder``, or the defaults where neither is.

    Raises Misconfigured with all that is wrong: file, line, place, fault and fix.
    """
    if path is None and not (folder / FILE).is_file():
        return DeploymentSettings(stage, StageSettings())
    path = path or Path(FILE)
    return parse_deployment(_text(folder / path), stage, path=path)


def parse_deployment(text: str, stage: str, *, path: Path = Path(FILE)) -> DeploymentSettings:
    """The same of a text. An empty one is all defaults."""
    source = read_config(text, path)
    data = {} if source.data is None else source.data
    found = [(source.line(place), f"{place}: {message}") for place, message in source.faults]
    try:
        whole = DeploymentFile.model_validate(data)
    except ValidationError as error:
        raise _refused(source, [*found, *faults.lines(error, source, deployment_schema())]) from None
    if found:
        raise _refused(source, found)
    stages = data.get("stages", {})
    merged = _merged({key: value for key, value in data.items() if key != "stages"}, stages.get(stage, {}))
    return DeploymentSettings(stage, StageSettings.model_validate(merged), _known_stage(source, whole, stage))


@cache
def deployment_schema() -> dict[str, Any]:
    """The file's JSON Schema, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **DeploymentFile.model_json_schema()}


def _text(path: Path) -> str:
    try:
        return FILES.read(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise Misconfigured(f"there is no {path}", fix="name another file with --settings") from None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path} is not UTF-8 text: {error.reason}") from error


def _known_stage(source: ConfigText, whole: DeploymentFile, stage: str) -> ConfigText:
    """Refuses two spellings of one stage: `Prod:` would silently not be prod's."""
    for name in whole.stages:
        if name != stage and name.lower() == stage.lower():
            place = f"stages.{name}"
            raise _refused(
                source, [(source.line(place), f"{place}: the stage is called {stage!r}; write it like that")]
            )
    return source


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What is common to all stages, with a stage's own over it, section by section."""
    both = {key for key in own if isinstance(own[key], dict) and isinstance(common.get(key), dict)}
    return {**common, **own, **{key: _merged(common[key], own[key]) for key in both}}


def _as_parameter(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _SPELLED.get(name, ("false", "true"))[value]
    if name == "llama_cloud":
        return str(ENDPOINTS.get(value, value))
    return str(value[0] if isinstance(value, tuple) else value)


_SPELLED = {"operator_api": ("off", "on"), "trace": ("PassThrough", "Active"), "webhook_queue": ("off", "on")}
"""Parameters with other words for no and yes."""


def _refused(source: ConfigText, found: list[tuple[int, str]]) -> Misconfigured:
    return Misconfigured("\n".join(f"{source.path}:{line}: {text}" for line, text in sorted(found)))
