"""The per-job token proves one document's job and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core import token
from receiver.core.errors import NotAuthentic
from tests.builders import NOW

NEW, OLD = b"new secret", b"old secret"
SOON = NOW + 60


def cause(given: bytes, *secrets: bytes, now: float = NOW) -> str:
    with pytest.raises(NotAuthentic) as caught:
        token.read_token(given, secrets or (NEW,), now=now)
    return caught.value.cause


def test_a_token_names_its_document_and_the_secret_that_made_it() -> None:
    made = token.make_token("doc_abc", OLD, expires_at=SOON).encode()
    assert token.read_token(made, (NEW, OLD), now=NOW) == ("doc_abc", 1)
    assert token.read_token(made, (OLD,), now=NOW) == ("doc_abc", 0)


def test_a_token_shows_no_secret_and_fits_a_header() -> None:
    made = token.make_token("doc_abc", NEW, expires_at=SOON)
    assert "secret" not in made
    assert made.isascii()
    assert made.isprintable()


def test_a_token_of_a_retired_secret_is_refused() -> None:
    assert cause(token.make_token("doc_abc", OLD, expires_at=SOON).encode(), NEW) == "token_key_unknown"


def test_without_secrets_no_token_is_good() -> None:
    with pytest.raises(NotAuthentic):
        token.read_token(token.make_token("doc_abc", NEW, expires_at=SOON).encode(), (), now=NOW)


def test_a_token_expires() -> None:
    made = token.make_token("doc_abc", NEW, expires_at=SOON).encode()
    assert token.read_token(made, (NEW,), now=SOON) == ("doc_abc", 0)
    assert cause(made, now=SOON + 1) == "token_expired"


@pytest.mark.parametrize("place", range(5))
def test_no_part_of_a_token_can_be_changed(place: int) -> None:
    parts = token.make_token("doc_abc", NEW, expires_at=SOON).encode().split(b".")
    parts[place] = parts[place][:-1] + (b"0" if parts[place][-1:] != b"0" else b"1")
    assert cause(b".".join(parts)).startswith("token_")


def test_a_token_for_one_document_does_not_become_another_by_swapping_its_name() -> None:
    made = token.make_token("doc_abc", NEW, expires_at=SOON).encode()
    assert cause(made.replace(b"doc_abc", b"doc_xyz")) == "token_wrong"


@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(st.binary(), min_size=5, max_size=5).map(b".".join)))
def test_rubbish_is_refused_and_never_an_accident(given: bytes) -> None:
    assert cause(given).startswith("token_")
