"""What a secret must be, at the start and at every renewal: nothing empty, nothing short, nothing that vanishes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import secret_rules
from receiver.core.errors import Misconfigured
from receiver.core.verify_webhook import Proof, WebhookSecrets
from receiver.read_settings import FILE_LIMIT, from_environ
from receiver.secret_rules import SHORTEST
from receiver.secrets import SecretCache
from receiver.settings import Secret, Settings

GOOD = "a-secret-of-16-b"
OTHER = "another-secret-of-ours"


def refusal(**given: str) -> str:
    """Why a process with these settings does not start."""
    env = {f"MAILROOM_{name.upper()}": value for name, value in given.items()}
    with pytest.raises(Misconfigured) as caught:
        _start(from_environ(env))
    return str(caught.value)


def _start(settings: Settings) -> WebhookSecrets:
    settings.operator_token()
    return settings.webhook_secrets()


@pytest.mark.parametrize("variable", ["token_secrets", "signing_secrets"])
@pytest.mark.parametrize("text", [",,,", ",", " ", f"{GOOD},", f",{GOOD}", f"{GOOD},,{OTHER}", f"{GOOD}, ,{OTHER}"])
def test_an_empty_item_of_a_list_is_named(variable: str, text: str) -> None:
    said = refusal(**{variable: text})
    assert said.startswith(f"MAILROOM_{variable.upper()} has ")
    assert " is empty" in said or "white space" in said


@pytest.mark.parametrize("variable", ["token_secrets", "signing_secrets", "admin_token"])
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(variable: str) -> None:
    given = {"token_secrets": GOOD, variable: GOOD[:-1]}
    said = refusal(**given)
    assert said == f"MAILROOM_{variable.upper()}: secret 1 is shorter than 16 bytes"
    assert GOOD[:-1] not in said


@pytest.mark.parametrize("text", [f"{GOOD},x", f"x,{GOOD}"])
def test_each_item_of_a_list_must_be_long_enough(text: str) -> None:
    assert "is shorter than 16 bytes" in refusal(token_secrets=text)


def test_to_try_things_out_a_short_secret_will_do_and_is_asked_for_all_the_same() -> None:
    chosen = from_environ(
        {
            "MAILROOM_ALLOW_UNVERIFIED": "true",
            "MAILROOM_TOKEN_SECRETS": "x",
            "MAILROOM_ADMIN_TOKEN": "y",
            "MAILROOM_WEBHOOK_HEADERS": '{"X-Key": ["z"]}',
        }
    )
    assert chosen.webhook_secrets().required == {Proof.TOKEN, Proof.HEADERS}
    assert chosen.operator_token().reveal() == "y"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ("{}", "is empty"),
        ("[]", "is not a JSON object of lists"),
        ("null", "is not a JSON object of lists"),
        ('{"X-Key": []}', "is not a JSON object of lists"),
        (f'{{"X-Key": ["{GOOD}", ""]}}', "that no header can carry"),
        ('{"X-Key": ["short"]}', "secret 1 is shorter"),
        (f'{{"X-Key": ["{GOOD}"], "x-KEY": ["{OTHER}"]}}', "names x-key twice"),
        (f'{{"": ["{GOOD}"]}}', "has '', which is not a valid header name"),
        (f'{{"X Key": ["{GOOD}"]}}', "has 'X Key', which is not a valid header name"),
        (f'{{"X-Clé": ["{GOOD}"]}}', "which is not a valid header name"),
        (f'{{"LC-Signature": ["{GOOD}"]}}', "which is reserved"),
        (f'{{"X-Mailroom-Token": ["{GOOD}"]}}', "which is reserved"),
        (f'{{"Content-Type": ["{GOOD}"]}}', "which is reserved"),
        (f'{{"X-Key": ["{GOOD} "]}}', "that no header can carry"),
        (f'{{"X-Key": ["{GOOD}\\n"]}}', "that no header can carry"),
        (f'{{"X-Key": ["{GOOD}é"]}}', "that no header can carry"),
    ],
)
def test_a_header_that_could_not_prove_anything_is_refused(headers: str, said: str) -> None:
    assert said in refusal(webhook_headers=headers)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"caf\xe9-au-lait-and-a-croissant", "is not UTF-8 text"),
        (b"x" * (FILE_LIMIT + 1), "is larger than 64 KB"),
        (b"a-secret-on-a-line\nanother-on-a-line", "control character"),
        (b",,,", "item 1 of 4 is empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_by_name(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert said in refusal(token_secrets_file=str(path))


@pytest.mark.parametrize("path", ["/dev/zero", "/nonexistent/secret", "/"])
def test_a_path_that_is_no_file_of_ours_is_refused(path: str) -> None:
    assert "MAILROOM_TOKEN_SECRETS_FILE: " in refusal(token_secrets_file=path)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n")
    assert from_environ({"MAILROOM_TOKEN_SECRETS_FILE": str(path)}).webhook_secrets().token_secrets == (GOOD.encode(),)


def test_a_variable_and_its_file_are_not_both_set_and_an_empty_one_is_not_set(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(GOOD)
    both = {"token_secrets": OTHER, "token_secrets_file": str(path)}
    assert "are both set" in refusal(**both)
    assert "are both set" in refusal(**dict(reversed(both.items())))
    for order in (1, -1):
        env = dict([("MAILROOM_TOKEN_SECRETS_FILE", str(path)), ("MAILROOM_TOKEN_SECRETS", "")][::order])
        assert from_environ(env).webhook_secrets().token_secrets == (GOOD.encode(),)


def test_a_variable_that_is_no_text_is_refused() -> None:
    assert refusal(token_secrets=os.fsdecode(b"\xff" * 20)) == "MAILROOM_TOKEN_SECRETS is not UTF-8 text"


def test_a_secret_of_aws_that_is_empty_is_refused() -> None:
    vault = SecretCache(lambda *_: "")
    with pytest.raises(Misconfigured, match="MAILROOM_TOKEN_SECRETS: ssm:/token is empty"):
        from_environ({"MAILROOM_TOKEN_SECRETS": "ssm:/token"}, vault=vault)


@given(st.text(alphabet=st.sampled_from(", \tabc\n\x00é") | st.characters(), max_size=80))
def test_whatever_a_list_says_every_secret_that_is_taken_from_it_is_one(text: str) -> None:
    try:
        taken = secret_rules.secret_list("V", text)
        secret_rules.refuse_short("V", taken)
    except Misconfigured as error:
        assert text.strip() not in str(error) or len(text.strip()) < 12
        return
    assert len(taken) == (text.count(",") + 1 if text else 0)
    assert all(len(item) >= SHORTEST and item.decode().isprintable() for item in taken)


NAMES = st.sets(st.sampled_from(["x-a", "x-b", "x-c"]))
LOCKS = st.builds(
    lambda names, required: WebhookSecrets(
        headers={n.encode(): (GOOD.encode(),) for n in names}, required=frozenset(required)
    ),
    NAMES,
    st.sets(st.sampled_from(Proof)),
)


@given(LOCKS, LOCKS)
def test_a_renewal_changes_secrets_and_never_what_is_asked_for(before: WebhookSecrets, after: WebhookSecrets) -> None:
    def asked(lock: WebhookSecrets) -> Mapping[str, object]:
        names = set(lock.headers) if Proof.HEADERS in lock.required else set()
        return {"proofs": lock.required, "names": names}

    try:
        secret_rules.refuse_other_proofs(before, after)
    except Misconfigured:
        assert asked(before) != asked(after)
    else:
        assert asked(before) == asked(after)


def test_the_first_of_each_kind_is_what_llamacloud_is_told() -> None:
    named = json.dumps({"X-Key": [GOOD, OTHER]})
    lock = Settings(webhook_headers=Secret(named), signing_secrets=Secret(f"{GOOD}, {OTHER}")).webhook_secrets()
    assert lock.headers == {b"x-key": (GOOD.encode(), OTHER.encode())}
    assert lock.signing_secrets == (GOOD.encode(), OTHER.encode())
