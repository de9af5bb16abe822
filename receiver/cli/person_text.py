"""Texts of a person that are stored on a record, with the limits of the operator's API. A name must not be empty."""

import click

from receiver.core.decision import WHO_LIMIT, WHY_LIMIT


class PersonText(click.ParamType[str]):
    """A text of at most this many characters."""

    name = "text"

    def __init__(self, limit: int, *, is_needed: bool = False) -> None:
        self._limit = limit
        self._is_needed = is_needed

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it was given."""
        if len(value) > self._limit:
            self.fail(f"a text of {len(value)} characters is too long: at most {self._limit}", param, ctx)
        if self._is_needed and not value.strip():
            self.fail("it is empty: give a name, or leave the option out", param, ctx)
        return value


NAME = PersonText(WHO_LIMIT, is_needed=True)
REASON = PersonText(WHY_LIMIT)
