"""The list of operators, and the command that writes it."""

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cli import operators as command
from receiver.core.forms import Wrong
from receiver.core.operators import Operator, Operators, Role, hash_token, new_token, read_operators, write_operators
from tests.command_line import mailroom
from tests.processes import Ran

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() != "operator"
)
SHA = "a" * 64


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(Role), st.booleans()), max_size=5))
def test_a_list_is_read_as_it_was_written(given_roles: dict[str, tuple[Role, bool]]) -> None:
    entries = {
        name: Operator(name=name, role=role, token_sha256=hash_token(name.encode()) if token else "")
        for name, (role, token) in given_roles.items()
        if sum(other.lower() == name.lower() for other in given_roles) == 1
    }
    assert read_operators(write_operators(entries.values())).entries == entries


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("1" * 5000, "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"ann": {}}', "something else than role and token_sha256"),
        ('{"ann": {"role": "viewer", "token": "x"}}', "something else than role and token_sha256"),
        ('{"ann": {"role": "root"}}', "a role that does not exist"),
        ('{"ann": {"role": ["viewer"]}}', "a role that does not exist"),
        ('{"ann": {"role": "viewer", "token_sha256": "AA"}}', "is no SHA-256"),
        ('{"ann": {"role": "viewer", "token_sha256": 1}}', "is no SHA-256"),
        (f'{{"*": {{"role": "viewer", "token_sha256": "{SHA}"}}}}', "gives [*] a token"),
        ('{"ann": {"role": "viewer"}, "ann": {"role": "admin"}}', "names ann twice"),
        ('{"ann": {"role": "viewer"}, "Ann": {"role": "admin"}}', "twice"),
        (json.dumps({name: {"role": "viewer", "token_sha256": SHA} for name in "ab"}), "twice"),
        ('{"Operator": {"role": "admin"}}', "somebody without a name"),
        ('{"a b": {"role": "admin"}}', "names 'a b'"),
        ('{"": {"role": "admin"}}', "names ''"),
        ('{"*@": {"role": "admin"}}', "names"),
        ('{"a*": {"role": "admin"}}', "names"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_by_entry(text: str, message: str) -> None:
    with pytest.raises(Wrong, match=message):
        read_operators(text)


def test_a_token_is_32_random_bytes_and_opens_only_by_itself() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {len("mailroom_") + 43}
    first, *others = tokens
    ann = Operator(name="ann", role=Role.VIEWER, token_sha256=hash_token(first.encode()))
    known = Operators({"ann": ann, "bob": Operator(name="bob", role=Role.ADMIN)})
    assert known.by_token(first.encode()) is ann
    assert [known.by_token(token.encode()) for token in [*others, "", ann.token_sha256]] == [None] * 101


def test_at_a_proxy_the_whole_name_counts_before_the_domain_and_that_before_everybody() -> None:
    roles = {"Ann@example.com": "admin", "*@example.com": "operator", "bob": "operator"}
    known = read_operators(json.dumps({name: {"role": role} for name, role in roles.items()}))
    asked = [
        "ann@EXAMPLE.com",
        "eve@example.com",
        "eve@example.com.evil.test",
        "ann@example.com@evil.test",
        "eve@evil.test@example.com",
        "bob",
        "eve",
    ]
    assert [known.role_at_proxy(name) for name in asked] == ["admin", "operator", None, None, None, "operator", None]
    everybody = read_operators('{"*": {"role": "viewer"}}')
    assert [everybody.role_at_proxy(name) for name in ("eve", "eve@example.com")] == ["viewer", "viewer"]
    assert everybody.by_name("eve") is None


def test_roles_are_ordered() -> None:
    assert [[role.covers(needed) for needed in Role] for role in Role] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip


class Desk:
    """The command, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "operators.json"

    def __call__(self, *words: str) -> Ran:
        return mailroom(self.folder, "operators", *words, env={"MAILROOM_OPERATORS_FILE": str(self.file)})


@pytest.fixture
def operators(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_operator_is_added_listed_and_removed_and_the_file_has_no_token(operators: Desk) -> None:
    added = operators("add", "ann", "--role", "operator")
    token = added.out.strip()
    assert (added.code, token.startswith("mailroom_")) == (0, True)
    assert token not in operators.file.read_text()
    assert stat.S_IMODE(operators.file.stat().st_mode) == 0o600
    known = read_operators(operators.file.read_text())
    assert known.by_token(token.encode()) == known.by_name("ann")
    assert operators("add", "*@example.com", "--role", "viewer").out == ""
    assert operators("add", "bob@example.com", "--role", "admin", "--no-token").out == ""
    listed = json.loads(operators("list", "--json").out)["operators"]
    assert [(item["name"], item["role"], item["signs_in_by"]) for item in listed] == [
        ("*@example.com", "viewer", "proxy"), ("ann", "operator", "token"), ("bob@example.com", "admin", "proxy"),
    ]  # fmt: skip
    assert operators("remove", "ann").code == 0
    assert read_operators(operators.file.read_text()).by_token(token.encode()) is None
    assert [item.name for item in operators.folder.iterdir()] == ["operators.json"]


def test_a_token_is_replaced_only_on_request_and_the_file_keeps_its_mode(operators: Desk) -> None:
    first = operators("add", "ann", "--role", "operator").out.strip()
    operators.file.chmod(0o640)
    refused = operators("add", "ann", "--role", "admin")
    assert (refused.code, "--replace" in refused.err) == (2, True)
    second = operators("add", "ann", "--role", "admin", "--replace").out.strip()
    known = read_operators(operators.file.read_text())
    assert known.by_token(first.encode()) is None
    assert (found := known.by_token(second.encode())) is not None
    assert found.role is Role.ADMIN
    assert stat.S_IMODE(operators.file.stat().st_mode) == 0o640


def test_of_several_who_change_the_list_at_once_nobody_is_lost(
    operators: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    operators("add", "ann", "--role", "operator")
    read, both_have_read = command._read, threading.Barrier(2)

    def read_together(*given: Any, **more: Any) -> Operators:
        found = read(*given, **more)
        with suppress(threading.BrokenBarrierError):  # one at a time: the other one does not come
            both_have_read.wait(0.05)
        return found

    monkeypatch.setattr(command, "_read", read_together)
    add, remove = command.add.callback, command.remove.callback
    assert add is not None
    assert remove is not None
    with ThreadPoolExecutor() as threads:
        added = threads.submit(add, "bob", "viewer", True, False, operators.file)
        removed = threads.submit(remove, "ann", operators.file)
    assert (added.result(), removed.result()) == (None, None)
    assert set(read_operators(operators.file.read_text()).entries) == {"bob"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "a b", "--role", "viewer"), "names 'a b'"),
        (("add", "ann"), "--role"),
        (("add", "ann", "--role", "root"), "root"),
        (("add", "operator", "--role", "viewer"), "somebody without a name"),
        (("add", "ANN", "--role", "viewer"), "twice"),
        (("remove", "nobody"), "there is no operator nobody"),
        (("list", "--file", "missing.json"), "missing.json cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(words: tuple[str, ...], message: str, operators: Desk) -> None:
    operators("add", "ann", "--role", "operator")
    before = operators.file.read_bytes()
    ran = operators(*words)
    assert (ran.code, message in ran.err, ran.out) == (2, True, ""), ran.err
    assert operators.file.read_bytes() == before


def test_without_a_file_the_command_says_what_to_set(tmp_path: Path) -> None:
    ran = mailroom(tmp_path, "operators", "list", env={})
    assert (ran.code, "MAILROOM_OPERATORS_FILE" in ran.err) == (2, True)
