"""A wrong mailroom.yaml is refused with all that is wrong: file, line, place, fault and fix."""

# ruff: noqa: E501  (messages are compared whole)

from pathlib import Path

import pytest

from receiver.config import load
from receiver.config.source import PLACES
from receiver.core.errors import Misconfigured
from tests.unit.config.config_files import SOUND, refusal, spoilt

RULES = "    - {type: invoice, description: has a number and a total amount}\n"
INVOICE_TO = "[s3://mail/invoices/]"

WRONG = [
    # keys
    (spoilt("min_confidence", "min_confidense"), "7: routes[0].min_confidense: is not a known key; did you mean min_confidence?"),
    (SOUND + "retention: {zzz: 1}\n", "13: retention.zzz: is not a known key; known keys: "
     "alerts_days, archive, content_days, documents_days, events_days, tasks_days"),
    (spoilt("{type: contract, to:", "{type: contract, 5: x, to:"), "9: routes[1].5: is not a known key; known keys: "
     "continue, min_confidence, name, review, to, type, when"),
    (SOUND + "failed: {review: true}\n", "13: failed: is a duplicate key; remove one of them"),
    (spoilt("min_confidence: 0.8", "min_confidence: 0.8\n    min_confidence: 0.9"),
     "8: routes[0].min_confidence: is a duplicate key; remove one of them"),
    # missing
    (spoilt("no_match: {to: [s3://mail/unsorted/], review: true}\n", ""),
     "1: no_match: is missing; write \"no_match: {review: true, to: ['s3://bucket/unsorted/']}\""),
    (spoilt("low_confidence: {review: true}\n", ""), '1: low_confidence: is missing; write "low_confidence: {review: true}"'),
    (spoilt("failed: {to: [s3://mail/failed/]}\n", ""),
     "1: failed: is missing; write \"failed: {to: ['s3://bucket/failed/']}\""),
    (spoilt("failed: {to: [s3://mail/failed/]}", "failed:"),
     "12: failed: is empty; write \"failed: {to: ['s3://bucket/failed/']}\""),
    (spoilt("{type: invoice, desc", "{desc"), "3: classify.rules[0].type: is missing"),
    (spoilt("type: contract, to:", "name: x, to:"), '9: routes[1].type: is missing; write "type: invoice"'),
    (spoilt(INVOICE_TO, "[{bucket: x}]"), '8: routes[0].to[0].to: is missing; write "to: sqs://invoices"'),
    # the named ways and rows lead somewhere
    (spoilt("{review: true}", "{review: false}"),
     '11: low_confidence: has no destination; add "to: [s3://bucket/prefix/]" or "review: true"'),
    (spoilt("{type: contract, to: s3://mail/contracts/}", "{type: contract}"),
     '9: routes[1]: has no destination; add "to: [s3://bucket/prefix/]" or "review: true"'),
    # numbers
    (spoilt("0.8", "8"), "7: routes[0].min_confidence: must be between 0 and 1 (got 8); for 8 percent write 0.08"),
    (spoilt("0.8", "-0.1"), "7: routes[0].min_confidence: must be between 0 and 1 (got -0.1)"),
    (spoilt("0.8", ".nan"), "7: routes[0].min_confidence: must be between 0 and 1 (got nan)"),
    (spoilt("0.8", '"0.8"'), "7: routes[0].min_confidence: must be a number (got '0.8'); write it as a plain number, like 30 or 0.8, without quotes"),
    (spoilt("0.8", "0123"), "7: routes[0].min_confidence: must be a number (got '0123'); write it as a plain number, like 30 or 0.8, without quotes"),
    (SOUND + "retention: {content_days: 1:20}\n", "13: retention.content_days: must be a number (got '1:20'); write it as a plain number, like 30 or 0.8, without quotes"),
    (SOUND + "retention: {content_days: 1_0}\n", "13: retention.content_days: must be a number (got '1_0'); write it as a plain number, like 30 or 0.8, without quotes"),
    (spoilt("0.8", "true"), "7: routes[0].min_confidence: must be a number (got true)"),
    (SOUND + "retention: {events_days: 0}\n", "13: retention.events_days: must be at least 1 (got 0)"),
    (SOUND + "retention: {archive: 's3://bucket/records/'}\n",
     "13: retention.archive: nothing is removed, so nothing is archived; set retention.documents_days"),
    (SOUND + "retention: {documents_days: 20}\n",
     "13: retention.documents_days: must not be below tasks_days (30); raise it to 30"),
    (SOUND + "retention: {tasks_days: .inf}\n", "13: retention.tasks_days: must be at most 36500 (got inf)"),
    (SOUND + "retention: {content_days: .nan}\n", "13: retention.content_days: must be at most 36500 (got nan)"),
    # text
    (spoilt("type: invoice,", "type: 1099,"), '3: classify.rules[0].type: must be text (got 1099); put it in quotes: "1099"'),
    (spoilt("type: invoice,", "type: a/b,"), "3: classify.rules[0].type: may have only letters, digits, space, - and _ "
     "(got 'a/b'); for example invoice or tax-form"),
    (spoilt("type: invoice,", f"type: {'x' * 51},"),
     f"3: classify.rules[0].type: must have at most 50 characters (got '{'x' * 51}')"),
    (spoilt("has a number and a total amount", "a bill"),
     "3: classify.rules[0].description: must have at least 10 characters (got 'a bill')"),
    (spoilt("has a number and a total amount", "x" * 2001),
     f"3: classify.rules[0].description: must have at most 2000 characters (got '{'x' * 56}…)"),
    (spoilt("type: contract, desc", "type: invoice, desc"),
     "4: classify.rules[1].type: 'invoice' is already classify.rules[0]; names must differ"),
    (spoilt("review: true", "review: yes"), "10: no_match.review: must be true or false (got 'yes')"),
    # lists and sections
    (spoilt(RULES, "    - invoice\n"), "3: classify.rules[0]: must be a section with keys (got 'invoice')"),
    (spoilt(INVOICE_TO, "[]"), "8: routes[0].to: must have at least 1 entry"),
    (spoilt(INVOICE_TO, "{to: s3://a/}"), "8: routes[0].to: must be a list"),
    (spoilt(INVOICE_TO, "[5]"), "8: routes[0].to[0]: must be a section with keys (got 5)"),
    (spoilt("- type: invoice", "- type: []"), "6: routes[0].type: must have at least 1 entry"),
    # classify
    (spoilt("  rules:\n", "  configuration_id: cfg-1\n  rules:\n"),
     "1: classify: configuration_id replaces rules: LlamaCloud takes one of the two; remove the preset or the others"),
    (SOUND.replace(SOUND[SOUND.index("  rules:") : SOUND.index("routes:")], "  mode: FAST\n"),
     '1: classify: has no rules; add "rules: [{type: invoice, description: has a number and a total}]"'),
    (spoilt("classify:\n", "classify:\n  mode: MULTIMODAL\n"), "2: classify.mode: must be 'FAST' (got 'MULTIMODAL')"),
    (spoilt("classify:\n", "classify:\n  parsing: {max_pages: 2, target_pages: '1'}\n"),
     "2: classify.parsing: max_pages and target_pages are mutually exclusive; remove one of them"),
    (spoilt("classify:\n", "classify:\n  parsing: {max_pages: 0}\n"),
     "2: classify.parsing.max_pages: must be at least 1 (got 0)"),
    (spoilt("classify:\n", "classify:\n  parsing: {max_pages: 1.5}\n"),
     "2: classify.parsing.max_pages: must be a whole number (got 1.5)"),
    # split
    (SOUND + "split: {categories: from-rule}\n", "13: split.categories: must be 'from-rules' (got 'from-rule')"),
    (SOUND + "split: {categories: []}\n", "13: split.categories: must have at least 1 entry"),
    (SOUND + "split: {categories: [{name: a}, {name: a}]}\n",
     "13: split.categories[1].name: 'a' is already split.categories[0]; names must differ"),
    (SOUND + "split: {categories: [{name: Uncategorized}]}\n",
     "13: split.categories[0].name: 'Uncategorized' is LlamaCloud's label for pages that fit no category, and "
     "LlamaCloud refuses such categories; use another name"),
    (SOUND + "split: {uncategorized: keep}\n", "13: split.uncategorized: must be 'include', 'forbid' or 'omit' (got 'keep')"),
    (SOUND + "split: {guards: {blank_page: drop}}\n", "13: split.guards.blank_page: is not a known key; did you mean blank_pages?"),
    (SOUND + "split: {guards: {min_pages: 3, max_pages: 2}}\n",
     "13: split.guards: min_pages 3 is above max_pages 2; swap the two"),
    # conditions
    (spoilt("min_confidence: 0.8", "when: {sendr: x}"), "7: routes[0].when.sendr: is not a known key; did you mean sender?"),
    (spoilt("min_confidence: 0.8", "when: {min_pages: 5, max_pages: 2}"),
     "7: routes[0].when: min_pages 5 is above max_pages 2; swap the two"),
    # destinations
    (spoilt(INVOICE_TO, "/var/mail"), "8: routes[0].to: is not a destination; write it like s3://bucket/prefix/ or sqs://queue, "
     "or folder:///var/mail if a folder is meant"),
    (spoilt(INVOICE_TO, "[{to: sqs://a, delay: [1]}]"), "8: routes[0].to[0].delay: must be text, a number, true or false; write several values in one text: \"name=value, name=value\""),
    (spoilt(INVOICE_TO, "env:PLACE"),
     "8: routes[0].to: the variable PLACE is not set; export PLACE=… or write the value here"),
    (spoilt(INVOICE_TO, "[{to: https://erp.example, secret: env:ERP_SECRET}]"),
     "8: routes[0].to[0].secret: the variable ERP_SECRET is not set; export ERP_SECRET=… or write the value here"),
    # alerts
    (SOUND + "alerts: [{on: job.faild, to: log}]\n", "13: alerts[0].on: 'job.faild' is not an alert kind; did you mean job.failed?"),
    (SOUND + "alerts: [{on: job.failed, to: log, repeet: 1 hour}]\n",
     "13: alerts[0].repeet: is not a known key; did you mean repeat?"),
    (SOUND + "alerts: [{on: job.failed, kind: job.failed, to: log}]\n",
     "13: alerts[0].on: is not a known key; its newer name is here, too; keep one"),
    (SOUND + "alerts: [{on: job.failed, to: pigeon}]\n",
     "13: alerts[0].to: is not an alert channel; write log, pagerduty:KEY, slack:URL, teams:URL, mailto:ADDRESS, sns:ARN, "
     "events:BUS or https://…"),
    (SOUND + "alerts: [{on: job.failed, to: log, repeat: 5 seconds}]\n",
     "13: alerts[0].repeat: is too often (got '5 seconds'); write a minute at least, or \"never\""),
    (SOUND + "alerts: [{on: job.failed, to: log, ceiling: 900 per hour}]\n",
     "13: alerts[0].ceiling: is not a ceiling of 1 to 200 notices (got '900 per hour'); write it like \"20 per hour\""),
    (SOUND + "alerts: [{on: job.failed, to: log, quiet_hours: \"٢0:00-07:00\"}]\n",
     "13: alerts[0].quiet_hours: are not hours (got '٢0:00-07:00'); write it like \"20:00-07:00 Europe/Berlin\""),
    (SOUND + "alerts: [{on: job.failed, to: log, quiet_hours: at night}]\n",
     "13: alerts[0].quiet_hours: are not hours (got 'at night'); write it like \"20:00-07:00 Europe/Berlin\""),
    (SOUND + "alerts: [{on: job.failed, to: log, quiet_hours: \"20:00-07:00 Atlantis\"}]\n",
     "13: alerts[0].quiet_hours: are in an unknown time zone (got 'Atlantis'); "
     "write it like \"20:00-07:00 Europe/Berlin\""),
    (SOUND + "alerts: [{on: job.failed, to: log, min_severity: bad}]\n",
     "13: alerts[0].min_severity: must be 'info', 'warning', 'error' or 'critical' (got 'bad')"),
    (SOUND + "alerts: [{on: job.failed, to: log, escalate: {to: pigeon, after: 1 hour}}]\n",
     "13: alerts[0].escalate.to: is not an alert channel; write log, pagerduty:KEY, slack:URL, teams:URL, mailto:ADDRESS, "
     "sns:ARN, events:BUS or https://…"),
    (SOUND + "alerting: {wait: 1 day}\n", "13: alerting.wait: is too long (got '1 day'); at most \"10 minutes\""),
    (SOUND + "alerting: {severities: [{on: job.failed, when: often, severity: error}]}\n",
     "13: alerting.severities[0].when: is not a rate (got 'often'); write it like \"more than 5 in 10 minutes\", "
     "\"20 % in 10 minutes\", or both with \"or\" between them"),
    (SOUND + "alerts: [{on: job.failed, to: slack:env:SLACK_URL}]\n",
     "13: alerts[0].to: the variable SLACK_URL is not set; export SLACK_URL=… or write the value here"),
    (SOUND + "alerts: [{on: job.failed, to: log, at_most: often}]\n",
     "13: alerts[0].at_most: is not a limit (got 'often'); write it like \"1 per 10 minutes\""),
    (SOUND + "alerts: [{on: job.failed, to: log, at_most: 3 per hour}]\n",
     "13: alerts[0].at_most: must be 1 per duration (got '3 per hour'); write \"1 per 1200 seconds\""),
    (SOUND + "alerts: [{on: job.failed, to: log, at_most: 1 per 0 hours}]\n",
     "13: alerts[0].at_most: is not a limit (got '1 per 0 hours'); write it like \"1 per 10 minutes\""),
    # deadline
    (SOUND + "deadline: 600\n", '13: deadline: must be text (got 600); write "deadline: 10 minutes"'),
    (SOUND + "deadline: soon\n",
     "13: deadline: is not a duration (got 'soon'); write it like \"90 seconds\" or \"10 minutes\""),
    (SOUND + "deadline: 9999999999 days\n",
     "13: deadline: is not a duration of a year at most (got '9999999999 days'); "
     "write it like \"90 seconds\" or \"10 minutes\""),
    (SOUND + "deadline: 2 hours\n",
     "13: deadline: a job is stuck after 60 minutes, before its deadline of 2 hours; raise stuck_after"),
    (SOUND + "deadline: 2 hours\nstuck_after: 1 hour\n",
     "14: stuck_after: a job is stuck after 1 hour, before its deadline of 2 hours; raise stuck_after"),
    (SOUND + "split: {custom_instructions: '  '}\n",
     "13: split.custom_instructions: has no text; write it out, or leave the key out"),
    (SOUND + 'split: {custom_instructions: "a\\0b"}\n',
     "13: split.custom_instructions: has an unprintable character (got 'a\\x00b'); take it out"),
    (spoilt("type: contract, to:", "type: contract, when: {media_type: text/plain; charset=utf-8}, to:"),
     "9: routes[1].when.media_type: 'text/plain; charset=utf-8' has parameters, which are not compared; write text/plain"),
    (spoilt("type: contract, to:", "type: contract, when: {media_type: application/}, to:"),
     "9: routes[1].when.media_type: 'application/' is half a media type; write application/*"),
    # values of a form that pydantic knows as a regular expression, which may hold braces
    (SOUND.replace("rules:", "parsing: {lang: english}\n  rules:"),
     "2: classify.parsing.lang: has the wrong format (got 'english'); write \"lang: en\""),
    (SOUND.replace("rules:", "parsing: {target_pages: '{1}'}\n  rules:"),
     "2: classify.parsing.target_pages: has the wrong format (got '{1}'); write \"target_pages: 1,3,5-7\""),
    (SOUND.replace("rules:", "configuration_id: preset\n  rules:"),
     "2: classify.configuration_id: has the wrong format (got 'preset'); write \"configuration_id: cfg-1234\""),
    (SOUND.replace("rules:", "parsing: {target_pages: '5-3'}\n  rules:"),
     "2: classify.parsing.target_pages: must count up from 1 (got '5-3'); write it like \"1,3,5-7\""),
    # what is not a configuration at all
    ("- a\n", "1: the file must be a section with keys"),
    ("a: [1\nb: 2\n", "2: not readable as YAML: a list or section in brackets is not closed, or lacks a comma"),
    ("a:\n\t- b\n", "2: not readable as YAML: there is a tab; indent with spaces"),
    ("a: [s3://m/{type}/]\n", "1: not readable as YAML: "
     "a value with {fields} between [ and ] needs quotes"),
    ("a: b: c\n", "1: not readable as YAML: a value with `: ` in it needs quotes, and a key a line of its own"),
    ("a: 1\n---\nb: 1\n", "2: not readable as YAML: a second document begins here; a file has one"),
    ("a: !!python/object:os.system x\n", "1: not readable as YAML: a tag (!…) is not plain data; "
     "remove it"),
    ("? [a]\n: b\n", "1: not readable as YAML: a key must be plain text"),
    ("a: *nowhere\n", "1: not readable as YAML: an alias (*…) needs its anchor (&…) above it"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_fault_is_told_once_with_line_place_and_fix(text: str, line: str) -> None:
    assert refusal(text) == [f"mailroom.yaml:{line}"]


def test_a_misspelt_section_is_also_a_missing_one() -> None:
    assert refusal(spoilt("low_confidence:", "low_confidance:")) == [
        'mailroom.yaml:1: low_confidence: is missing; write "low_confidence: {review: true}"',
        "mailroom.yaml:11: low_confidance: is not a known key; did you mean low_confidence?",
    ]


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = spoilt("0.8", "80").replace("type: contract,", "type: 5,", 1).replace("review: true", "revue: true", 1)
    assert [line.split(": ")[0] for line in refusal(text)] == ["mailroom.yaml:4", "mailroom.yaml:7", "mailroom.yaml:10"]


def test_a_secret_in_a_channel_is_not_repeated() -> None:
    lines = refusal(SOUND + "alerts: [{on: job.failed, to: slack-https-secret}]\n")
    assert "secret" not in "".join(lines)


def test_a_variable_without_a_url_is_not_repeated() -> None:
    lines = refusal(spoilt(INVOICE_TO, "env:PLACE"), {"PLACE": "s3cret"})
    assert lines == [
        "mailroom.yaml:8: routes[0].to: is not a destination; write it like s3://bucket/prefix/ or sqs://queue"
    ]


def test_anchors_within_anchors_are_refused_before_they_fill_the_memory() -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert refusal("a0: &a0 [x]\n" + layers) == [f"mailroom.yaml: more than {PLACES} values: check its anchors"]
    assert refusal("a: &a [*a]\n") == ["mailroom.yaml: not readable as YAML: nested too deeply"]


def test_a_number_of_more_digits_than_python_reads_is_refused() -> None:
    (said,) = refusal(f"deadline: {'9' * 5000}\n")
    assert said == "mailroom.yaml: not readable as YAML: a number has too many digits"


def message(path: Path) -> str:
    with pytest.raises(Misconfigured) as caught:
        load(path, {})
    return str(caught.value)


def test_a_missing_file_names_the_setting_and_the_commands_that_help(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path / "mailroom.yaml", {})
    said = f"{caught.value} {caught.value.fix}"
    assert "mailroom init" in said
    assert "MAILROOM_CONFIG" in said
    assert "mailroom demo" in said
    assert str(tmp_path / "mailroom.yaml") in said


def test_what_is_no_text_file_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.yaml"
    assert message(tmp_path) == f"{tmp_path} (MAILROOM_CONFIG) cannot be read: Is a directory"
    path.write_bytes(b"a: \xff")
    assert message(path) == f"{path} (MAILROOM_CONFIG) is not UTF-8 text"
    path.write_bytes(b"")
    assert message(path).startswith(f"{path} is empty")
    path.write_bytes(b"a: \x01")
    assert "not readable as YAML" in message(path)
    assert "\n" not in message(path)


def test_a_file_is_named_with_the_option_that_gave_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\(--config\) cannot be read"):
        load(tmp_path, {}, variable="--config")
    with pytest.raises(Misconfigured) as missing:
        load(tmp_path / "none.yaml", {}, variable="--config")
    assert missing.value.fix.endswith("if it is elsewhere, give its path to --config")
