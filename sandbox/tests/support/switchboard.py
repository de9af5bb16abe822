"""The sandbox's own routes, as a test uses them."""

from typing import Any

import httpx


class Switchboard:
    """Faults at run time, and what was sent."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def set(self, faults: dict[str, Any]) -> None:
        """These faults from now on, and no others."""
        self._http.put("/_sandbox/faults", json=faults).raise_for_status()

    def struck(self, fault: str) -> int:
        """How often the fault has struck."""
        return int(self._http.get("/_sandbox/faults").json()["faults"][fault]["struck"])

    def deliveries(self, **narrowed: str) -> list[dict[str, Any]]:
        """What was sent and what came back."""
        return list(self._http.get("/_sandbox/deliveries", params=narrowed).json()["deliveries"])

    def stats(self) -> dict[str, Any]:
        """The counters."""
        return dict(self._http.get("/_sandbox/stats").json())
