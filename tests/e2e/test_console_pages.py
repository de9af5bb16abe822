"""What a person sees of a document in the operator's page, and how a packet is cut there."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from receiver.bootstrap import App
from receiver.core.document import Document, DocumentState, Step
from receiver.core.mail import Fate, Part
from receiver.core.pages import Cut, Guards, Segment, account, read_spans
from receiver.core.plan import Plan, Way
from receiver.store.memory import MemoryStore
from receiver.store.spool import FolderSpool
from tests.axe import violations
from tests.builders import NOW, a_document
from tests.mail_fixtures import a_mail
from tests.pdf_fixtures import a_page, locked, packet_bytes
from tests.receivers import an_app

LOCKED = locked()
SIX_PAGES = packet_bytes(*(a_page(f"this is page {number}") for number in range(1, 7)))
HOSTILE = b"<p>Hello<img src=x onerror='document.title=1'><script>document.title=2</script> \xe2\x80\xaefdp</p>"
PLAN = Plan(way=Way.LOW_CONFIDENCE, route="low_confidence", reason="confidence 0.42 is below 0.80", review=True)
CUT = Cut(at=NOW, by="job spl-1", task="cut:doc-packet:spl-1", pieces=(
    Segment(category="invoice", pages=(1, 2, 3), confidence="high"),
    Segment(category="uncategorized", pages=(4, 5), confidence="low"),
))  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Documents of each kind, in review, each with its bytes in the spool; the newest is the first in the list."""
    app = an_app(tmp_path)
    review = {"state": DocumentState.REVIEW, "step": Step.SETTLED}
    put(app, "doc-gone", b"", **review)
    put(app, "doc-locked", LOCKED, name="locked.pdf", **review)
    put(app, "doc-page", HOSTILE, name="page.html", media_type="text/html", **review)
    put(app, "doc-letter", SIX_PAGES, name="letter.pdf", plan=PLAN, **review)
    put(app, "doc-packet", SIX_PAGES, name="packet.pdf", packet=True, page_count=6, cuts=(CUT,), **review)
    part = Part(where="2", name="letter.pdf", media_type="application/pdf", size=9, fate=Fate.DOCUMENT,
                document_id="doc-letter")  # fmt: skip
    put(app, "doc-mail", bytes(a_mail()), name="mail.eml", media_type="message/rfc822", mail=True, parts=(part,))
    return app


def put(app: App, document_id: str, content: bytes, **fields: object) -> None:
    """A document with these bytes; without any they are gone."""
    store, spool = app.context.store, app.context.spool
    assert isinstance(store, MemoryStore)
    assert isinstance(spool, FolderSpool)
    document = a_document(id=document_id, content=f"spool:{document_id}", size=len(content), **fields)
    if content:
        path = spool.path_of(document.content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    store._put(document)


def stored(app: App, document_id: str) -> Document:
    assert isinstance(app.context.store, MemoryStore)
    found = app.context.store._get(Document, document_id)
    assert found is not None
    return found


def opened(page: Page, document_id: str) -> Locator:
    """The detail of this document."""
    page.evaluate(f"location.hash = '#all/{document_id}'")
    expect(page.locator(f"#detail[data-id={document_id}]")).to_be_visible()
    return page.locator("#detail")


def drawn(image: Locator) -> None:
    """Waits until the image shows a picture."""
    expect(image).to_have_js_property("complete", True)
    expect(image).not_to_have_js_property("naturalWidth", 0)


def test_a_document_is_seen_page_by_page_beside_its_decision(page: Page) -> None:
    page.set_viewport_size({"width": 1240, "height": 600})
    detail = opened(page, "doc-letter")
    expect(detail.locator("figure")).to_have_count(6)
    drawn(detail.get_by_alt_text("Page 1 of 6"))
    decision, picture = detail.locator(".decision").first.bounding_box(), detail.locator(".view").bounding_box()
    assert decision is not None
    assert picture is not None
    assert decision["x"] >= picture["x"] + picture["width"]
    assert decision["y"] < picture["y"] + 50
    last = detail.get_by_alt_text("Page 6 of 6")
    assert last.get_attribute("src") is None
    last.scroll_into_view_if_needed()
    drawn(last)
    assert violations(page) == []


def test_pages_grow_by_a_key_and_have_their_text_below(page: Page) -> None:
    detail = opened(page, "doc-letter")
    first = detail.get_by_alt_text("Page 1 of 6")
    drawn(first)
    before = first.bounding_box()
    page.keyboard.press("+")
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] * 1.4
    detail.get_by_role("button", name="Text").click()
    expect(detail.locator("figure[data-page='1'] pre")).to_have_text("this is page 1")


def test_a_picture_that_has_to_wait_is_asked_for_again(page: Page) -> None:
    page.clock.install()
    page.route("**/pages/1.png*", lambda route: route.fulfill(status=503, json={}), times=1)
    with page.expect_response("**/pages/1.png*") as refused:
        detail = opened(page, "doc-letter")
    assert refused.value.status == 503
    expect(detail.locator("figure[data-page='1'] .lacks")).to_have_count(0)
    page.clock.run_for(2500)
    drawn(detail.get_by_alt_text("Page 1 of 6"))


def test_what_cannot_be_shown_says_why_and_can_be_downloaded(page: Page) -> None:
    expect(opened(page, "doc-gone").locator(".view")).to_contain_text("are no longer available")
    detail = opened(page, "doc-locked")
    expect(detail.locator(".view")).to_contain_text("it is locked with a password")
    with page.expect_download() as begun:
        detail.get_by_role("button", name="Download").click()
    assert begun.value.suggested_filename == "locked.pdf"
    assert begun.value.path().read_bytes() == LOCKED


