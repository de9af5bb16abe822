"""Numbers on the command line. The errors of click's types say integer and float, and they accept ``nan``."""

import re

import click


class Number(click.ParamType[float]):
    """A plain decimal number within these bounds."""

    name = "number"

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. A default is a number already."""
        text = str(value)
        if re.fullmatch(r"\d+(\.\d*)?", text, re.ASCII) and self._least <= float(text) <= self._most:
            return float(text)
        return self.fail(f"{text!r} is not a number from {self._least:,.15g} to {self._most:,.15g}", param, ctx)


class WholeNumber(click.ParamType[int]):
    """A whole number within these bounds."""

    name = "number"

    def __init__(self, least: int = 1, most: int = 1_000_000) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        text = str(value)
        if re.fullmatch(r"\d{1,10}", text, re.ASCII) and self._least <= int(text) <= self._most:
            return int(text)
        return self.fail(f"{text!r} is not a whole number from {self._least:,} to {self._most:,}", param, ctx)
