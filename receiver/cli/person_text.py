"""Texts of a person that are stored on a record: their length is limited, as in the operator's API."""

import click

from receiver.core.decision import WHO_LIMIT, WHY_LIMIT


class PersonText(click.ParamType[str]):
    """A text of at most this many characters."""

    name = "text"

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it was given."""
        if len(value) > self._limit:
            self.fail(f"a text of {len(value)} characters is too long: at most {self._limit}", param, ctx)
        return value


NAME = PersonText(WHO_LIMIT)
REASON = PersonText(WHY_LIMIT)
