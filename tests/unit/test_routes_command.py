"""``mailroom routes`` as a person uses it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result

from receiver import show
from receiver.cli import cli
from receiver.config import load
from receiver.config.build import schema
from receiver.core.change import Insert
from receiver.core.document import Classification, Document, Origin
from receiver.core.errors import Misconfigured
from receiver.core.plan import Plan, Target, Way
from receiver.core.redecide import judged
from receiver.core.route import RouteTable, decide
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_document

ROOT = Path(__file__).parents[2]
TABLE = """\
classify:
  rules:
    - {type: invoice, description: has a number and a total amount}
routes:
  - {type: invoice, min_confidence: 0.8, when: {min_pages: 2}, name: long, to: folder:///PLACE/long/}
  - {type: invoice, min_confidence: 0.5, to: ["folder:///PLACE/{type}/{yyyy}/", "sqs://work"]}
no_match: {review: true}
low_confidence: {review: true}
failed: {to: folder:///PLACE/failed/}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound table that MAILROOM_CONFIG names; its folders are in the test's own."""
    path = tmp_path / "mailroom.yaml"
    path.write_text(TABLE.replace("/PLACE", str(tmp_path)))
    monkeypatch.setenv("MAILROOM_CONFIG", str(path))
    return path


def run(*arguments: str, stdin: Any = None) -> Result:
    text = stdin if isinstance(stdin, str) or stdin is None else json.dumps(stdin)
    return CliRunner().invoke(cli, ["routes", *arguments], input=text, catch_exceptions=False)


def test_a_sound_table_passes_and_says_what_was_checked(config: Path) -> None:
    result = run("check", "--offline")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{config}: 2 rows to 4 destinations: no problems\n")


def test_it_says_what_the_messages_of_each_row_will_point_to(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = f"folder://{config.parent}/{{type}}/{{yyyy}}/"
    assert f"routes[1] (invoice)   {stored}" in run("check", "--offline").stdout
    config.write_text(config.read_text().replace("no_match: {review: true}", 'no_match: {to: ["sqs://work"]}'))
    result = run("check", "--offline", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [(item["where"], item["state"], item["to"]) for item in told["pointers"]] == [
        ("routes[1]", "stored", stored), ("no_match", "none", ""),
    ]  # fmt: skip
    (warning,) = told["problems"]
    assert (warning["severity"], warning["where"], warning["line"]) == ("warning", "no_match", 7)
    assert "MAILROOM_DOCUMENTS_URL" in warning["fix"]
    monkeypatch.setenv("MAILROOM_DOCUMENTS_URL", "https://documents.example.com")
    result = run("check", "--offline")
    assert "no problems" in result.stdout
    assert "no_match              a link to Mailroom that expires" in result.stdout


def test_a_faulty_table_fails_with_file_and_line(config: Path) -> None:
    config.write_text(
        config.read_text().replace("type: invoice, min", "type: invioce, min", 2).replace("{type}", "{tipe}")
    )
    result = run("check", "--offline")
    assert result.exit_code == 1
    assert f"{config}:4: routes: type 'invoice' has no row; is the row for 'invioce' meant?" in result.stdout
    assert (
        f"{config}:6: routes[1].to[0] (invioce): folder://{config.parent}/{{tipe}}/{{yyyy}}/: unknown field {{tipe}}"
        in (result.stdout)
    )


def test_faults_are_printed_as_json_too(config: Path) -> None:
    config.write_text(config.read_text().replace("sqs://work", "sqz://work"))
    result = run("check", "--offline", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["file"] == str(config)
    assert [(item["severity"], item["line"], item["where"], item["route"]) for item in found["problems"]] == [
        ("error", 6, "routes[1].to[1]", "invoice")
    ]


def test_warnings_alone_are_no_failure(config: Path) -> None:
    config.write_text(config.read_text().replace("has a number and a total amount", "x" * 600))
    result = run("check", "--offline")
    assert result.exit_code == 0
    assert "warning: classify.rules[0].description" in result.stdout
    assert "0 errors, 1 warning\n" in result.stdout


def test_places_are_asked_unless_offline_is_said(config: Path) -> None:
    config.write_text(config.read_text().replace(', "sqs://work"', ""))
    assert run("check").exit_code == 0
    (config.parent / "failed").rmdir()
    (config.parent / "failed").write_text("a file where a folder should be")
    result = run("check")
    assert result.exit_code == 1
    assert f"{config}:9: failed.to[0]: {config.parent}/failed" in result.stdout
    assert run("check", "--offline").exit_code == 0


def test_a_place_that_is_known_to_be_wrong_is_not_asked(config: Path) -> None:
    config.write_text(config.read_text().replace("sqs://work", "sqz://work"))
    assert "1 error," in run("check").stdout


def test_one_cause_in_several_places_is_told_once(config: Path) -> None:
    config.write_text(config.read_text().replace(f"folder://{config.parent}/", "s3://BAD/"))
    shown = run("check", "--offline").stdout
    assert shown.count("is not a valid bucket name") == 1
    assert "  the same in line 6 and 9\n" in shown
    assert "3 errors" in shown


def test_another_file_can_be_checked(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(config.read_text())
    config.unlink()
    assert run("check", "--offline", "--config", str(other)).stdout.startswith(str(other))


def job(**fields: Any) -> dict[str, Any]:
    """A classify job as LlamaCloud returns it (reference 1.2)."""
    return {
        "id": "job-1",
        "configuration": {"rules": [], "mode": "FAST"},
        "document_input_type": "file_id",
        "file_input": "dfl-1",
        "project_id": "p",
        "user_id": "u",
        "status": "COMPLETED",
        "result": {"type": "invoice", "confidence": 0.93, "reasoning": "it has a number"},
        **fields,
    }


def explained(stdin: Any) -> dict[str, Any]:
    result = run("explain", "-", "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    return data


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("given", "way", "route"),
    [
        (job(), "undecided", "undecided"),
        (job(pages=1), "matched", "invoice"),
        (job(name="photo.png"), "matched", "invoice"),
        (job() | {"pages": 3}, "matched", "long"),
        ({"type": "invoice", "confidence": 0.6, "pages": 1}, "matched", "invoice"),
        ({"type": "invoice", "confidence": 0.9, "pages": [4, 5], "reasoning": None}, "matched", "long"),
        ({"type": "invoice", "confidence": 0.1}, "low_confidence", "low_confidence"),
        ({"type": None}, "no_match", "no_match"),
        (job(result={"type": None, "confidence": 0.2, "reasoning": ""}), "no_match", "no_match"),
        (job(status="FAILED", result=None, error_message="encrypted"), "failed", "failed"),
        (job(status="CANCELLED", result=None), "failed", "failed"),
        ({"type": "letter", "confidence": 0.9}, "unrouted", "unrouted"),
    ],
)
def test_a_result_is_explained_in_whatever_form_it_comes(given: Any, way: str, route: str) -> None:
    said = explained(given)
    assert (said["way"], said["route"]) == (way, route)
    assert [row["route"] for row in said["rows"]] == ["long", "invoice"]


def test_what_is_said_of_the_document_counts(config: Path) -> None:
    rows = """\
  - {type: "*", name: mine, when: {recipient: "me@*", not: {media_type: "image/*"}}, review: true}
  - {type: "*", name: big, when: {any: [{min_size: 5 MB}, {duplicate: true}, {metadata: {po: "*"}}]}, review: true}
  - {type: invoice, review: true}
"""
    text = config.read_text()
    config.write_text(text[: text.index("routes:")] + f"routes:\n{rows}" + text[text.index("no_match") :])
    known = {"type": "invoice", "confidence": 1, "size": 10}
    for given, route in (
        ({"recipients": ["You <you@x.example>", "ME@y.example"]}, "mine"),
        ({"recipients": ["me@y.example"], "media_type": "image/png"}, "invoice"),
        ({"size": 5_000_000}, "big"),
        ({"duplicate": True}, "big"),
        ({"metadata": {"po": "4711"}}, "big"),
        ({}, "invoice"),
    ):
        assert explained(known | given)["route"] == route


def test_the_place_is_that_of_the_named_document(config: Path) -> None:
    said = explained(job(name="März.pdf", document_id="doc_1", pages=1))
    place = said["to"][0]["place"]
    assert place.startswith(f"folder://{config.parent}/invoice/2")
    assert place.endswith("/doc_1/März.pdf")
    assert said["to"][1] == {"url": "sqs://work", "place": "sqs://work"}


def test_people_get_a_table_with_lines_and_reasons(config: Path) -> None:
    file = config.parent / "result.json"
    file.write_text(json.dumps(job()))
    shown = run("explain", str(file)).stdout
    assert "?   would depend on the number of pages, which is unknown" in shown
    assert "outcome: undecided\nwhy:     would depend on the number of pages, which is unknown\nreview:  yes" in shown
    file.write_text(json.dumps(job(pages=1)))
    shown = run("explain", str(file)).stdout
    assert "✘   1 pages are fewer than 2" in shown
    assert "✔   type 'invoice' with confidence 0.93, at least 0.50" in shown
    assert "outcome: matched, by row invoice" in shown
    assert "\x1b" not in shown


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("{", "this is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ([], "this is not a result"),
        ({}, '"type" is missing'),
        (job(status="RUNNING", result=None), "this job is running: it has no result yet"),
        (job(result={"segments": []}), "a split job has no type"),
        ({"type": 5, "confidence": 1}, '"type" must be text or null, not 5'),
        ({"type": "invoice"}, '"confidence" must be a number between 0 and 1, not None'),
        ({"type": "invoice", "confidence": 93}, '"confidence" must be a number between 0 and 1, not 93'),
        ({"type": "invoice", "confidence": True}, '"confidence" must be a number'),
        ({"type": "invoice", "confidence": 1, "pages": "1-3"}, '"pages" must be a number or a list'),
        ({"type": "invoice", "confidence": 1, "size": "5 MB"}, '"size" must be a number of bytes'),
        ({"type": "invoice", "confidence": 1, "metadata": ["a"]}, '"metadata" must be an object'),
        ({"type": "invoice", "confidence": 1, "recipients": "a@x"}, '"recipients" must be a list'),
        ({"type": "invoice", "confidence": 1, "sendr": "a@x"}, "'sendr' is not a known key; did you mean 'sender'?"),
        ({"type": "invoice", "confidence": 1, "min_pages": 3}, "'min_pages' is not a known key"),
        ({"type": "invoice", "confidence": 1, "colour": "red"}, "'colour' is not a known key; known keys: type, conf"),
        (job(recipiens=["a@x"]), "'recipiens' is not a known key; did you mean 'recipients'?"),
        ({"type": "invoice", "confidence": 1, "subject": ["x"]}, "\"subject\" must be text, not ['x']"),
        ({"type": "invoice", "confidence": 1, "duplicate": "yes"}, "\"duplicate\" must be true or false, not 'yes'"),
        (
            {"type": "invoice", "confidence": 1, "source": "mail"},
            "'mail' is not a source; the sources are folder, upload",
        ),
        ({"type": "invoice", "confidence": 1, "origin": "s3"}, "\"origin\" must be an object, not 's3'"),
    ],
)
def test_what_is_no_result_is_a_usage_error(given: Any, fault: str) -> None:
    result = run("explain", "-", stdin=given)
    assert result.exit_code == 2
    assert fault in result.stderr


@pytest.mark.usefixtures("config")
def test_records_of_documents_and_jobs_are_read_with_all_that_they_have() -> None:
    """Keys that LlamaCloud documents (reference 1.2 and 1.4), and those of our records; new ones, too."""
    found = Classification(type="invoice", confidence=0.9)
    origin = Origin(kind="piece", locator="x")
    piece = a_document(classification=found, parent_id="doc_p", pages=(1, 2), page_count=2, origin=origin)
    for document in (piece, replace(piece, pages=(), packet=True, mail=True, duplicate_of="doc_1")):
        assert explained(json.loads(json.dumps(show.document_whole(document))))["way"] in ("matched", "undecided")
    vendor = (
        "configuration_id",
        "created_at",
        "updated_at",
        "error_message",
        "parse_job_id",
        "transaction_id",
        "usage",
    )
    split = ("categories", "parse_config_id", "parse_tier", "splitting_strategy", "target_pages", "usage")
    assert explained(job(**dict.fromkeys((*vendor, *split)), pages=1))["way"] == "matched"


def test_a_missing_file_is_a_usage_error(config: Path) -> None:
    assert run("explain", "nowhere.json").exit_code == 2


def mailroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = "from receiver.cli import main; main()"
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=ROOT)


def test_a_broken_file_is_exit_2_and_clear_lines_without_a_traceback(config: Path) -> None:
    config.write_text(config.read_text().replace("0.8", "8"))
    done = mailroom("routes", "check", "--offline")
    assert (done.returncode, done.stdout) == (2, "")
    said = f"{config}:5: routes[0].min_confidence: must be between 0 and 1 (got 8); for 8 percent write 0.08\n"
    assert done.stderr == f"mailroom: {said}"


def test_a_channel_whose_address_is_no_url_stops_the_start_with_exit_2(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CLOUD_API_KEY", "llx-none")
    monkeypatch.setenv("MAILROOM_STORE", "memory://")
    monkeypatch.setenv("MAILROOM_PUBLIC_URL", "https://mail.example.com")
    monkeypatch.setenv("MAILROOM_ALLOW_UNVERIFIED", "true")
    with config.open("a") as table:
        table.write('alerts:\n  - {on: ["*"], to: "https://[x/hush-hush"}\n')
    done = mailroom("alerts", "channels")
    assert (done.returncode, done.stdout) == (2, "")
    assert "alerts: the address is not a URL" in done.stderr
    assert "hush-hush" not in done.stderr


def test_the_schema_for_editors_is_printed_and_current() -> None:
    printed = run("schema").stdout
    assert json.loads(printed) == schema()
    assert (ROOT / "docs" / "mailroom.schema.json").read_text() == printed, (
        "the schema changed: mailroom routes schema > docs/mailroom.schema.json"
    )


def test_backtest_says_what_a_changed_table_would_move(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(way=Way.LOW_CONFIDENCE, route="low_confidence", reason="", review=True)
    doubtful = a_document(id="doc_1", classification=Classification(type="invoice", confidence=0.4), plan=plan)
    store = SqliteStore(tmp_path / "mailroom.db")
    anyio.run(_filled, store, doubtful)
    monkeypatch.setenv("MAILROOM_STORE", f"sqlite:///{tmp_path}/mailroom.db")
    assert run("backtest").stdout == "0 of 1 documents would move\n"
    changed = tmp_path / "changed.yaml"
    changed.write_text(config.read_text().replace("0.5", "0.3"))
    told = run("backtest", "--config", str(changed))
    assert "1 of 1 documents would move" in told.stdout
    assert "doc_1" in told.stdout
    (move,) = json.loads(run("backtest", "--config", str(changed), "--json").stdout)["moved"]
    assert (move["from"]["route"], move["to"]["route"]) == ("low_confidence", "invoice")


def test_backtest_says_which_options_would_change_where_documents_are(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(config.read_text().replace(f"folder://{tmp_path}/failed/", "s3://mail/failed/"))
    before = (Target(url="s3://mail/failed/", options={"tags": "a=b"}),)
    plan = Plan(way=Way.FAILED, route="failed", reason="it failed", to=before)
    failed = [a_document(id=f"doc_{n}", plan=plan, classification=None) for n in range(2)]
    store = SqliteStore(tmp_path / "mailroom.db")
    anyio.run(_filled, store, *failed)
    monkeypatch.setenv("MAILROOM_STORE", f"sqlite:///{tmp_path}/mailroom.db")
    told = run("backtest").stdout
    assert "2 of 2 documents would move" in told
    assert "options of s3://mail/failed/: tags" in told
    moves = json.loads(run("backtest", "--json").stdout)["moved"]
    assert [item["change"] for item in moves] == ["options of s3://mail/failed/: tags"] * 2


def test_backtest_says_which_options_would_change_where_the_row_has_another_name_too(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = config.read_text()
    rows = text[text.index("  - {type: invoice, min_confidence") : text.index("no_match")]
    config.write_text(text.replace(rows, "  - {type: invoice, to: s3://mail/bills/}\n"))
    before = (Target(url="s3://mail/bills/", options={"tags": "a=b"}),)
    plan = Plan(way=Way.MATCHED, route="bills", reason="", to=before)
    found = a_document(id="doc_1", classification=Classification(type="invoice", confidence=0.9), plan=plan)
    anyio.run(_filled, SqliteStore(tmp_path / "mailroom.db"), found)
    monkeypatch.setenv("MAILROOM_STORE", f"sqlite:///{tmp_path}/mailroom.db")
    assert "options of s3://mail/bills/: tags" in run("backtest").stdout


# --- the table that decides beside the real one


@pytest.fixture
def shadow(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another sound table, which MAILROOM_SHADOW_CONFIG names: it asks for less confidence."""
    path = config.parent / "shadow.yaml"
    path.write_text(config.read_text().replace("0.5", "0.3"))
    monkeypatch.setenv("MAILROOM_SHADOW_CONFIG", str(path))
    return path


def test_the_shadow_table_is_checked_after_the_real_one(config: Path, shadow: Path) -> None:
    told = run("check", "--offline")
    assert told.exit_code == 0
    first, second = (told.stdout.index(f"{path}: 2 rows to 4 destinations: no problems") for path in (config, shadow))
    assert first < second
    assert json.loads(run("check", "--offline", "--json").stdout)["shadow"]["file"] == str(shadow)
    shadow.write_text(shadow.read_text().replace("sqs://work", "sqz://work"))
    told = run("check", "--offline")
    assert told.exit_code == 1
    assert f"{config}: 2 rows to 4 destinations: no problems" in told.stdout
    assert f"{shadow}:6: routes[1].to[1]" in told.stdout
    assert str(shadow) not in run("check", "--offline", "--config", str(config)).stdout


def test_a_shadow_table_whose_rules_differ_is_warned_of(shadow: Path) -> None:
    shadow.write_text(shadow.read_text().replace("has a number and a total amount", "has an amount to be paid"))
    told = run("check", "--offline")
    assert told.exit_code == 0
    assert f"{shadow}:1: warning: classify: differs from the real one" in told.stdout


@pytest.mark.usefixtures("config")
def test_a_shadow_table_that_is_not_there_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["shadow"], ["check", "--offline"]):
        monkeypatch.setenv("MAILROOM_SHADOW_CONFIG", "nowhere.yaml")
        with pytest.raises(Misconfigured, match=r"there is no nowhere\.yaml \(MAILROOM_SHADOW_CONFIG\)"):
            run(*arguments)
    monkeypatch.delenv("MAILROOM_SHADOW_CONFIG")
    with pytest.raises(Misconfigured, match="MAILROOM_SHADOW_CONFIG is not set"):
        run("shadow")


@pytest.mark.usefixtures("shadow")
def test_explain_says_what_the_shadow_table_would_do() -> None:
    unsure = {"type": "invoice", "confidence": 0.4, "pages": 1}
    said = explained(unsure)
    assert (said["way"], said["shadow"]["way"]) == ("low_confidence", "matched")
    told = run("explain", "-", stdin=unsure).stdout
    assert "shadow:  low_confidence (review) -> invoice (folder://" in told
    assert "shadow:  the same" in run("explain", "-", stdin={"type": None}).stdout


def test_what_the_shadow_table_decided_is_counted_and_what_differs_is_listed(
    config: Path, shadow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, other = (load(path, {}).table for path in (config, shadow))

    def decided(number: int, confidence: float, table: RouteTable | None) -> Document:
        found = Classification(type="invoice", confidence=confidence)
        item = a_document(id=f"doc_{number}", name=f"{number}.pdf", classification=found, page_count=1, shadow=None)
        item = replace(item, plan=decide(real, found, item, now=1.0))
        return replace(item, shadow=judged(item, table, now=1.0) if table else None)

    documents = [decided(number, confidence, other) for number, confidence in enumerate([0.4, 0.4, 0.9])]
    documents += [decided(3, 0.9, None), decided(4, 0.4, real)]
    anyio.run(_filled, SqliteStore(config.parent / "mailroom.db"), *documents)
    monkeypatch.setenv("MAILROOM_STORE", f"sqlite:///{config.parent}/mailroom.db")
    told = run("shadow").stdout
    assert f"shadow table {other.version} decided 3 documents: 1 the same, 2 differently\n" in told
    assert "low_confidence (nowhere, review)   invoice (folder://" in told
    assert "doc_0" in told
    assert "doc_2" not in told
    assert f"by a person: 1; to test it on them: mailroom routes backtest --config {shadow}\n" in told
    assert f"compared with another version: 1; to see them: mailroom routes shadow --table {real.version}\n" in told
    assert "and 1 more; --limit shows them" in run("shadow", "--limit", "1").stdout
    data = json.loads(run("shadow", "--json").stdout)
    assert {name: data[name] for name in ("table", "decided", "same", "differ", "without_it")} == {
        "table": other.version, "decided": 3, "same": 1, "differ": 2, "without_it": 2,
    }  # fmt: skip
    moved = {item["document_id"]: item["to"]["route"] for item in data["moved"]}
    assert moved == {"doc_0": "invoice", "doc_1": "invoice"}
    assert json.loads(run("shadow", "--json", "--table", real.version).stdout)["decided"] == 1
    assert run("shadow", "--json", "--type", "contract").exit_code == 2
    shown = CliRunner().invoke(cli, ["documents", "doc_0"], catch_exceptions=False).stdout
    assert f"the shadow table {other.version} would have differed: low_confidence (review) -> invoice" in shown
    assert "agrees" in CliRunner().invoke(cli, ["documents", "doc_2"], catch_exceptions=False).stdout


async def _filled(store: SqliteStore, *documents: Document) -> None:
    await store.apply(*map(Insert, documents))
    await store.close()
