"""Is mailroom.yaml sound, as far as can be told without asking anybody? The same at start, in ``routes check``, and
before a deployment.
"""

from collections.abc import Mapping, Sequence

from receiver.config import Config
from receiver.core.plan import Taken, Target
from receiver.core.problem import Problem
from receiver.ports import Destination, TakesNames


def examine(
    config: Config, destinations: Mapping[str, Destination], *, adopted: bool, sources: Sequence[str] = ()
) -> list[Problem]:
    """What is wrong with it; each destination (by URL scheme) judges its own targets.

    ``adopted`` says that jobs from elsewhere come in too, ``sources`` where mail is taken from.
    """

    def faults(target: Target) -> list[str]:
        return destinations[target.scheme].faults(target)

    def names(target: Target, url: str) -> Taken:
        destination = destinations[target.scheme]
        return destination.taken(url) if isinstance(destination, TakesNames) else Taken(place=url)

    return config.check(schemes=destinations, faults=faults, adopted=adopted, sources=sources, names=names)
