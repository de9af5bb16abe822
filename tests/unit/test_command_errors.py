"""Every command, with everything wrong that it can be given: one voice, exit code 2 or 1, and no trace.

The commands come from the parser's own list: a new one is walked without being named here.
"""

import asyncio
import http.server
import itertools
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from receiver.cli.backtest import Threshold
from receiver.cli.listing import Moment, TimeSpan
from receiver.cli.numbers import Number, WholeNumber
from receiver.cli.paths import Given
from receiver.cli.suggestions import ClosestChoice
from receiver.settings import FORMS, VARIABLES
from receiver.store.sqlite.store import SqliteStore
from tests.command_line import commands, given, mailroom
from tests.processes import TABLE, Ran, free_port, working

STAYS_UP = {"serve", "worker", "demo", "sandbox"}
"""These run until they are stopped, so they are only given what they must refuse."""
COMMANDS = [(words, command) for words, command in commands() if words != ["sandbox"]]
"""The sandbox is a program of its own, which gets its arguments as they are."""
WALKED = [(words, command) for words, command in COMMANDS if words[0] not in STAYS_UP]
FOREIGN = re.compile(
    r"Traceback|pydantic|httpx|httpcore|boto|sqlite3|yaml\.|\[Errno|Expected `|Input should|NoneType|has no attribute"
    r"|connection attempts failed|validation error|\[type=|endpoint URL|An error occurred|unable to open|is malformed"
    r"|file is not a database|mapping values|could not find expected|<block|found character|codec|start byte"
    r"|Expecting value|\binteger\b|\bfloat\b|\bstr\b|\bint\b|\bNone\b|char \d|<class|object at 0x|Exception\b"
    r"|[a-z]Error\b"
)
"""Words of the libraries beneath, and of Python: nobody who runs Mailroom should have to know them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table and a file."""
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    (tmp_path / "file.pdf").write_bytes(b"%PDF-1.4 no more of it")
    return tmp_path


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to LlamaCloud are repeated at once."""
    monkeypatch.setattr("receiver.cloud.transport.Transport._wait", lambda *_: 0.0)


def with_store(folder: Path) -> None:
    async def made() -> None:
        store = SqliteStore(folder / "mailroom.db")
        await store.open()
        await store.close()

    asyncio.run(made())


def run(folder: Path, *arguments: str, **env: str) -> Ran:
    """The command, whose output must be Mailroom's own words, and whose errors must say what to do."""
    ran = mailroom(folder, *arguments, env=working(**env))
    words = FOREIGN.search(ran.err) or FOREIGN.search(ran.out if ran.code else "")
    assert not words, (arguments, env, words, ran)
    assert ran.code in {0, 1, 2}, (arguments, ran)
    if ran.code == 2:
        assert ran.err.startswith("mailroom: "), (arguments, ran)
        assert not ran.out, (arguments, ran)
    return ran


def refused(folder: Path, *arguments: str, **env: str) -> str:
    """The error of a command that must be refused and must leave no trace."""
    before = sorted(folder.rglob("*"))
    ran = run(folder, *arguments, **env)
    assert ran.code == 2, (arguments, env, ran)
    assert sorted(folder.rglob("*")) == before, arguments
    return ran.err


def options(command: click.Command) -> list[click.Option]:
    return [item for item in command.params if isinstance(item, click.Option)]


def test_an_unknown_option_is_refused_with_the_command_to_ask(folder: Path) -> None:
    for words, _ in COMMANDS:
        said = refused(folder, *words, "--zzzz")
        assert "'--zzzz'" in said
        assert f"fix: see mailroom {' '.join(words)} --help" in said


def test_an_option_with_a_letter_missing_is_recognised(folder: Path) -> None:
    for words, command in COMMANDS:
        names = [item.opts[0] for item in options(command)]
        for name in names:
            if len(name) > 5 and not any(other.startswith(name[:-1]) and other != name for other in names):
                said = refused(folder, *words, f"{name[:4]}{name[5:]}")
                assert "id you mean" in said, (words, name)
                assert f"'{name}'" in said


def test_a_missing_argument_is_named(folder: Path) -> None:
    for words, command in COMMANDS:
        if any(item.required for item in command.params):
            assert "missing" in refused(folder, *words)


def test_too_many_arguments_are_refused(folder: Path) -> None:
    for words, command in COMMANDS:
        arguments = [item for item in command.params if isinstance(item, click.Argument)]
        if all(item.nargs == 1 for item in arguments):
            refused(folder, *words, *["file.pdf"] * (len(arguments) + 1))


WRONG_VALUES = {
    WholeNumber: ("many", "", "-5", "1e3", "1.5", "0x10", "99999999999999999999"),
    Number: ("many", "", "-1", "nan", "inf", "1e400"),
    ClosestChoice: ("zzzz", ""),
    Moment: ("yesterday", "", "99", "-1h", "2026-13-01"),
    TimeSpan: ("long", "", "-1h", "1.5h"),
    Threshold: ("0.7", "", "invoice", "invoice=", "invoice=1.5", "=0.7", "invoice=nan"),
}
"""Type of an option or argument -> what it does not take."""


