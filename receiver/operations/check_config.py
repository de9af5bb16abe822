"""Checks mailroom.yaml without making requests: at start, in ``routes check``, and before a deployment."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from receiver.config import Config
from receiver.core.check import ways
from receiver.core.loops import feeds
from receiver.core.places import Names
from receiver.core.plan import Taken, Target
from receiver.core.problem import Problem, an_error
from receiver.destination_traits import Doubts, KeepsRecords, taken_by
from receiver.ports import Destination

NOTHING: Mapping[str, str] = MappingProxyType({})


def check_config(
    config: Config,
    destinations: Mapping[str, Destination],
    *,
    adopted: bool,
    sources: Sequence[str] = (),
    own: Mapping[str, str] = NOTHING,
) -> list[Problem]:
    """The problems of this configuration; each destination (by URL scheme) checks its own targets.

    ``adopted``: jobs that were created elsewhere are ingested, too. ``sources``: the places that mail comes from.
    ``own``: the places that Mailroom uses itself, as a URL for each variable that names one.
    """

    def faults(target: Target) -> list[str]:
        return destinations[target.scheme].faults(target)

    def names(target: Target, url: str) -> Taken:
        return taken_by(destinations[target.scheme], target, url)

    def doubts(target: Target) -> list[str]:
        destination = destinations[target.scheme]
        return destination.doubts(target) if isinstance(destination, Doubts) else []

    found = config.check(schemes=destinations, faults=faults, adopted=adopted, sources=sources, names=names)
    wrong = {problem.where for problem in found if problem.severity == "error"}
    archive = _archive(config, destinations, [*sources, *(url.removeprefix("folder://") for url in own.values())])
    return [*found, *archive, *_on_our_own(config, names, own, wrong), *_odd(config, doubts, wrong)]


def _archive(config: Config, destinations: Mapping[str, Destination], taken: Sequence[str]) -> Iterator[Problem]:
    """The problems of the archive; ``taken`` are places whose files are ingested or removed."""
    if (target := config.archive) is None:
        return
    keeper: object = destinations.get(target.scheme)
    if not isinstance(keeper, KeepsRecords):
        able = sorted(scheme for scheme, item in destinations.items() if isinstance(item, KeepsRecords))
        fix = f"use one of {', '.join(f'{scheme}://' for scheme in able)}"
        yield an_error("retention.archive", f"{target.url} cannot keep records", fix)
    elif "{" in target.url or not target.url.endswith("/"):
        fix = "write a folder, such as s3://bucket/records/; the names in it are Mailroom's"
        yield an_error("retention.archive", f"{target.url} has fields, or does not end in a slash", fix)
    elif inside := feeds([item for item in taken if item.startswith(("/", ".", "s3://"))], target.url):
        yield an_error("retention.archive", f"{target.url} is inside {inside}", "choose another place")
    else:
        for fault in destinations[target.scheme].faults(target):
            yield an_error("retention.archive", f"{target.url}: {fault}", "")


def _odd(config: Config, doubts: Callable[[Target], list[str]], wrong: Collection[str]) -> Iterator[Problem]:
    """Targets that are valid but probably a mistake; those in ``wrong`` are left out."""
    for where, name, targets in ways(config.table):
        for at, target in enumerate(targets):
            here = f"{where}.to[{at}]"
            for doubt in () if here in wrong else doubts(target):
                yield Problem(severity="warning", where=here, message=f"{target.url}: {doubt}", route=name)


def unlike(shadow: Config, config: Config) -> list[Problem]:
    """Where a shadow table's file has other rules than the real one, which alone LlamaCloud gets."""
    reason = "differs from the real one, which LlamaCloud uses: the shadow table cannot show the effect of other rules"
    differ = [name for name in ("classify", "split") if getattr(shadow, name) != getattr(config, name)]
    fix = "test rules on separate documents; the shadow table only compares routes"
    return [Problem(severity="warning", where=name, message=reason, fix=fix) for name in differ]


def _on_our_own(config: Config, names: Names, own: Mapping[str, str], wrong: Collection[str]) -> Iterator[Problem]:
    """Targets in, or inside of, places that are not for documents; those in ``wrong`` are left out."""
    for where, name, targets in ways(config.table):
        for at, target in enumerate(targets):
            if f"{where}.to[{at}]" in wrong:
                continue
            if variable := next((item for item, url in own.items() if _meets(target, url, names)), ""):
                message = f"{target.url} is used by Mailroom itself ({variable})"
                yield an_error(f"{where}.to[{at}]", message, "choose another destination", name)


def _meets(target: Target, url: str, names: Names) -> bool:
    if target.scheme != url.partition(":")[0] or names(target, target.url).endpoint:
        return False
    if target.scheme in ("s3", "folder"):
        return bool(feeds([url.removeprefix("folder://")], target.url))
    ours, theirs = names(target, url), names(target, target.url)
    return ours.place == theirs.place or ours.place in theirs.perhaps or theirs.place in ours.perhaps
