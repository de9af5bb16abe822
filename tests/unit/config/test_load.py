"""What a sound mailroom.yaml becomes."""

import subprocess
import sys
from pathlib import Path

import pytest

from receiver.config import Category, Config, Guards, Retention, load, retention_in
from receiver.core.alert_rule import AlertRule
from receiver.core.errors import Misconfigured
from receiver.core.plan import Target
from receiver.core.route import Fallback
from receiver.core.when import When
from tests.unit.config.config_files import SOUND, read, refusal, spoilt


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.yaml"
    path.write_text(SOUND)
    config = load(path, {})
    assert config == load(str(path), {})
    assert config.path == path
    assert [(route.name, route.types, route.min_confidence) for route in config.table.routes] == [
        ("invoice", ("invoice",), 0.8),
        ("contract", ("contract",), 0.0),
    ]
    assert config.table.no_match == Fallback(to=(Target(url="s3://mail/unsorted/"),), review=True)
    assert config.table.low_confidence == Fallback(review=True)
    assert config.table.packet is None
    assert config.types == ("invoice", "contract")


def test_what_is_left_out_has_its_default() -> None:
    config = read()
    assert config.deadline_seconds == 600
    assert config.retention == Retention(events_days=30, tasks_days=30, content_days=30)
    assert config.alerts == ()
    assert config.warnings == ()
    assert (config.split.then, config.split.path, config.split.min_confidence) == ("classify", "auto", "medium")
    assert config.split.guards == Guards(
        max_pieces=1000, max_packet_pages=2000, blank_pages="attach", merge_neighbours=False
    )


@pytest.mark.parametrize(("pages", "minutes"), [(None, 60), (1, 60), (6, 60), (7, 65), (100, 530), (2000, 10030)])
def test_a_job_about_many_pages_is_stuck_later(pages: int | None, minutes: int) -> None:
    assert read().stuck_after(pages) == minutes * 60
    assert read(SOUND + "stuck_after: 20 minutes\n").stuck_after(pages) == 20 * 60  # what is written counts


