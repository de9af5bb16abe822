"""One thing that a check before the deployment found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An error keeps the stage from being deployed; a warning does not; a tick is what was found to be right."""

    severity: Literal["error", "warning", "ok"]
    what: str
    fix: str = ""
    where: str = ""
    """File and line, where it is about one."""

    def __str__(self) -> str:
        at = f"{self.where}: " if self.where else ""
        mark = {"error": "✘", "warning": "!", "ok": "✔"}[self.severity]
        return f"{mark} {at}{self.what}" + (f"; {self.fix}" if self.fix else "")


def fault(what: str, fix: str, where: str = "") -> Finding:
    return Finding(severity="error", what=what, fix=fix, where=where)


def doubt(what: str, fix: str = "", where: str = "") -> Finding:
    return Finding(severity="warning", what=what, fix=fix, where=where)


def right(what: str) -> Finding:
    return Finding(severity="ok", what=what)
