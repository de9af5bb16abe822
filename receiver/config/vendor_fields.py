"""Values that the sections for LlamaCloud's jobs share, and which keys exclude each other.

Source: reference 1.2 (classify), 1.4 (split, and its beta path).
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from receiver.config.text import Wrong, each_page_once, named_once, page_list

Pages = Annotated[
    str, Field(pattern=r"^[0-9]{1,6}(-[0-9]{1,6})?(, ?[0-9]{1,6}(-[0-9]{1,6})?)*$"), AfterValidator(page_list)
]
PagesOnce = Annotated[Pages, AfterValidator(each_page_once)]
Preset = Annotated[str, Field(pattern="^cfg-[A-Za-z0-9_-]+$", max_length=200)]
SavedWebhooks = Annotated[
    tuple[Annotated[str, Field(pattern="^whc-[A-Za-z0-9_-]+$", max_length=200)], ...],
    Field(max_length=4),
    AfterValidator(named_once),
]
"""At most four: LlamaCloud's limit."""
PARSE_TIERS = Literal["fast", "cost_effective", "agentic", "agentic_plus"]
HOW_TO_SPLIT = frozenset(
    {
        "categories", "uncategorized", "custom_instructions", "min_pages_per_split", "parse_tier", "parse_config_id",
        "target_pages", "version",
    }
)  # fmt: skip
"""Keys that a split preset replaces."""
NOT_ON_BETA = frozenset({"webhook_configuration_ids", "target_pages"})
"""The beta path sends no webhooks, and takes files only, while target_pages needs a parse job."""


def refuse_beside_preset(keys: frozenset[str] | set[str]) -> None:
    """Raises Wrong for keys that a preset replaces."""
    if keys:
        names = ", ".join(sorted(keys))
        raise Wrong(
            f"configuration_id replaces {names}: LlamaCloud takes one of the two", "remove the preset or the others"
        )