def test_retention_can_be_read_though_the_rest_names_variables_that_are_not_set(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.yaml"
    path.write_text(SOUND.replace("s3://mail", "s3://env:MAIL_BUCKET") + "retention: {events_days: 365}\n")
    assert retention_in(path) == Retention(events_days=365)
    path.write_text("retention: {documents_days: 365, archive: 's3://env:NOT_SET/records/'}\n", encoding="utf-8")
    assert retention_in(path) == Retention(documents_days=365)
    path.write_text(SOUND)
    assert retention_in(path) == Retention()
    path.write_text(SOUND + "retention: {events_days: soon}\n")
    with pytest.raises(Misconfigured, match=r"retention\.events_days: must be a number"):
        retention_in(path)


def test_the_classify_configuration_is_the_vendors_object() -> None:
    text = SOUND.replace("routes:", "  parsing: {lang: de, max_pages: 5}\nroutes:")
    assert read(text).classify_configuration() == {
        "rules": [
            {"type": "invoice", "description": "has a number and a total amount"},
            {"type": "contract", "description": "an agreement with signatures"},
        ],
        "mode": "FAST",
        "parsing_configuration": {"lang": "de", "max_pages": 5},
    }


def test_without_parsing_nothing_is_said_about_it() -> None:
    assert read().classify_configuration()["parsing_configuration"] == {}


def a_preset() -> str:
    return "classify: {configuration_id: cfg-1}\n" + SOUND[SOUND.index("routes:") :]


def test_a_preset_takes_the_place_of_rules() -> None:
    config = read(a_preset())
    assert config.classify_configuration() == {"configuration_id": "cfg-1"}
    assert config.types is None
    assert [problem.where for problem in config.warnings] == ["classify.configuration_id"]


def test_a_preset_leaves_packets_without_categories() -> None:
    with pytest.raises(Misconfigured, match=r"split\.categories must be a list"):
        read(a_preset()).split_configuration()
    assert refusal(a_preset() + "split: {then: route}\n") == [
        "mailroom.yaml:10: split: needs its own categories, because classify.configuration_id hides the rules; "
        "list them"
    ]


def test_split_categories_come_from_the_rules() -> None:
    assert read().split_configuration() == {
        "categories": [
            {"name": "invoice", "description": "has a number and a total amount"},
            {"name": "contract", "description": "an agreement with signatures"},
        ],
        "splitting_strategy": {"allow_uncategorized": "include"},
    }


def test_split_may_have_categories_of_its_own() -> None:
    section = """\
split:
  categories: [{name: essay}, {name: research_paper, description: with an abstract}]
  uncategorized: omit
  then: route
  custom_instructions: A cover sheet begins a new one.
  min_pages_per_split: 2
  path: beta
  min_confidence: high
  guards: {min_pages: 1, max_pages: 9, max_pieces: 50, max_packet_pages: 99, blank_pages: drop, merge_neighbours: true}
"""
    config = read(section + SOUND)
    assert config.categories == (
        Category(name="essay"),
        Category(name="research_paper", description="with an abstract"),
    )
    assert config.split_configuration() == {
        "categories": [{"name": "essay"}, {"name": "research_paper", "description": "with an abstract"}],
        "splitting_strategy": {
            "allow_uncategorized": "omit",
            "custom_instructions": "A cover sheet begins a new one.",
            "min_pages_per_split": 2,
        },
    }
    assert (config.split.then, config.split.path, config.split.min_confidence) == ("route", "beta", "high")
    assert config.split.guards == Guards(
        min_pages=1, max_pages=9, max_pieces=50, max_packet_pages=99, blank_pages="drop", merge_neighbours=True
    )


def test_a_row_may_have_several_types_conditions_and_options() -> None:
    text = spoilt(
        "  - {type: contract, to: s3://mail/contracts/}",
        """\
  - type: [contract, invoice]
    when: {source: email, sender: ["*@acme.example", bob], name: "*.pdf",
           parent_category: x, min_pages: 2, max_pages: 9}
    to:
      - sqs://work
      - {to: s3://mail/contracts/, storage_class: GLACIER, tagged: true, part: 5}
    review: true""",
    )
    route = read(text).table.routes[1]
    assert route.name == "contract+invoice"
    assert route.when == When(
        source=("email",),
        sender=("*@acme.example", "bob"),
        name=("*.pdf",),
        parent_category=("x",),
        min_pages=2,
        max_pages=9,
    )
    options = {"storage_class": "GLACIER", "tagged": "true", "part": "5"}
    assert route.to == (Target(url="sqs://work"), Target(url="s3://mail/contracts/", options=options))
    assert route.review


def test_a_row_and_a_packet_may_have_their_own_place() -> None:
    config = read(spoilt("- type: invoice", "- name: bills\n    type: invoice") + "packet: {to: s3://mail/packets/}\n")
    assert config.table.routes[0].name == "bills"
    assert config.table.packet == Fallback(to=(Target(url="s3://mail/packets/"),))


def test_alerts_become_rules() -> None:
    section = """\
alerts:
  - {on: [job.failed, task.*], to: "sns:arn:aws:sns:eu-west-1:1:mail", at_most: 1 per 5 minutes}
  - {on: "*", to: log}
  - {on: job.failed, to: log, at_most: 1 per hour}
"""
    assert read(SOUND + section).alerts == (
        AlertRule(
            kinds=("job.failed", "task.*"),
            to="sns:arn:aws:sns:eu-west-1:1:mail",
            channel="sns:arn:aws:sns:eu-west-1:1:mail",
            window_seconds=300,
        ),
        AlertRule(kinds=("*",), to="log", channel="log", window_seconds=600),
        AlertRule(kinds=("job.failed",), to="log", channel="log", window_seconds=3600),
    )


@pytest.mark.parametrize(
    ("written", "environ", "url"),
    [
        ("env:PLACE", {"PLACE": "s3://secret-bucket/x/"}, "s3://secret-bucket/x/"),
        ("s3://env:BUCKET/invoices/", {"BUCKET": "mail-prod"}, "s3://mail-prod/invoices/"),
        ("sqs://env:QUEUE", {"QUEUE": "invoices.fifo"}, "sqs://invoices.fifo"),
        ("s3://mail/env:STAGE/x/", {"STAGE": "prod"}, "s3://mail/prod/x/"),
        ("https://mail.example/hook?stage=env:STAGE", {"STAGE": "prod"}, "https://mail.example/hook?stage=prod"),
    ],
)
def test_a_destination_may_stand_in_the_environment(written: str, environ: dict[str, str], url: str) -> None:
    config = read(spoilt("[s3://mail/invoices/]", f'["{written}"]'), environ)
    assert config.table.routes[0].to == (Target(url=url),)


@pytest.mark.parametrize(
    "written", ["s3://mail/my-env:X/", "s3://mail/env:X-{type}/", "s3://mail/env:{X}/", "sqs://env:$X"]
)
def test_a_variable_in_the_middle_of_a_part_is_not_taken_literally(written: str) -> None:
    (said,) = refusal(spoilt("[s3://mail/invoices/]", f'["{written}"]'), {"X": "there"})
    assert "taken literally; put it between slashes" in said


def test_a_channel_from_the_environment_is_used_and_not_shown() -> None:
    text = SOUND + 'alerts: [{on: job.failed, to: "slack:env:SLACK_URL"}]\n'
    config = read(text, {"SLACK_URL": "https://hooks.example/secret"})
    assert config.alerts[0].channel == "slack:https://hooks.example/secret"
    assert config.alerts[0].to == "slack:env:SLACK_URL"
    assert "secret" not in repr(config)


def test_an_option_from_the_environment_stays_a_name_because_plans_are_kept() -> None:
    text = spoilt("[s3://mail/invoices/]", "[{to: https://erp.example/in, secret: env:ERP_SECRET}]")
    target = read(text, {"ERP_SECRET": "s3cret"}).table.routes[0].to[0]
    assert target.options == {"secret": "env:ERP_SECRET"}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90 seconds", 90), ("10 minutes", 600), ("1 hour", 3600), ("1.5 hours", 5400), ("2 days", 172800)],
)
def test_a_deadline_is_a_span_of_time(written: str, seconds: float) -> None:
    assert read(SOUND + f"deadline: {written}\nstuck_after: 9 days\n").deadline_seconds == seconds


