"""``mailroom.yaml``: the rules for LlamaCloud, the routing table, the alert channels.

``Config`` is what the rest of Mailroom uses. Reading the file (``load``) needs YAML and pydantic; both are
imported when a file is read, so that a process which never reads one does not pay for them.
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
    """The configuration in this file, ``env:NAME`` values taken from ``environ``; ``variable`` is what names the file.

    Raises Misconfigured with all that is wrong, one line each: file, line, place, fault and fix.
    """
    from receiver.config import build

    return build.load(Path(path), environ, variable=variable)


def parse(text: str, environ: Mapping[str, str], *, path: Path | str = "mailroom.yaml") -> Config:
    """The configuration in this text; ``path`` is the name that messages use. Raises Misconfigured like ``load``."""
    from receiver.config import build

    return build.parse(text, environ, path=Path(path))


def retention_in(path: Path | str) -> Retention:
    """The section ``retention`` of this file alone: no ``env:NAME`` of the rest need be set. Raises Misconfigured."""
    from receiver.config import build

    return build.retention_in(Path(path))