def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_option(folder: Path) -> None:
    tried = set()
    for words, command in COMMANDS:
        for item in options(command):
            for value in WRONG_VALUES.get(type(item.type), ()):
                rest = given(command, folder / "file.pdf", besides=item)
                assert f"'{item.opts[0]}'" in refused(folder, *words, *rest, f"{item.opts[0]}={value}")
                tried.add(type(item.type))
    assert tried == set(WRONG_VALUES)


def test_every_kind_of_value_has_its_wrong_ones_here() -> None:
    """A new type must be added above, and click's own are not used: they speak of integers and floats."""
    plain = {click.STRING.name, click.BOOL.name, "path"}
    for words, command in COMMANDS:
        for item in command.params:
            assert item.type.name in plain or type(item.type) in WRONG_VALUES, (words, item.name, item.type)


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    for words, command in COMMANDS:
        for item in options(command):
            if not item.is_flag:
                said = refused(
                    folder, *words, *given(command, folder / "file.pdf", besides=item), item.opts[0], "\udcff"
                )
                assert "is not UTF-8 text" in said


def strange_files(folder: Path) -> list[str]:
    """Names of what is not the file that was meant. Access is denied to nobody who is root, so a link that leads
    nowhere stands for what cannot be opened."""
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(bytes(range(256)) * 8)
    (folder / "utf16").write_bytes("classify".encode("utf-16"))
    (folder / "a-folder").mkdir()
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with (folder / "huge").open("wb") as file:
        file.truncate(600 * 1024 * 1024)
    return ["missing", "no/such/folder", "empty", "binary", "utf16", "a-folder", "loop", "pipe", "huge", "x" * 300, ""]


def test_every_strange_file_that_a_command_is_given_ends_in_a_clear_word(folder: Path) -> None:
    with_store(folder)
    names = strange_files(folder)
    for words, command in WALKED:
        for item in command.params:
            is_path = isinstance(item.type, Given)
            if not is_path or words[0] == "watch":
                continue
            for name in names:
                if words == ["submit"] and name in {"empty", "binary", "utf16", "a-folder", "huge"}:
                    continue  # these can be submitted; what becomes of them has tests of its own
                rest = given(command, folder / "file.pdf", besides=item)
                found = run(
                    folder, *words, *rest, *([name] if isinstance(item, click.Argument) else [item.opts[0], name])
                )
                assert found.code or words[0] in {"submit", "backup"}, (words, name, found)


def test_watch_refuses_what_is_no_folder(folder: Path) -> None:
    for name in strange_files(folder):
        if name != "a-folder":
            refused(folder, "watch", name, "--once")


@pytest.fixture(scope="module")
def reads_the_table() -> list[tuple[list[str], click.Command]]:
    return [(words, command) for words, command in COMMANDS if words[0] not in {"demo", "init"}]


WRONG_TABLES = {
    "a list": "- invoice\n",
    "one word": "invoice\n",
    "no YAML": "classify: [rules\n",
    "a tab": "classify:\n\trules: 1\n",
    "an unknown key": TABLE + "clasify: 1\n",
    "another type": TABLE.replace("deadline: 20 seconds", "deadline: [1, 2]"),
    "a number for a place": TABLE.replace('["folder://./out/invoices/"]', "17"),
}


def test_a_table_that_cannot_be_read_is_refused_by_every_command_that_reads_it(
    folder: Path, reads_the_table: list[tuple[list[str], click.Command]]
) -> None:
    with_store(folder)
    strange_files(folder)
    (folder / "wrong.yaml").write_text(WRONG_TABLES["an unknown key"])
    readers = 0
    for words, command in reads_the_table:
        arguments = [*words, *given(command, folder / "file.pdf")]
        if (
            words[0] not in STAYS_UP
            and "there is no missing" not in run(folder, *arguments, MAILROOM_CONFIG="missing").err
        ):
            continue
        readers += 1
        for name in ("a-folder", "binary", "loop", "wrong.yaml"):
            assert name in refused(folder, *arguments, MAILROOM_CONFIG=name)
    assert readers > 10


def test_a_table_is_refused_whatever_is_wrong_with_it(folder: Path) -> None:
    for name in strange_files(folder):
        refused(folder, "routes", "check", "--offline", MAILROOM_CONFIG=name)
    for text in WRONG_TABLES.values():
        (folder / "mailroom.yaml").write_text(text)
        assert "mailroom.yaml:" in refused(folder, "routes", "check", "--offline")


def test_a_misspelt_setting_is_refused_by_every_command_with_the_one_that_was_meant(folder: Path) -> None:
    names = itertools.cycle(name for name in VARIABLES.values() if name.startswith("MAILROOM_"))
    for words, command in COMMANDS:
        name = next(names)
        if words[0] in {"init", "demo"} or words == ["routes", "schema"]:
            continue
        said = run(folder, *words, *given(command, folder / "file.pdf"), **{f"{name[:-1]}": "x"}).err
        if "fix: see mailroom" not in said and words != ["webhooks", "rotate"]:  # these want something else first
            assert f"{name[:-1]} is not a Mailroom setting; did you mean {name}" in said, words


