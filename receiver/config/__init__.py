"""``mailroom.yaml``: the rules for LlamaCloud, the routing table, the alert channels.

The rest of Mailroom uses ``Config``. Reading the file (``load``) needs YAML and pydantic. Both are imported only
then, so that a process that reads no file starts faster.
"""

from collections.abc import Mapping
from pathlib import Path

from receiver.config.config import Alerting, Category, Classify, Config, Guards, Resubmit, Rule, Split
from receiver.core.retention import Retention

__all__ = [
    "Alerting",
    "Category",
    "Classify",
    "Config",
    "Guards",
    "Resubmit",
    "Retention",
    "Rule",
    "Split",
    "load",
    "parse",
    "retention_in",
]


def load(path: Path | str, environ: Mapping[str, str], *, variable: str = "MAILROOM_CONFIG") -> Config:
    """The configuration in this file, which ``variable`` or an option names; ``env:NAME`` values come from ``environ``.

    Raises Misconfigured with all faults, one line each: file, line, place, fault and fix.
    """
    from receiver.config import build

    return build.load(Path(path), environ, variable=variable)


def parse(text: str, environ: Mapping[str, str], *, path: Path | str = "mailroom.yaml") -> Config:
    """The configuration in this text; messages call it ``path``. Raises Misconfigured like ``load``."""
    from receiver.config import build

    return build.parse(text, environ, path=Path(path))


def retention_in(path: Path | str) -> Retention:
    """Only the section ``retention`` of this file; ``env:NAME`` elsewhere may be unset. Raises Misconfigured."""
    from receiver.config import build

    return build.retention_in(Path(path))
