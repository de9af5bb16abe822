"""``when`` in mailroom.yaml: the conditions of a row besides the type. core/when.py evaluates them."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from receiver.config.basics import Count, Patterns, Section, Text, in_order
from receiver.config.text import Wrong, media_types, one_line, size, sources

Sources = Annotated[Patterns, AfterValidator(sources)]
OneLine = Annotated[Patterns, AfterValidator(one_line)]
MediaTypes = Annotated[Patterns, AfterValidator(media_types)]
Size = Annotated[
    int,
    BeforeValidator(size),
    Field(ge=1),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "examples": ["5 MB"]}]}),
]
DEEPEST = 5
"""Maximum nesting of `any` and `not`."""


def _sections(value: Any) -> str:
    return "(section)" if isinstance(value, dict) else "(listed)"


class WhenSection(Section):
    """Conditions besides the type; all must hold. In patterns `*` stands for any characters and `?` for one."""

    source: Sources | None = Field(default=None, description="folder, upload, s3, email, piece or adopted")
    sender: OneLine | None = Field(default=None, description="the sender")
    recipient: OneLine | None = Field(
        default=None, description="an address in To or Cc of its e-mail; one match is enough"
    )
    name: Patterns | None = Field(default=None, description="file name: `*scan*.pdf`")
    subject: OneLine | None = Field(default=None, description="subject of its e-mail")
    media_type: MediaTypes | None = Field(default=None, description="application/pdf, image/*")
    parent_category: OneLine | None = Field(default=None, description="the category of the piece in its packet")
    metadata: Annotated[dict[Text, Patterns], Field(min_length=1)] | None = Field(
        default=None, description="key: pattern, or a list of them; a missing key matches none"
    )
    min_pages: Count | None = Field(default=None, description="minimum pages")
    max_pages: Count | None = Field(default=None, description="maximum pages")
    min_size: Size | None = Field(default=None, description="minimum bytes: 20000, 5 MB")
    max_size: Size | None = Field(default=None, description="maximum bytes")
    duplicate: bool | None = Field(default=None, description="whether an earlier document has the same bytes")
    any_of: "Conditions | None" = Field(default=None, alias="any", description="conditions; at least one must hold")
    none_of: "Excluded | None" = Field(
        default=None, alias="not", description="conditions that must not hold; in a list, none may"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        """Refuses a key without a value: it would be no condition, and the row would match everything."""
        if value is None:
            raise Wrong("is empty", "write a condition, or leave it out")
        return value

    @model_validator(mode="after")
    def _sound(self) -> "WhenSection":
        in_order("pages", self.min_pages, self.max_pages)
        in_order("size", self.min_size, self.max_size)
        if self.depth > DEEPEST:
            raise Wrong(f"nests any and not more than {DEEPEST} deep", "write separate rows")
        return self

    @property
    def excluded(self) -> tuple["WhenSection", ...]:
        """The conditions of ``not``, as a list."""
        return (self.none_of,) if isinstance(self.none_of, WhenSection) else self.none_of or ()

    @property
    def depth(self) -> int:
        """How deep ``any`` and ``not`` are nested."""
        return max((1 + item.depth for item in (*(self.any_of or ()), *self.excluded)), default=0)


def _says_something(section: WhenSection) -> WhenSection:
    if not section.model_fields_set:
        raise Wrong("has no condition", "write a condition, or leave it out")
    return section


Condition = Annotated[WhenSection, AfterValidator(_says_something)]
Conditions = Annotated[tuple[Condition, ...], Field(min_length=1)]
Excluded = Annotated[
    Annotated[Condition, Tag("(section)")] | Annotated[Conditions, Tag("(listed)")], Discriminator(_sections)
]
WhenSection.model_rebuild()