def test_html_is_its_words_and_does_nothing(page: Page) -> None:
    detail = opened(page, "doc-page")
    expect(detail.locator("pre")).to_have_text("Hello \u27e8202e\u27e9fdp")
    assert page.title() == "Mailroom"
    assert page.locator("img, #detail script").count() == 0


def test_a_mail_is_seen_with_its_attachments(page: Page) -> None:
    detail = opened(page, "doc-mail")
    expect(detail.locator(".view")).to_contain_text("anna@example.com")
    expect(detail.locator(".view pre")).to_have_text("Dear all, see attached.")
    detail.locator(".attachments").get_by_role("button", name="letter.pdf").click()
    expect(detail.locator("h2")).to_contain_text("letter.pdf")


def test_a_packet_is_cut_named_and_joined_by_keys(page: Page, app: App) -> None:
    detail = opened(page, "doc-packet")
    says, apply = detail.locator(".says"), detail.get_by_role("button", name="Cut as marked")
    expect(says).to_have_text("3 pieces")
    expect(detail.get_by_label("Type of piece 2, pages 4-5")).to_contain_text("classify (uncategorized)")
    detail.get_by_role("button", name="Page 1, piece 1: invoice").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    expect(says).to_have_text("4 pieces; pages without a type (3) are classified, which costs credits")
    page.keyboard.press("u")
    expect(says).to_have_text("3 pieces")
    page.keyboard.press("End")
    page.keyboard.press("c")
    expect(detail.get_by_role("button", name="Page 6, piece 2: no type")).to_be_focused()
    page.keyboard.press("t")
    expect(detail.get_by_label("Type of piece 2, pages 4-6")).to_be_focused()
    detail.get_by_label("Type of piece 2, pages 4-6").select_option("contract")
    expect(detail.get_by_label("Type of piece 2, pages 4-6")).to_be_focused()
    expect(says).to_have_text("2 pieces")
    assert violations(page) == []
    apply.click()
    expect(detail.locator(".packet")).to_contain_text("It can be cut again once it is no longer being processed.")
    cut = stored(app, "doc-packet").cuts[-1]
    assert [(item.category, item.pages) for item in cut.pieces] == [("invoice", (1, 2, 3)), ("contract", (4, 5, 6))]
    assert cut.by == "operator"


def test_a_packet_is_cut_by_the_mouse_and_a_refusal_keeps_what_was_marked(page: Page, app: App) -> None:
    detail = opened(page, "doc-packet")
    detail.get_by_role("button", name="Cut before page 2").click()
    detail.get_by_role("button", name="Join pages 5 and 6").click()
    expect(detail.locator(".says")).to_contain_text("3 pieces")
    assert isinstance(app.context.store, MemoryStore)
    app.context.store._put(replace(stored(app, "doc-packet"), page_count=5))
    with page.expect_request("**/pieces") as sent:
        detail.get_by_role("button", name="Cut as marked").click()
    assert (sent.value.post_data_json or {})["version"] == stored(app, "doc-packet").version
    expect(page.locator("#trouble")).to_contain_text("page 6")
    expect(detail.locator(".says")).to_contain_text("3 pieces")
    expect(detail.get_by_role("button", name="Cut as marked")).to_be_enabled()


RANDOM_CUTS = """async () => {
  const { cutAt, draftOf, piecesOf, spans } = await import("/console/pieces.js");
  const number = (most) => Math.floor(Math.random() * most);
  const tried = [];
  for (let run = 0; run < 300; run += 1) {
    const count = 2 + number(12);
    const pages = Array.from({ length: count }, (_, place) => place + 1).filter(() => number(5));
    const pieces = [0, 1, 2].map((one) => ({ pages: pages.filter((page) => page % 3 === one), category: `t${one}` }));
    const draft = draftOf(pieces.filter((one) => one.pages.length), count, ["", "t0", "t1"]);
    for (let step = number(9); step > 0; step -= 1) cutAt(draft, 2 + number(count - 1));
    tried.push([count, piecesOf(draft).map((piece) => [spans(piece.pages), piece.pages])]);
  }
  return tried;
}"""


def test_whatever_is_cut_and_joined_each_page_is_in_one_piece(page: Page) -> None:
    for count, pieces in page.evaluate(RANDOM_CUTS):
        read = [read_spans(text) for text, _ in pieces]
        assert [list(item) for item in read] == [pages for _, pages in pieces]
        segments = [Segment(category="", pages=item, confidence="by hand") for item in read]
        assert account(segments, count, Guards()).faults == ()


def test_a_letter_that_is_two_can_be_cut_too(page: Page) -> None:
    detail = opened(page, "doc-letter")
    detail.get_by_text("Cut into pieces").click()
    expect(detail.locator(".strip li")).to_have_count(6)
    expect(detail.get_by_role("button", name="Cut as marked")).to_be_disabled()
    drawn(detail.locator(".thumb img").first)
    detail.get_by_role("button", name="Cut before page 4").click()
    expect(detail.locator(".says")).to_contain_text("2 pieces")


def test_on_a_phone_the_detail_opens_in_view_and_closes_where_it_was(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 400})
    page.emulate_media(color_scheme="dark")
    row = page.locator("tr[data-id=doc-gone]")
    row.scroll_into_view_if_needed()
    row.click()
    expect(page.locator("#detail h2")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.locator("#detail .lacks")).to_contain_text("no longer")
    assert violations(page) == []
    page.get_by_role("button", name="Close").click()
    expect(row).to_be_in_viewport()
    expect(row).to_be_focused()
