"""What a mail's text says is read as it was meant, and nothing that it shows or does is overlooked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.mail.markup import same_text, says_nothing
from tests.unit.mail.reading import PDF, PNG, fates, kept, mail, multi, part, pictured, text

HTML = "text/html; charset=utf-8"
SHOWS = text('<p>See <img src="cid:p1"></p>', HTML)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "image/png"),
        (b"II*\0 ten pages of a fax", "image/tiff"),
        (b"II*\0 ten pages of a fax", "image/png"),
        (b"\0\0\0\x18ftypheic a photo", "image/heic"),
        (b"\0\0\0\x18ftypheic a photo", "image/jpeg"),
    ],
)
def test_what_html_cannot_show_is_a_document_though_the_html_names_it(content: bytes, kind: str) -> None:
    found = mail(multi("related", SHOWS, pictured(content, "scan", "p1", kind=kind)))
    assert kept(found, "scan") == content


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "image/png"), (PNG, "application/octet-stream"), (b"<svg/>", "image/svg+xml")]
)
def test_what_html_can_show_is_inside_of_it(content: bytes, kind: str) -> None:
    assert fates(mail(multi("related", SHOWS, pictured(content, "logo", "p1", kind=kind))))["logo"] == "left_out"


@pytest.mark.parametrize(
    "shows",
    [
        "<script>document.write(atob('SGVsbG8='))</script>",
        "<form><input value='500 EUR'></form>",
        "<iframe src='https://x.example/invoice'></iframe>",
        "<a href='https://x.example/invoice'></a>",
        "<meta http-equiv=refresh content='0;url=https://x.example/invoice'>",
        "<div style=\"background:url('https://x.example/1.png')\"></div>",
        "<canvas></canvas>",
    ],
)
def test_html_that_shows_or_does_something_is_not_empty(shows: str) -> None:
    assert not says_nothing(f"<html><body>{shows}</body></html>", is_html=True)


def test_html_that_only_lays_out_is_empty() -> None:
    assert says_nothing(
        "<html><style>p {x: 1}</style><a name=top></a><p class=a>&nbsp;<br><o:p></o:p></html>", is_html=True
    )


@pytest.mark.parametrize(
    ("plain", "source"),
    [
        ("Cancel 12, keep 34.", "<p>Cancel 34, keep 12.</p>"),
        ("Pay 5 and again 5", "<p>Pay 5 and again</p>"),
        ("We cancel 4711.", "<p>See online.</p><!-- we cancel 4711 -->"),
        ("We cancel 4711.", "<p title='we cancel 4711'>See online.</p>"),
        ("See https://x.example/2", "<a href='https://x.example/1'>See</a>"),
    ],
)
def test_texts_of_the_same_words_may_say_different_things(plain: str, source: str) -> None:
    assert not same_text(plain, source)


@pytest.mark.parametrize(
    ("plain", "source"),
    [
        ("*We* cancel.\n\nSee<https://x.example/?a=1&b=2>", "<b>We</b> can<i>cel</i>.<p><a href='https://x.example/?a=1&amp;b=2'>See</a>"),
        ("[image: Our Logo]\nHello\nworld", "<img alt='Our Logo'><div>Hello</div><div>world</div>"),
    ],
)  # fmt: skip
def test_what_plain_text_puts_in_place_of_tags_makes_no_difference(plain: str, source: str) -> None:
    assert same_text(plain, source)


WORDS = st.lists(st.text("abc1", min_size=1, max_size=3), min_size=1, max_size=8)


@given(WORDS, WORDS)
def test_only_a_text_that_follows_the_other_is_the_same(said: list[str], other: list[str]) -> None:
    source = "".join(f"<p>{word}</p>" for word in other)
    there = iter(other)
    assert same_text(" ".join(said), source) or not all(word in there for word in said)
    assert same_text(" ".join(other), source)
    joined = "".join(other)
    assert not same_text(" ".join(said), source) or all(word in joined for word in said)


@pytest.mark.parametrize(
    ("named", "meant", "said"),
    [
        ("gb2312", "gbk", "朱镕基 於"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("shift_jis", "cp932", "①髙橋"),
        ("iso-8859-1", "cp1252", "500 € – “net”"),
        ("utf-16", "ascii", "We cancel contract 4711."),
        ("us-ascii", "utf-8", "Grüße"),
        ("no-such-charset", "utf-8", "Grüße"),
    ],
)
def test_a_charset_is_read_as_programs_mean_it(named: str, meant: str, said: str) -> None:
    document = kept(mail(part(said.encode(meant), f"text/plain; charset={named}")), "Our letter.txt")
    assert document.decode().endswith(said)


@pytest.mark.parametrize("charset", ["euc-jp", "iso-2022-jp", "euc-kr", "macintosh", "utf-7", "utf-16"])
def test_html_in_a_charset_that_readers_may_not_know_becomes_utf8(charset: str) -> None:
    said = "<p>Hello 123</p>" if charset == "macintosh" else "<p>日本</p>"
    document = kept(mail(part(said.encode(charset), f"text/html; charset={charset}")), "Our letter.html").decode()
    assert document.startswith('<!DOCTYPE html>\n<meta charset="utf-8">')
    assert said in document
