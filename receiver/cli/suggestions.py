"""Suggestions for misspelt words: a wrong word is an error that names the probable one, not an empty result.

click suggests options by itself, but not commands, choices and types.
"""

import os
from collections.abc import Collection

import click

from receiver.config import load
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import Misconfigured
from receiver.core.problem import near
from receiver.pipeline.records import find_records
from receiver.ports import Store
from receiver.read_settings import from_environ
from receiver.secrets import RevealedEnviron


class ClosestChoice(click.Choice[str]):
    """A choice whose error suggests the nearest of its words."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        return super().get_invalid_choice_message(value, ctx) + did_you_mean(str(value), [*map(str, self.choices)])


def did_you_mean(word: str, words: Collection[str]) -> str:
    """The end of an error about this word: a suggestion of the nearest of these words, or nothing."""
    meant = near(word, words)
    return f" Did you mean {meant!r}?" if meant else ""


async def refuse_unknown_type(found_type: str | None, store: Store) -> None:
    """Raises click's BadParameter for a type that no document has and neither rules nor rows name."""
    if not found_type or await find_records(store, Document, Query(by="type", key=found_type), limit=1):
        return
    known = types_of_the_table()
    if found_type not in known:
        meant = did_you_mean(found_type, known) or (f" Known: {', '.join(sorted(known))}." if known else "")
        message = f"no document has the type {found_type!r}, and mailroom.yaml does not name it.{meant}"
        raise click.BadParameter(message, param_hint="'--type'")


def types_of_the_table() -> frozenset[str]:
    """The types of the rules and rows in MAILROOM_CONFIG; none without a valid file, which listings do not need."""
    try:
        config = load(from_environ().config, RevealedEnviron(os.environ))
    except Misconfigured:
        return frozenset()
    return frozenset((*config.table.types, *(config.types or ())))
