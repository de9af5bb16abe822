"""The fields of split and classify that LlamaCloud offers: sent as written, refused where they cannot go together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacloud_sandbox.shapes import SplitConfiguration, SplitCreate
from receiver.cloud import order as orders
from receiver.cloud.refused_field import blamed
from receiver.core.errors import Misconfigured, SettingsRefused
from receiver.core.job import JobKind, JobRequest
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes
from tests.unit.config.config_files import SOUND, read, refusal

WHOLE = """\
split:
  categories: [{name: letter}]
  parse_tier: agentic
  target_pages: "5,1-3"
  version: "1.3.0"
  webhook_configuration_ids: [whc-3]
"""


def test_what_is_written_is_sent() -> None:
    config = read(WHOLE + SOUND)
    assert config.split_configuration() == {
        "categories": [{"name": "letter"}],
        "splitting_strategy": {"allow_uncategorized": "include"},
        "parse_tier": "agentic",
        "target_pages": "5,1-3",
        "version": "1.3.0",
    }
    SplitConfiguration.model_validate(config.split_configuration())
    assert read("split: {parse_config_id: cfg-9}\n" + SOUND).split_configuration()["parse_config_id"] == "cfg-9"


def test_a_split_preset_takes_the_place_of_categories_on_both_paths() -> None:
    config = read("split: {configuration_id: cfg-7, then: route, min_confidence: low}\n" + SOUND)
    assert config.split_configuration() == {"configuration_id": "cfg-7"}
    assert config.categories == ()
    assert "split.configuration_id" in [problem.where for problem in config.warnings]
    for beta in (False, True):
        asked = JobRequest(
            kind=JobKind.SPLIT,
            file_id="dfl-1",
            configuration=config.split_configuration(),
            transaction_id="t",
            beta=beta,
        )
        body = orders.job_body(asked)
        assert body["configuration_id"] == "cfg-7"
        assert "configuration" not in body


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "configuration_id: cfg-1, parse_tier: fast",
            "configuration_id replaces parse_tier: LlamaCloud takes one of the two",
        ),
        ("configuration_id: cfg-1, uncategorized: omit", "configuration_id replaces uncategorized"),
        ('configuration_id: cfg-1, version: "1", target_pages: "1"', "configuration_id replaces target_pages, version"),
        ("parse_tier: fast, parse_config_id: cfg-1", "parse_config_id wins over parse_tier at LlamaCloud"),
        ("path: beta, webhook_configuration_ids: [whc-1]", "LlamaCloud's beta path has no webhook_configuration_ids"),
        ('path: beta, target_pages: "1"', "LlamaCloud's beta path has no target_pages"),
        ("parse_tier: best", "must be 'fast', 'cost_effective', 'agentic' or 'agentic_plus'"),
        ('target_pages: "3-1"', "must count up from 1"),
        ('target_pages: "1,1"', "names page 1 twice"),
        ('target_pages: "9,4-6,1-4"', "names page 4 twice"),
        ("configuration_id: whc-1", "split.configuration_id"),
        ("webhook_configuration_ids: [cfg-1]", "split.webhook_configuration_ids"),
        ("webhook_configuration_ids: [whc-1, whc-1]", "'whc-1' is given twice"),
        ("webhook_configuration_ids: [whc-1, whc-2, whc-3, whc-4, whc-5]", "split.webhook_configuration_ids"),
    ],
)
def test_what_cannot_be_is_refused_with_the_vendors_rule(section: str, said: str) -> None:
    (line,) = refusal(SOUND + f"split: {{{section}}}\n")
    assert line.startswith("mailroom.yaml:13: ")
    assert said in line


def a(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


@given(
    tier=a(st.sampled_from(["fast", "agentic_plus"])),
    preset=a(st.just("cfg-1")),
    pages=a(st.sampled_from(["1", "2,1", "3-9"])),
    version=a(st.just("1.3.0")),
    saved=a(st.just("cfg-2")),
    beta=st.booleans(),
)
def test_whatever_the_file_accepts_the_stand_in_accepts(beta: bool, **given_: Any) -> None:
    names = {"tier": "parse_tier", "preset": "parse_config_id", "pages": "target_pages", "saved": "configuration_id"}
    keys = [f'{names.get(name, name)}: "{value}"' for name, value in given_.items() if value is not None]
    try:
        config = read(f"split: {{{', '.join([*keys, *(['path: beta'] if beta else [])])}}}\n" + SOUND)
    except Misconfigured:
        clash = given_["saved"] and len(keys) > 1
        assert clash or (given_["tier"] and given_["preset"]) or (beta and given_["pages"])
        return
    asked = JobRequest(
        kind=JobKind.SPLIT, file_id="dfl-1", configuration=config.split_configuration(), transaction_id="t"
    )
    body = SplitCreate.model_validate(orders.job_body(asked))
    assert (body.configuration is None) != (body.configuration_id is None)


@pytest.mark.parametrize(
    ("path", "places", "text", "place"),
    [
        (
            "/api/v1/split/jobs",
            [],
            "Parse configuration cfg-1 limits pages",
            "split.parse_config_id",
        ),
        ("/api/v1/split/jobs", ["body.configuration.parse_config_id"], "", "split.parse_config_id"),
        ("/api/v1/split/jobs", ["body.configuration.parse_tier"], "", "split.parse_tier"),
        ("/api/v2/classify", [], "Webhook configuration whc-1 not found", "classify.webhook_configuration_ids"),
        ("/api/v2/classify", ["body.webhook_configuration_ids"], "", "classify.webhook_configuration_ids"),
        ("/api/v1/split/jobs", [], "Split configuration cfg-1 not found", "split.configuration_id"),
    ],
)
def test_a_refusal_of_the_vendors_names_the_key(path: str, places: list[str], text: str, place: str) -> None:
    error = blamed(path, places, text, "(said)")
    assert isinstance(error, SettingsRefused)
    assert error.place == place


@pytest.mark.anyio
async def test_saved_webhooks_go_with_each_job_beside_ours(app: InMemoryApp) -> None:
    app.use(TABLE.replace("  rules:", "  webhook_configuration_ids: [whc-1]\n  rules:"))
    await app.submitted()
    (asked,) = app.cloud.orders
    body = orders.job_body(asked)
    assert body["webhook_configuration_ids"] == ["whc-1"]
    assert len(body["webhook_configurations"]) == 1


@pytest.mark.anyio
async def test_a_packet_that_is_a_file_waits_where_only_some_pages_are_wanted(app: InMemoryApp) -> None:
    app.use(TABLE + 'split: {target_pages: "1"}\n')
    packet = await app.submitted(content=packet_bytes(a_page("one"), a_page("two")), packet=True)
    assert packet.error == "split.target_pages needs a packet that is submitted as a parse job: LlamaCloud's rule"
    assert (app.cloud.uploads, app.cloud.orders) == ([], [])