def test_yaml_means_what_it_says() -> None:
    """Norwegian stays a language, a date stays a name, ``on`` stays a key; anchors and merges work."""
    config = read("""\
classify:
  rules: [{type: 2026-01-01, description: dated on new year}]
  parsing: {lang: no}
no_match: &held {review: true}
low_confidence: *held
failed: {<<: *held, to: s3://mail/failed/}
routes: [{type: 2026-01-01, <<: *held}]
alerts: [{on: job.failed, to: log}]
""")
    assert config.classify.lang == "no"
    assert config.types == ("2026-01-01",)
    assert config.table.low_confidence == config.table.no_match == Fallback(review=True)
    assert config.table.failed == Fallback(to=(Target(url="s3://mail/failed/"),), review=True)


def test_what_llamacloud_may_refuse_is_a_warning_with_its_line() -> None:
    config = read(spoilt("has a number and a total amount", "x" * 600))
    assert [config.line(problem) for problem in config.warnings] == [
        "mailroom.yaml:3: warning: classify.rules[0].description: 600 characters: LlamaCloud's documents disagree "
        "on whether it allows over 500; shorten it"
    ]
    many = ", ".join(f"{{name: c{n}}}" for n in range(51))
    assert [item.where for item in read(f"split: {{categories: [{many}]}}\n" + SOUND).warnings] == ["split.categories"]


def test_lines_are_known_for_every_place() -> None:
    lines = read().lines
    assert (lines["routes"], lines["routes[0]"], lines["routes[0].to"], lines["routes[1].to"]) == (5, 6, 8, 9)


def test_a_config_is_plain_data_that_needs_neither_yaml_nor_pydantic() -> None:
    script = "import sys, receiver.config; print({'yaml', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert isinstance(read(), Config)


@pytest.mark.parametrize(
    "when",
    [
        r"name: '^scan.*\.pdf$'", r"subject: 'Rechnung \d+'", "name: 'glob:scan[9-0].pdf'", "name: 'glob:scan[0-9.pdf'",
        "sender: 'Ann <ann@acme.example>'", "any: [{not: {name: 'glob:[z-a]*'}}]",
    ],
)  # fmt: skip
def test_a_pattern_that_fits_nothing_that_was_meant_is_a_warning(when: str) -> None:
    row = f"  - {{type: invoice, name: odd, when: {{{when}}}, to: s3://mail/odd/}}\n"
    assert len(read(SOUND.replace("routes:\n", f"routes:\n{row}")).warnings) == 1


@pytest.mark.parametrize(
    "when",
    [
        "name: 'scan.*'", "subject: '*US$'", "name: 'glob:[!a-z]*[]x]?[a-]'", "subject: '*<x>*'", "name: 'a^b*'",
    ],
)  # fmt: skip
def test_a_pattern_that_only_looks_odd_is_none(when: str) -> None:
    row = f"  - {{type: invoice, name: odd, when: {{{when}}}, to: s3://mail/odd/}}\n"
    assert read(SOUND.replace("routes:\n", f"routes:\n{row}")).warnings == ()
