"""Links to documents: each opens one document, for a while, and nothing but our own secret makes one."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core import token
from receiver.core.errors import Misconfigured
from receiver.core.links import ContentLinks
from receiver.core.retention import DAY
from tests.builders import NOW
from tests.receivers import settings_with

SECRETS = (b"the-first-secret-of-ours", b"an-older-secret-of-ours")


def links(*secrets: bytes, days: float = 7) -> ContentLinks:
    return ContentLinks(base="https://documents.example.com/", days=days, secrets=secrets or SECRETS)


def token_of(url: str) -> str:
    (said,) = parse_qs(urlsplit(url).query)["token"]
    return said


@given(
    ids=st.lists(st.from_regex(r"doc_[a-z0-9]{4,20}", fullmatch=True), min_size=2, max_size=2, unique=True),
    days=st.floats(0.01, 365),
    share=st.floats(0, 0.99),
)
def test_a_link_opens_its_own_document_until_its_time_is_over(ids: list[str], days: float, share: float) -> None:
    ours = links(days=days)
    url, manifest = ours.made(ids[0], now=NOW)
    assert url.startswith(f"https://documents.example.com/documents/{ids[0]}/content?token=")
    assert manifest.startswith(f"https://documents.example.com/documents/{ids[0]}/manifest?token=")
    for said in (token_of(url), token_of(manifest)):
        assert ours.proves(said, ids[0], now=NOW + share * days * DAY - 1)
        assert not ours.proves(said, ids[0], now=NOW + days * DAY + 1)
        assert not ours.proves(said, ids[1], now=NOW)


@given(said=st.text(max_size=200))
def test_whatever_else_is_sent_opens_nothing(said: str) -> None:
    assert not links().proves(said, "doc_a", now=NOW)


def test_a_token_that_llamacloud_was_sent_opens_no_document() -> None:
    for secret in SECRETS:
        assert not links().proves(token.make_token("doc_a", secret, expires_at=NOW + 60), "doc_a", now=NOW)


def test_links_of_an_older_secret_open_while_it_is_accepted() -> None:
    ours = links(b"a-secret-of-before")
    said = token_of(ours.made("doc_a", now=NOW)[0])
    ours.take((b"a-new-secret-of-ours", b"a-secret-of-before"))
    assert ours.proves(said, "doc_a", now=NOW)
    assert token_of(ours.made("doc_a", now=NOW)[0]) != said
    ours.take((b"a-new-secret-of-ours",))
    assert not ours.proves(said, "doc_a", now=NOW)


def test_the_secrets_stand_in_no_repr() -> None:
    assert "secret-of-ours" not in repr(links())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"documents_url": "http://documents.example.com"}, "unencrypted"),
        ({"documents_url": "https://documents.example.com", "operator_address": ""}, "nothing serves the links"),
        ({"documents_url": "https://documents.example.com", "token_secrets": ""}, "no secret signs the links"),
    ],
)
def test_links_that_could_not_work_are_refused_at_start(given: dict[str, str], said: str) -> None:
    from receiver.combinations import refuse_combinations
    from receiver.settings import Secret

    if "token_secrets" in given:
        given = {**given, "token_secrets": Secret("")}  # type: ignore[dict-item]
    with pytest.raises(Misconfigured, match=said):
        refuse_combinations(settings_with(**given), {})
