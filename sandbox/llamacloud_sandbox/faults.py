"""Faults on demand: each has a switch with a probability or a count ("the next N"). Seeded: a run can be repeated."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

# name -> (what it does, seconds it takes unless told otherwise)
KINDS: dict[str, tuple[str, float]] = {
    "duplicate": ("an event is sent twice, with the same event id", 0.0),
    "new_event_id": ("an event is sent a second time under another event id", 0.0),
    "reorder": ("an event is held back, so that later ones overtake it", 1.0),
    "delay": ("an event, and those after it, come late", 5.0),
    "drop": ("an event is never sent", 0.0),
    "early_event": ("the final event comes before GET shows the result", 2.0),
    "data_id_only": ("the job id stands only in `data.id`", 0.0),
    "wrong_signature": ("`LC-Signature` is made with another secret", 0.0),
    "rate_limit": ("429", 0.0),
    "payment_required": ("402, out of credits", 0.0),
    "unauthorized": ("401, the key is not accepted", 0.0),
    "forbidden": ("403 as a firewall before the API says it: a page of HTML", 0.0),
    "server_error": ("500, or another `status`", 0.0),
    "slow": ("the answer comes late", 2.0),
    "cut": ("the request takes effect, but the connection is cut inside the answer", 0.0),
    "stuck_job": ("a job stays as it is for ever", 0.0),
    "failed_job": ("a job fails, with `message`", 0.0),
    "expired_file": ("the file is gone when the job wants to read it", 0.0),
}


class Switch(BaseModel):
    """When a fault strikes: with a probability, or the next N times; `method` and `path` narrow an API fault down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probability: float = Field(0.0, ge=0, le=1)
    next: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)
    status: int = Field(500, ge=500, le=599)
    message: str = Field("Simulated failure", max_length=2000)
    method: str = ""
    path: str = ""


@dataclass(frozen=True)
class Strike:
    """A fault that strikes now."""

    kind: str
    seconds: float
    status: int
    message: str


@dataclass
class _Armed:
    switch: Switch
    left: int | None
    struck: int = 0


def switch(value: Any) -> Switch:
    """A switch from `0.2`, `{"next": 3}` or `{"probability": 1, "seconds": 2}`. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Switch.model_validate({"probability": value})
    return Switch.model_validate(value)


def known(switches: Mapping[str, Any]) -> dict[str, Switch]:
    """The switches by fault name. Raises ValueError for an unknown name or a wrong value."""
    unknown = sorted(set(switches) - set(KINDS))
    if unknown:
        raise ValueError(f"unknown fault {unknown[0]!r}; there are: {', '.join(KINDS)}")
    return {name: switch(value) for name, value in switches.items()}


class Faults:
    """The switchboard: asked at each point where something can go wrong."""

    def __init__(self, switches: Mapping[str, Switch], seed: int) -> None:
        self._initial, self._seed = dict(switches), seed
        self.reset()

    def reset(self) -> None:
        """Back to the switches and the random numbers of the start."""
        self._random = random.Random(self._seed)
        self.set(self._initial)

    def set(self, switches: Mapping[str, Switch]) -> None:
        """From now on these faults, and no others."""
        self._armed = {name: _Armed(each, each.next) for name, each in switches.items()}

    def strikes(self, kind: str, *, method: str = "", path: str = "") -> Strike | None:
        """The fault, if it strikes here and now; a counted one is used up by it."""
        armed = self._armed.get(kind)
        if armed is None or not self._meant(armed.switch, method, path) or not self._drawn(armed):
            return None
        armed.struck += 1
        chosen = armed.switch
        seconds = KINDS[kind][1] if chosen.seconds is None else chosen.seconds
        return Strike(kind, seconds, chosen.status, chosen.message)

    def shown(self) -> dict[str, dict[str, Any]]:
        """Every armed fault with what is left of it and how often it struck."""
        return {
            name: {**armed.switch.model_dump(), "next": armed.left, "struck": armed.struck}
            for name, armed in self._armed.items()
        }

    @staticmethod
    def _meant(chosen: Switch, method: str, path: str) -> bool:
        return path.startswith(chosen.path) and chosen.method.upper() in {"", method}

    def _drawn(self, armed: _Armed) -> bool:
        if armed.left is None:
            return self._random.random() < armed.switch.probability
        if armed.left == 0:
            return False
        armed.left -= 1
        return True
