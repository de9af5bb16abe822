"""The sections of ``mailroom.yaml`` for jobs at LlamaCloud: ``classify`` and ``split``.

LlamaCloud's limits are from reference 1.2, 1.4 and 6.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from receiver.config.basics import Count, Section, form, in_order
from receiver.config.text import Wrong, readable, rule_type
from receiver.config.vendor_fields import (
    HOW_TO_SPLIT,
    NOT_ON_BETA,
    PARSE_TIERS,
    Pages,
    PagesOnce,
    Preset,
    SavedWebhooks,
    refuse_beside_preset,
)


class RuleSection(Section):
    type: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(rule_type)] = Field(
        description="the document type; letters, digits, space, - and _"
    )
    description: Annotated[str, Field(min_length=10, max_length=2000), AfterValidator(readable)] = Field(
        description="what such a document looks like, in plain words; up to 500 characters are always accepted",
        examples=["has an invoice number, line items and a total amount due"],
    )


class ParsingSection(Section):
    lang: Annotated[str, Field(pattern=r"^[a-z]{2,3}([_-][A-Za-z]{2,8})?$")] | None = Field(
        default=None, description="language of the documents, ISO 639-1; LlamaCloud's default is en", examples=["en"]
    )
    max_pages: Count | None = Field(default=None, description="read only this many pages from the start")
    target_pages: Pages | None = Field(
        default=None,
        description='read only these pages, counted from 1: "1,3,5-7"; not together with max_pages',
        examples=["1,3,5-7"],
    )

    @model_validator(mode="after")
    def _one_limit(self) -> "ParsingSection":
        if self.max_pages is not None and self.target_pages is not None:
            raise Wrong("max_pages and target_pages are mutually exclusive", "remove one of them")
        return self


class ClassifySection(Section):
    rules: Annotated[tuple[RuleSection, ...], Field(min_length=1)] | None = Field(
        default=None, description="the types LlamaCloud chooses from"
    )
    parsing: ParsingSection = Field(default_factory=ParsingSection, description="how much of a document is read")
    mode: Literal["FAST"] = Field(default="FAST", description="LlamaCloud's only mode")
    configuration_id: Preset | None = Field(
        default=None,
        description="a preset saved at LlamaCloud, instead of all other keys except webhook_configuration_ids",
        examples=["cfg-1234"],
    )
    webhook_configuration_ids: SavedWebhooks = Field(
        default=(),
        description="up to 4 webhooks saved at LlamaCloud that also get each job's events, besides Mailroom's own",
        examples=[["whc-1234"]],
    )

    @model_validator(mode="after")
    def _rules_or_preset(self) -> "ClassifySection":
        if self.rules is None and self.configuration_id is None:
            raise Wrong("has no rules", 'add "rules: [{type: invoice, description: has a number and a total}]"')
        if self.configuration_id is not None:
            replaced = self.model_fields_set - {"configuration_id", "webhook_configuration_ids"}
            refuse_beside_preset(replaced)
        return self


class CategorySection(Section):
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(readable)] = Field(examples=["letter"])
    description: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(readable)] | None = None


class GuardsSection(Section):
    min_pages: Count | None = Field(default=None, description="minimum pages of a piece")
    max_pages: Count | None = Field(default=None, description="maximum pages of a piece")
    max_pieces: Count | None = Field(default=1000, description="maximum pieces of a packet")
    max_packet_pages: Count | None = Field(
        default=2000, description="maximum pages of a packet; a longer one waits in review at no cost"
    )
    blank_pages: Literal["attach", "drop"] = Field(
        default="attach", description="blank pages join the piece before them, or are dropped into a piece `blank`"
    )
    merge_neighbours: bool = Field(default=False, description="merge adjacent pieces of the same category")

    @model_validator(mode="after")
    def _in_order(self) -> "GuardsSection":
        in_order("pages", self.min_pages, self.max_pages)
        return self


class SplitSection(Section):
    categories: Annotated[
        Annotated[Literal["from-rules"], Tag("(text)")]
        | Annotated[tuple[CategorySection, ...], Field(min_length=1), Tag("(spelt out)")],
        Discriminator(form),
    ] = Field(default="from-rules", description="categories of pieces: the classify rules, or a separate list")
    uncategorized: Literal["include", "forbid", "omit"] = Field(
        default="include", description="pages that match no category: a separate piece, not allowed, or left out"
    )
    then: Literal["classify", "route"] = Field(
        default="classify", description="classify each piece, or route it by its category"
    )
    custom_instructions: Annotated[str, Field(min_length=1, max_length=5000), AfterValidator(readable)] | None = None
    min_pages_per_split: Count | None = Field(
        default=None, description="LlamaCloud merges shorter pieces into a neighbour"
    )
    configuration_id: Preset | None = Field(
        default=None,
        description="a preset saved at LlamaCloud, instead of all keys that say how to split",
        examples=["cfg-1234"],
    )
    parse_tier: PARSE_TIERS | None = Field(
        default=None, description="how LlamaCloud parses a packet; LlamaCloud's default is fast"
    )
    parse_config_id: Preset | None = Field(
        default=None,
        description="a parse preset saved at LlamaCloud, instead of parse_tier; it must not limit pages",
        examples=["cfg-1234"],
    )
    target_pages: PagesOnce | None = Field(
        default=None,
        description='split only these pages, counted from 1, in this order: "1,3,5-7"; only for packets that are '
        "submitted as a parse job",
        examples=["1,3,5-7"],
    )
    version: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(readable)] | None = Field(
        default=None, description="the release of split to use; without it LlamaCloud's current one"
    )
    webhook_configuration_ids: SavedWebhooks = Field(
        default=(),
        description="up to 4 webhooks saved at LlamaCloud that also get each job's events, besides Mailroom's own",
        examples=[["whc-1234"]],
    )
    path: Literal["current", "beta", "auto"] = Field(
        default="auto",
        description="LlamaCloud's split API: the current one (webhooks), the beta one (asked by the sweep)",
    )
    guards: GuardsSection = Field(
        default_factory=GuardsSection, description="limits; a packet that exceeds one waits in review"
    )
    min_confidence: Literal["high", "medium", "low"] = Field(
        default="medium", description="a piece whose category is less certain waits in review"
    )

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "SplitSection":
        if self.configuration_id is not None:
            refuse_beside_preset(self.model_fields_set & HOW_TO_SPLIT)
        if self.parse_tier is not None and self.parse_config_id is not None:
            raise Wrong("parse_config_id wins over parse_tier at LlamaCloud", "remove one of them")
        if self.path == "beta" and (missing := self.model_fields_set & NOT_ON_BETA):
            keys = ", ".join(sorted(missing))
            raise Wrong(f"LlamaCloud's beta path has no {keys}", 'remove it, or write "path: current"')
        return self
