"""docs/settings.md, from receiver/settings.py."""

from typing import get_args, get_type_hints

from receiver.core.forms import Form
from receiver.settings import FORMS, VARIABLES, Secret, Settings

HEAD = """\
# Settings

<!-- made by scripts/make-docs from receiver/settings.py -->

One object, read from the environment at start. A `MAILROOM_*` name that is not in this table is refused by name, so
that a typing error cannot become a silent default. Any of them may instead be given as `<NAME>_FILE`, the path of a
file that holds the value (a regular file of at most 64 KB, UTF-8; an empty one is an error). Secrets never appear in
logs, errors, metrics or the operator's JSON.

Secrets are checked before anything starts, and at every renewal: an empty item of a list, a secret shorter than 16
bytes (unless `MAILROOM_ALLOW_UNVERIFIED` is set) and a header that cannot be sent are refused. Files are read again
every two seconds. A renewal that cannot be read, or would change what an event must prove, is refused as a whole: the
previous secrets stay in use; the log event `secrets.refused` and the alert `secret.refused` say why
([rotating a secret](production.md#rotating-a-secret)).

A value may also point to AWS: `secretsmanager:NAME` (the whole secret), `secretsmanager:NAME#KEY` (one value of a
secret that is a JSON object) or `ssm:/path`. It is read at start and again every five minutes, so that a rotation needs
no restart; while AWS cannot be reached, the last value stays in use.

`mailroom config show` lists every setting and every value of `mailroom.yaml` that is in force, and where it comes from:
the variable, the file, the pointer to AWS, the line, or the default. Secrets are shown as `set` or `(hidden)`; `--json`
prints the same as data, `--no-defaults` only what is given.

`mailroom.yaml` has its own page: [reference-config.md](reference-config.md). AWS is set up by the usual `AWS_*`
variables, `AWS_ENDPOINT_URL` included; traces by OpenTelemetry's `OTEL_*`
([observability.md](observability.md#traces)).

All values and their combinations are checked before anything starts: if one is wrong, the command ends with exit code
2, names each wrong one, and says what to do. A value in quotes, with white space at an end or with a control
character is always refused. An empty one counts as unset if the default is empty,
and is refused otherwise.

| variable | default | what it says | it must be |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    hints = get_type_hints(Settings, include_extras=True)
    defaults = Settings()
    rows = [_row(FORMS[name], variable, hints[name], getattr(defaults, name)) for name, variable in VARIABLES.items()]
    return HEAD + "".join(rows)


def _row(form: Form, variable: str, hint: object, default: object) -> str:
    kind, meta = get_args(hint)
    shown = "*secret*" if kind is Secret else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return f"| `{variable}` | {'' if default == '' else shown} | {meta.description} | {form.says} |\n"
