"""Decides whether conditions cover every document, by going through every kind of document that they can distinguish.

A kind (a "world") says of each pattern whether it matches, and gives each number a value from every range between the
bounds. Impossible worlds are left out as far as that is easy to see, for instance by what each way in can bring
(core/possible_facts.py). Some impossible ones stay in, so ``covered`` may miss that something is covered, but never
claims it wrongly.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from receiver.core.pattern import literal, matcher, pattern_covers
from receiver.core.possible_facts import kinds_told_apart
from receiver.core.when import TEXTS, Attributes, Judge, Test, When

WORLDS = 1000
"""Maximum worlds to go through; conditions that distinguish more are left undecided."""
MANY = frozenset({"recipient"})
"""Attributes of which a document may have several values."""


def covered(wholes: Sequence[When], given: When, *, sure: bool = True) -> bool | None:
    """Whether every document that meets ``given`` meets one of ``wholes``; None when that is too much to go through.

    ``sure`` counts on what holds of every document only, and not on what usually does.
    """
    judges, judge = [_judge(item) for item in wholes], _judge(given)
    worlds = _worlds(_choices(wholes, given), judge, by_pages=_asks_for_pages(given), sure=sure)
    for world in islice(worlds, WORLDS):
        if judge.truth(world) and not any(item.truth(world) for item in judges):
            return False
    return True if next(worlds, None) is None else None


def impossible(when: When, *, sure: bool = True) -> bool:
    """Whether surely no document meets the conditions; without ``sure``, whether usually none does."""
    return covered((), when, sure=sure) is True


def _asks_for_pages(when: When) -> bool:
    return any(of == "pages" for item in _all([when]) for of, _ in _bounds(item))


def _judge(when: When) -> Judge:
    return Judge(when, fits=_supposed)


def _supposed(patterns: tuple[str, ...]) -> Test:
    """The test of a supposed value (the patterns that fit it); of ``source``, whose values are known, of the value."""
    real = matcher(patterns)
    return lambda value: real(value) if isinstance(value, str) else not value.isdisjoint(patterns)


def _worlds(
    choices: Mapping[str, Callable[[], Iterable[Any]]], given: Judge, *, by_pages: bool, sure: bool
) -> Iterator[Attributes]:
    """The worlds of each kind of document that can meet what is given."""
    for facts in kinds_told_apart(choices, by_pages=by_pages, sure=sure):
        if not given.rules_out(facts):
            yield from _combined({of: values for of, values in choices.items() if of not in facts}, facts)


def _combined(choices: Mapping[str, Callable[[], Iterable[Any]]], facts: Mapping[str, Any]) -> Iterator[Attributes]:
    """Every combination of the values, lazily: usually an early one decides."""
    if not choices:
        yield Attributes(facts)
        return
    (of, values), *others = choices.items()
    for value in values():
        for world in _combined(dict(others), facts):
            world[of] = value
            yield world


def _choices(wholes: Sequence[When], given: When) -> dict[str, Callable[[], Iterable[Any]]]:
    """Attribute -> the values that it may have, as far as the conditions tell them apart."""
    wanted: dict[str, dict[str, None]] = {}
    patterns: dict[str, dict[str, None]] = {}
    bounds: dict[str, set[int]] = {}
    for of, listed in (pair for item in _all([given]) for pair in _patterns(item)):
        wanted.setdefault(of, {}).update(dict.fromkeys(listed))
    for item in _all([given, *wholes]):
        for of, listed in _patterns(item):
            patterns.setdefault(of, {}).update(dict.fromkeys(listed))
        for of, bound in _bounds(item):
            bounds.setdefault(of, set()).add(bound)
    found: dict[str, Callable[[], Iterable[Any]]] = {
        of: partial(_supposable, of, tuple(listed), frozenset(wanted.get(of, ()))) for of, listed in patterns.items()
    }
    for of, edges in bounds.items():
        found[of] = partial(iter, sorted({max(1, at + by) for at in edges for by in (-1, 0, 1)}))
    if any(item.duplicate is not None for item in _all([given, *wholes])):
        found["duplicate"] = partial(iter, (True, False))
    return found


def _all(conditions: Sequence[When]) -> Iterator[When]:
    for item in conditions:
        yield item
        yield from _all((*item.any_of, *item.none_of))


def _patterns(when: When) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((of, getattr(when, of)) for of in TEXTS if getattr(when, of))
    yield from ((f"metadata.{key}", listed) for key, listed in when.metadata.items())


def _bounds(when: When) -> Iterator[tuple[str, int]]:
    for of, *edges in (("pages", when.min_pages, when.max_pages), ("size", when.min_size, when.max_size)):
        yield from ((str(of), int(edge)) for edge in edges if edge is not None)


def _supposable(of: str, patterns: tuple[str, ...], wanted: frozenset[str]) -> Iterator[Any]:
    """The sets of these patterns that can fit one document; first those with what is ``wanted``, and little else."""
    one_text = of not in MANY
    wider = {item: frozenset(other for other in patterns if pattern_covers(other, item)) for item in patterns}
    texts = {item: text for item in patterns if one_text and (text := literal(item)) is not None}
    always = frozenset({"*"} & set(patterns)) if one_text and of in TEXTS else frozenset()
    yield from _sets(sorted(patterns, key=lambda item: item not in wanted), always, frozenset(), wanted, wider, texts)


def _sets(
    left: Sequence[str],
    fits: frozenset[str],
    fails: frozenset[str],
    wanted: frozenset[str],
    wider: Mapping[str, frozenset[str]],
    texts: Mapping[str, str],
) -> Iterator[frozenset[str]]:
    """Every choice of those that are ``left`` that can be, beside those that ``fits`` and ``fails`` have already."""
    if not left:
        yield fits
        return
    item, rest = left[0], left[1:]
    with_it = fits | wider[item]
    possible = not wider[item] & fails and len({texts[each] for each in with_it if each in texts}) <= 1
    choices = {True: possible, False: item not in fits}
    for held in (True, False) if item in wanted else (False, True):
        if choices[held]:
            yield from _sets(rest, with_it if held else fits, fails if held else fails | {item}, wanted, wider, texts)
