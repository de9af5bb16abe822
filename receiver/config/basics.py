"""The base of the sections of mailroom.yaml, and types of their values."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from receiver.config.text import Wrong, between, patterns, readable

Confidence = Annotated[float, AfterValidator(between(0, 1)), Field(json_schema_extra={"minimum": 0, "maximum": 1})]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Text = Annotated[str, Field(min_length=1), AfterValidator(readable)]


def as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str | int | float) else value


def form(value: Any) -> str:
    return "(text)" if isinstance(value, str) else "(spelt out)"


def in_order(what: str, low: int | None, high: int | None) -> None:
    if low is not None and high is not None and low > high:
        raise Wrong(f"min_{what} {low} is above max_{what} {high}", "swap the two")


Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(as_list),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
"""One text, or a list of them."""
Patterns = Annotated[Texts, AfterValidator(patterns)]


class Section(BaseModel):
    """A section without unknown keys, whose values are not converted to other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