WRONG_SETTINGS = (" x", '"quoted"', "\x07", "?", "-1", "://", "nan")


def test_every_setting_that_cannot_be_is_refused_by_its_name(folder: Path) -> None:
    for field, name in VARIABLES.items():
        for value in WRONG_SETTINGS:
            said = refused(folder, "costs", **{name: value})
            assert name in said or "there is no" in said, (name, value)
        assert name in refused(folder, "costs", **{name: "\x07"}), FORMS[field].says
        for file in ("missing", "a\nb"):
            assert f"{name}_FILE" in refused(folder, "costs", **{f"{name}_FILE": file, name: ""})


def test_a_store_that_is_none_is_refused(folder: Path) -> None:
    strange_files(folder)
    for words, command in WALKED:
        if words != ["doctor"]:  # it looks at everything else, too
            for name in ("binary", "a-folder"):
                run(folder, *words, *given(command, folder / "file.pdf"), MAILROOM_STORE=f"sqlite:///{name}")


@pytest.mark.parametrize("name", [".", "..", "a-folder"])
def test_a_folder_is_no_store_for_a_command_that_reads(folder: Path, name: str) -> None:
    (folder / "a-folder").mkdir()
    assert "is a folder" in refused(folder, "balance", MAILROOM_STORE=f"sqlite:///{name}")


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ("no_such_module:build", "there is no module no_such_module"),
        ("os:nothing", "is not a function that takes settings"),
        ("os:path", "is not a function that takes settings"),
        ("os:getcwd", "is not a function that takes settings"),
        ("builtins:repr", "does not return an App"),
    ],
)
def test_an_application_that_is_none_is_refused(folder: Path, app: str, told: str) -> None:
    assert told in refused(folder, "doctor", "--no-job", MAILROOM_APP=app)


@pytest.mark.parametrize("arguments", [[], ["--once"]])
def test_the_demo_refuses_a_path_that_is_not_there_before_it_starts_anything(
    folder: Path, arguments: list[str]
) -> None:
    assert "there is no nowhere.pdf" in refused(folder, "demo", *arguments, "nowhere.pdf")


def test_a_llamacloud_that_does_not_answer_is_reported_with_its_address(folder: Path) -> None:
    with_store(folder)
    address = f"http://127.0.0.1:{free_port()}"
    for words in (["webhooks", "list"], ["webhooks", "drift"], ["webhooks", "apply"]):
        ran = run(folder, *words, LLAMA_CLOUD_BASE_URL=address)
        assert ran.code == 1
        assert f"LlamaCloud at {address}" in ran.err
        assert "connection refused" in ran.err
        assert "check LLAMA_CLOUD_BASE_URL" in ran.err
        assert "status page" not in ran.err
    ran = run(folder, "doctor", "--no-job", LLAMA_CLOUD_BASE_URL=address)
    assert ran.code == 1
    assert not FOREIGN.search(ran.out)
    assert "status page" not in ran.out
    assert "connection refused" in ran.out


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A web server that is not LlamaCloud, as a mistyped address leads to one."""

    def do_GET(self) -> None:
        body = b"<html>Welcome</html>"
        self.send_response(404 if "v2" in self.path else 200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed among the tests' results."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_another_server_in_the_place_of_llamacloud_is_told_by_the_setting_that_names_it(
    folder: Path, elsewhere: str
) -> None:
    with_store(folder)
    for words in (["webhooks", "list"], ["webhooks", "apply"]):
        ran = run(folder, *words, LLAMA_CLOUD_BASE_URL=elsewhere)
        assert ran.code == 1
        assert "check that LLAMA_CLOUD_BASE_URL is a LlamaCloud URL" in ran.err
    ran = run(folder, "doctor", "--no-job", LLAMA_CLOUD_BASE_URL=elsewhere)
    assert "check that LLAMA_CLOUD_BASE_URL is a LlamaCloud URL" in ran.out
    assert "status page" not in ran.out


def test_a_receiver_that_does_not_answer_is_reported_with_its_address(folder: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/"
    said = refused(folder, "trigger", "classify.success", "--to", address)
    assert f"no response from {address}: connection refused" in said
    assert "is not a URL" in refused(folder, "trigger", "classify.success", "--to", "mail.example.com")


def test_an_aws_that_does_not_answer_is_reported_in_plain_words(folder: Path) -> None:
    aws = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    assert run(folder, "documents", MAILROOM_STORE="dynamodb://mailroom", MAILROOM_SPOOL="s3://spool/", **aws).code == 1
    (folder / "mailroom.yaml").write_text(TABLE.replace("folder://./out/invoices/", "s3://bucket/in/"))
    ran = run(folder, "routes", "check", **aws)
    assert ran.code == 1
    assert "AWS cannot be reached: connection refused" in ran.out


def test_no_command_about_documents_makes_a_store_where_there_is_none(folder: Path) -> None:
    for words, command in WALKED:
        if any(item.name in {"document_id", "documents", "ids", "key"} for item in command.params):
            arguments = [*words, *given(command, folder / "file.pdf")]
            assert run(folder, *arguments).code == 2, words
            assert not (folder / "mailroom.db").exists(), words
