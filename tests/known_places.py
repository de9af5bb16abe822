"""What the real destinations say of targets, for tests that plan and deliver nothing."""

from handlers.destinations.registry import destinations
from receiver.core.plan import Taken, Target
from receiver.destination_traits import taken_by


class KnownPlaces:
    """The facts that a plan needs of its targets."""

    def __init__(self, **environ: str) -> None:
        self._destinations = destinations(environ=environ)

    def holds(self, target: Target) -> bool:
        return self._destinations[target.scheme].holds_bytes

    def taken(self, target: Target, url: str) -> Taken:
        return taken_by(self._destinations[target.scheme], target, url)
