"""The operator's page in a real browser: what a person sees, and that hostile mail stays text."""

import re
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from receiver.bootstrap import App
from receiver.core.alert import Severity
from receiver.core.change import Record
from receiver.core.document import Classification, Delivery, DeliveryState, Document, DocumentState, Receipt, Step
from receiver.core.flag import Flag
from receiver.core.operators import Operator, Operators, Role, hash_token
from receiver.core.plan import Plan, Row, Target, Way
from receiver.core.task import TaskState
from receiver.http.page import CONSOLE, FILES
from receiver.settings import Secret
from receiver.store import codec
from receiver.store.memory import MemoryStore
from receiver.store.walked_search import walked_search
from tests.axe import violations
from tests.builders import NOW, a_document, a_task, an_event, an_incident, an_occurrence
from tests.receivers import ADMIN_TOKEN, an_app
from tests.sockets import operator_served

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202efdp.exe'
ROW = Row(route="invoice", matched=False, why="confidence 0.42 is below 0.80")


def filled() -> MemoryStore:
    """A store with a routed document, one that waits, a hostile one, a parked task and an alert."""
    store = MemoryStore(clock=lambda: NOW)
    delivered = Delivery(
        id="dlv-1",
        to=Target(url="folder:///invoices/"),
        route="invoice",
        state=DeliveryState.DELIVERED,
        receipt=Receipt(location="s3://mail/invoices/1"),
    )
    was = Delivery(
        id="dlv-2",
        to=Target(url="folder:///tmp/mailroom-tests/contracts/"),
        route="contract",
        state=DeliveryState.DELIVERED,
        receipt=Receipt(location="folder:///tmp/mailroom-tests/contracts/doc-routed/routed.pdf"),
        place="folder:///tmp/mailroom-tests/contracts/doc-routed/routed.pdf",
        superseded=True,
    )
    sure = Plan(way=Way.MATCHED, route="invoice", reason="type 'invoice' with confidence 0.93", to=(delivered.to,))
    plan = Plan(way=Way.LOW_CONFIDENCE, route="low_confidence", reason=ROW.why, trace=(ROW,), review=True)
    records: list[Record] = [
        a_document(id="doc-routed", name="routed.pdf", state=DocumentState.ROUTED, deliveries=(delivered, was),
            plan=sure, classification=Classification(type="invoice", confidence=0.93, reasoning="an amount due"),
        ),
        a_document(
            id="doc-waits", name="waits.pdf", state=DocumentState.REVIEW, plan=plan, taken_in_at=NOW + 1,
            classification=Classification(type="invoice", confidence=0.42, reasoning="an amount due"), credits=3.0,
        ).note(NOW, "taken in", "folder inbox"),
        a_document(id="doc-hostile", name=HOSTILE, state=DocumentState.FAILED, error=HOSTILE, taken_in_at=NOW + 2),
        a_document(id="doc-held", name="held.pdf", state=DocumentState.REVIEW, step=Step.SETTLED),
        a_task(id="submit:doc-held:0", kind="submit", subject="doc-held", state=TaskState.PARKED, error="no credits"),
        an_event(id="evt-1:doc-routed", document_id="doc-routed", verified_by=("headers:0", "token:0")),
        Flag(id="paused:submission", value="inf", at=NOW),
        an_incident(id="hostilekey00", title=HOSTILE, commands=("mailroom resubmit --cause hostilekey00",)),
        an_occurrence(part="hostilekey00.1", document_id="doc-hostile", name=HOSTILE, detail=HOSTILE),
        an_incident(id="pausedkey000", kind="submission.paused", title="out of credits", severity=Severity.CRITICAL),
    ]  # fmt: skip
    for record in records:
        store._put(codec.copy(record))
    return store


def delivered(app: App, document_id: str) -> None:
    """Leaves this document as a worker would: with each delivery made."""
    store = app.context.store
    assert isinstance(store, MemoryStore)
    document = store._get(Document, document_id)
    assert document is not None
    made = (
        replace(item, state=DeliveryState.DELIVERED, receipt=item.receipt or Receipt(location=item.place))
        for item in document.deliveries
    )
    store._put(replace(document, deliveries=tuple(made)).settle())


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path, store=filled())


def test_the_books_and_the_documents_are_shown(page: Page) -> None:
    expect(page.locator("#books")).to_contain_text("balanced")
    expect(page.locator("#books .received dd")).to_contain_text("4")
    expect(page.locator("#list tbody tr")).to_have_count(4)
    expect(page.locator("#list")).to_contain_text("s3://mail/invoices/1")


def test_a_hostile_name_is_text_and_nothing_else(page: Page) -> None:
    page.click("tr[data-id=doc-hostile]")
    heading = page.locator("#detail h2")
    expect(heading).to_contain_text('<img src=x onerror="document.title=1">')
    expect(heading).to_contain_text("\u27e8202e\u27e9fdp.exe")
    page.keyboard.press("Escape")
    page.keyboard.press("7")
    expect(page.locator("#list")).to_contain_text("<script>")
    assert page.title() == "Mailroom"
    assert page.locator("img, #list script, #detail script").count() == 0


def test_an_alerts_link_opens_its_incident_and_its_document(page: Page) -> None:
    page.evaluate("location.hash = '#alerts/hostilekey00'")
    detail = page.locator("#detail")
    expect(detail).to_contain_text("mailroom resubmit --cause hostilekey00")
    expect(page.locator("tr[data-id]").first).to_contain_text("out of credits")
    detail.get_by_role("button", name="doc-hostile").click()
    expect(detail.locator("h2")).to_contain_text("fdp.exe")


@pytest.mark.parametrize(("view", "place"), [("all", 0), ("alerts", 1)])
def test_on_a_phone_a_list_fits_the_width(page: Page, view: str, place: int) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(f"location.hash = '#{view}'")
    expect(page.locator("[role=tab][aria-selected=true]")).to_contain_text(view.capitalize())
    row = page.locator("#list tr[data-id], #list tbody tr").first
    expect(row).to_be_visible()
    inner, outer = page.evaluate("[document.getElementById('list').scrollWidth, innerWidth]")
    assert inner <= outer
    name = page.locator("#list tbody tr").first.locator("td").nth(place)
    assert name.evaluate("cell => cell.clientWidth") > 150


def test_a_person_takes_an_incident_on_and_silences_it(page: Page) -> None:
    page.keyboard.press("7")
    page.click("tr[data-id=pausedkey000]")
    detail = page.locator("#detail")
    detail.get_by_role("button", name="Acknowledge").click()
    expect(detail).to_contain_text("operator acknowledged it")
    detail.get_by_label("Reason for the silence").fill("credits are ordered")
    detail.get_by_role("button", name="Silence").click()
    expect(detail).to_contain_text("by operator: credits are ordered")
    detail.get_by_role("button", name="End the silence").click()
    expect(detail).not_to_contain_text("credits are ordered")
    expect(page.locator("tr[data-id=pausedkey000]")).to_contain_text("acknowledged by operator")


def test_a_person_routes_a_document_by_the_keyboard_and_one_click(page: Page) -> None:
    page.keyboard.press("2")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    detail = page.locator("#detail")
    expect(detail).to_contain_text("confidence 0.42 is below 0.80")
    expect(detail).to_contain_text("an amount due")
    detail.get_by_role("button", name="contract").click()
    expect(detail.get_by_label("What this does")).to_contain_text("It is delivered to folder:///tmp/mailroom-tests/")
    page.keyboard.press("Enter")
    expect(detail).to_contain_text("operator chose route contract")
    expect(detail.locator(".why .state")).to_have_text("open")
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_a_routed_document_is_corrected_after_a_preview_and_put_back_and_a_failed_one_dismissed(
    page: Page, app: App
) -> None:
    page.click("tr[data-id=doc-routed]")
    detail = page.locator("#detail")
    expect(detail.get_by_label("Who said what")).to_contain_text("LlamaCloud said invoice 0.93, because an amount due")
    detail.get_by_label("Your name").fill("ann")
    detail.get_by_label("Reason for the decision").fill("it has signatures")
    detail.get_by_label("Correct type").select_option("contract")
    detail.get_by_role("button", name="Set type and route").click()
    does = detail.get_by_label("What this does")
    expect(does).to_contain_text("Nothing changes at folder:///tmp/mailroom-tests/contracts/")
    expect(does).to_contain_text("The copy stays, and no longer counts, at s3://mail/invoices/1")
    detail.get_by_role("button", name="Cancel").click()
    expect(does).to_have_count(0)
    detail.get_by_role("button", name="Set type and route").click()
    detail.get_by_role("button", name="Confirm").click()
    expect(detail.get_by_label("Who said what")).to_contain_text("ann set the type to contract")
    expect(detail.get_by_label("Who said what")).to_contain_text("LlamaCloud said invoice 0.93")
    expect(page.locator("tr[data-id=doc-routed]")).to_contain_text("contract")
    delivered(app, "doc-routed")
    detail.get_by_role("button", name="Undo the last decision").click()
    detail.get_by_role("button", name="Confirm").click()
    expect(detail.get_by_label("Who said what")).to_contain_text("ann undid decision 1")
    expect(page.locator("tr[data-id=doc-routed]")).to_contain_text("invoice")
    delivered(app, "doc-routed")
    page.keyboard.press("Escape")
    page.get_by_label("Select routed.pdf").check()  # several at once, each with a result of its own
    page.get_by_label("Select waits.pdf").check()
    chosen = page.locator("#selection")
    expect(chosen).to_contain_text("2 selected")
    chosen.get_by_role("button", name="Undo their last decision").click()
    expect(chosen).to_contain_text("has no decision that can be undone")
    chosen.get_by_label("Route of the selected").select_option("contract")
    chosen.get_by_role("button", name="Route", exact=True).click()
    expect(chosen).to_contain_text("It is delivered to folder:///tmp/mailroom-tests/contracts/doc-waits/waits.pdf")
    chosen.get_by_role("button", name="Confirm for 2").click()
    expect(chosen).to_contain_text("ann chose route contract")
    expect(chosen).to_contain_text("0 selected")
    chosen.get_by_role("button", name="Close").click()
    expect(chosen).to_be_hidden()
    page.get_by_label("Select held.pdf").check()
    chosen.get_by_role("button", name="Resubmit").click()
    expect(chosen).to_contain_text("costs ")
    chosen.get_by_role("button", name="Cancel").click()
    chosen.get_by_label("Reason for dismissing the selected").fill("empty")
    chosen.get_by_role("button", name="Dismiss").click()
    chosen.get_by_role("button", name="Confirm").click()
    expect(chosen).to_contain_text("ann dismissed it: empty")
    chosen.get_by_role("button", name="Close").click()
    page.click("tr[data-id=doc-hostile]")  # a failed one: what is refused stays beside the action
    detail.get_by_role("button", name="Dismiss").click()
    expect(detail.get_by_role("alert")).to_contain_text("give the reason")
    detail.get_by_label("Reason for the dismissal").fill("an attack")
    detail.get_by_role("button", name="Dismiss").click()
    expect(detail.locator(".why")).to_contain_text("ann dismissed it: an attack")


def test_the_copies_of_a_document_are_read_back_by_a_button(page: Page, app: App, tmp_path: Path) -> None:
    store, copy = app.context.store, tmp_path / "stored.pdf"
    assert isinstance(store, MemoryStore)
    copy.write_bytes(b"%PDF-1.7 a letter")
    receipt = Receipt(location=f"folder://{copy}", checksum=f"sha256:{sha256(b'%PDF-1.7 a letter').hexdigest()}")
    delivery = Delivery(
        id="dlv-9", to=Target(url=f"folder://{tmp_path}/"), route="invoice", state=DeliveryState.DELIVERED,
        receipt=receipt,
    )  # fmt: skip
    stored = a_document(id="doc-stored", state=DocumentState.ROUTED, deliveries=(delivery,), forgotten_at=NOW)
    store._put(stored)
    page.evaluate("location.hash = '#all/doc-stored'")
    detail = page.locator("#detail")
    expect(detail).to_contain_text("not verified yet")
    detail.get_by_role("button", name="Verify copies").click()
    expect(detail.locator(".state.intact")).to_have_count(2)  # of the copy, and so of the document
    expect(detail).to_contain_text("were removed by retention")
    copy.write_bytes(b"other")
    detail.get_by_role("button", name="Verify copies").click()
    expect(detail.locator(".state.different")).to_have_count(2)
    expect(detail).to_contain_text(f"stored {sha256(b'other').hexdigest()}")
    copy.unlink()
    detail.get_by_role("button", name="Verify copies").click()
    detail.get_by_role("button", name="Deliver again what is missing").click()
    expect(page.locator("#trouble")).to_contain_text("no copy can be read")  # it was the last one


def test_a_queue_is_worked_through_by_keys_and_what_was_decided_is_counted(page: Page, app: App) -> None:
    page.keyboard.press("2")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.keyboard.press("w")
    work = page.locator("#work")
    expect(work.locator("h2")).to_have_text("waits.pdf")
    expect(work.get_by_role("button", name="LlamaCloud was right: invoice")).to_be_visible()
    expect(work.get_by_role("button", name="1 invoice")).to_be_visible()
    expect(page.locator("#list")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(work.locator("h2")).to_have_text("held.pdf")
    expect(work).to_contain_text(
        "1 decided: invoice 1 (1 as LlamaCloud said); 0 left for later; last: waits.pdf is invoice"
    )
    page.keyboard.press("Enter")
    expect(work.get_by_role("alert")).to_contain_text("LlamaCloud said nothing of this one")
    page.keyboard.press("n")
    expect(work.locator("h2")).to_have_text("Nothing more to decide here")
    page.keyboard.press("u")
    expect(work.get_by_role("alert")).to_contain_text("is open: it is being delivered")
    delivered(app, "doc-waits")
    unsettled: list[Route] = []

    def put_back(route: Route) -> None:
        """Answers once that the document is still being worked on, as it is until it is where it was before."""
        answer = route.fetch()
        found = answer.json()
        if found["decisions"][-1]["decided"] == "undo" and not unsettled:
            unsettled.append(route)
            found["actions"] = []
        route.fulfill(response=answer, json=found)

    page.route("**/api/v1/documents/doc-waits", put_back)
    page.keyboard.press("u")
    expect(work.locator("h2")).to_have_text("waits.pdf")
    assert unsettled
    work.get_by_label("Your name").fill("ann")
    work.get_by_label("Your name").press("Tab")
    page.keyboard.press("2")
    expect(work.locator("h2")).to_have_text("Nothing more to decide here")
    store = app.context.store
    assert isinstance(store, MemoryStore)
    decided = store._get(Document, "doc-waits")
    assert decided is not None
    assert [(item.who, item.choice, item.value) for item in decided.decisions] == [
        ("operator", "type", "invoice"), ("operator", "undo", ""), ("ann", "type", "contract"),
    ]  # fmt: skip
    delivered(app, "doc-waits")
    other = page.request.post(
        page.url.partition("#")[0] + "api/v1/documents/doc-waits/route",
        data={"type": "invoice", "who": "bob"}, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    )  # fmt: skip
    assert other.status == 202
    delivered(app, "doc-waits")
    page.keyboard.press("u")
    expect(work.get_by_role("alert")).to_contain_text("somebody else decided")
    left = store._get(Document, "doc-waits")
    assert left is not None
    assert (left.decisions[-1].who, left.decisions[-1].value) == ("bob", "invoice")
    work.get_by_role("button", name="The 1 left for later").click()
    expect(work.locator("h2")).to_have_text("held.pdf")
    held = store._get(Document, "doc-held")
    assert held is not None
    store._put(replace(held, version=held.version + 1))  # as if somebody else had decided
    page.keyboard.press("1")
    expect(work.get_by_role("alert")).to_contain_text("changed")
    expect(work.locator("h2")).to_have_text("held.pdf")
    page.keyboard.press("Escape")
    expect(work).to_be_hidden()
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_the_calibration_shows_what_was_right_and_tries_a_threshold(page: Page) -> None:
    page.get_by_role("tab", name="Calibration").click()
    shown = page.locator("#list")
    expect(shown).to_contain_text("1 not corrected")
    expect(shown).to_contain_text("1 waiting")
    page.get_by_label("Threshold to try for invoice").fill("0.4")
    page.get_by_role("button", name="Backtest").click()
    expect(shown).to_contain_text("With invoice from 0.4 on, 1 of 2 documents would go elsewhere")
    expect(shown.get_by_role("button", name="waits.pdf")).to_be_visible()


class Hands:
    """A person's actions in the page, counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.actions += 1

    def click(self, what: Locator) -> None:
        what.click()
        self.actions += 1

    def done(self) -> int:
        """How many since the last time."""
        actions, self.actions = self.actions, 0
        return actions


def test_a_minute_of_work_takes_as_many_actions_as_the_docs_say(page: Page, app: App) -> None:
    hands, detail, taken = Hands(page), page.locator("#detail"), list[int]()
    hands.press("/")
    hands.type("routed.pdf")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    hands.click(page.locator("tr[data-id=doc-routed]"))
    expect(detail).to_contain_text("s3://mail/invoices/1")
    expect(detail.locator(".why")).to_contain_text("type 'invoice' with confidence 0.93")
    taken.append(hands.done())
    detail.get_by_label("Correct type").select_option("contract")
    hands.actions += 1
    hands.click(detail.get_by_role("button", name="Set type and route"))
    expect(detail.get_by_role("button", name="Confirm")).to_be_focused()
    hands.press("Enter")
    expect(detail.get_by_label("Who said what")).to_contain_text("set the type to contract")
    taken.append(hands.done())
    delivered(app, "doc-routed")
    hands.click(detail.get_by_role("button", name="Undo the last decision"))
    expect(detail.get_by_role("button", name="Confirm")).to_be_focused()
    hands.press("Enter")
    expect(detail.get_by_label("Who said what")).to_contain_text("undid decision 1")
    taken.append(hands.done())
    page.evaluate("location.hash = '#all/doc-waits'")
    hands.click(detail.get_by_role("button", name="contract"))
    expect(detail.get_by_role("button", name="Confirm")).to_be_focused()
    hands.press("Enter")
    expect(detail).to_contain_text("chose route contract")
    taken.append(hands.done())
    hands.click(detail.get_by_role("button", name="Verify copies"))
    expect(detail).to_contain_text("Copies as read back")
    taken.append(hands.done())
    taken.append(decide_twenty(page, app, hands))
    table = (Path(__file__).parents[2] / "docs" / "operator.md").read_text(encoding="utf-8").partition("\n## See")[0]
    assert taken == [int(number) for number in re.findall(r"^\|[^|]+\|[^|]+\| (\d+) \|", table, re.MULTILINE)]


def decide_twenty(page: Page, app: App, hands: Hands) -> int:
    """Decides twenty documents in review, and says how many actions that took."""
    store = app.context.store
    assert isinstance(store, MemoryStore)
    store._remove(Document, "doc-held")
    found = Classification(type="invoice", confidence=0.42)
    plan = Plan(way=Way.LOW_CONFIDENCE, route="low_confidence", reason=ROW.why, trace=(ROW,), review=True)
    for number in range(20):
        one = a_document(id=f"doc-{number}", name=f"{number}.pdf", state=DocumentState.REVIEW, plan=plan)
        store._put(replace(one, classification=found, taken_in_at=NOW + number))
    page.evaluate("location.hash = '#all'")
    page.reload()
    page.wait_for_selector("tr[data-id]")
    hands.press("2")
    expect(page.locator("tr[data-id]")).to_have_count(20)
    hands.press("w")
    for number in reversed(range(20)):
        expect(page.locator("#work h2")).to_have_text(f"{number}.pdf")
        hands.press("Enter")
    expect(page.locator("#work")).to_contain_text("20 decided: invoice 20")
    return hands.done()


def test_a_parked_task_is_replayed_by_a_click_a_pause_ended_and_an_event_opened(page: Page) -> None:
    page.get_by_role("tab", name="Parked tasks").click()
    expect(page.locator("#list")).to_contain_text("no credits")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#list")).to_contain_text("Nothing here.")
    expect(page.locator("#paused")).to_contain_text("submission is paused by a person")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#paused")).to_be_hidden()
    page.get_by_role("tab", name="Events").click()
    page.locator("#list tr[data-id]").click()
    detail = page.locator("#detail")
    expect(detail.locator("pre")).to_contain_text('"event_id": "evt-1"')
    expect(detail).to_contain_text("headers:0, token:0")
    detail.get_by_role("button", name="routed.pdf").click()
    expect(detail.locator("h2")).to_have_text("routed.pdf")


def test_what_documents_cost_is_shown_by_day_and_type_and_on_the_document(page: Page) -> None:
    page.keyboard.press("9")
    rows = page.locator("#list")
    expect(rows).to_contain_text("Credits of the last 30 days: 3")
    expect(rows).to_contain_text("invoice")
    page.evaluate("location.hash = '#all/doc-waits'")
    expect(page.locator("#detail")).to_contain_text("3 credits")


def test_a_search_is_in_the_address_says_what_is_wrong_and_is_saved(page: Page) -> None:
    box, error = page.get_by_label("Search documents"), page.locator("#search-error")
    box.fill("type:invoice confidence:<0.8")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator("tr[data-id=doc-waits]")).to_be_visible()
    expect(page.locator("[data-part=span]")).to_have_text("1–1 of 1")
    expect(page.locator("[data-part=notes]")).to_have_text("")
    assert page.evaluate("location.hash") == "#all?q=type%3Ainvoice+confidence%3A%3C0.8"
    page.get_by_role("button", name="Save search").click()
    box.fill("typ:invoice")
    expect(error).to_contain_text("typ: is no filter")
    expect(error).to_contain_text("did you mean type?")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(page.locator("tr[data-id=doc-waits]")).to_be_visible()
    assert violations(page) == []
    page.reload()  # a link to a search that is wrong shows what is wrong, and the page beside it
    expect(error).to_contain_text("did you mean type?")
    expect(page.locator("#books")).to_contain_text("balanced")
    page.get_by_label("Saved searches").select_option("all: type:invoice confidence:<0.8")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(error).to_be_hidden()
    expect(box).to_have_value("type:invoice confidence:<0.8")
    assert violations(page) == []
    page.get_by_role("button", name="Remove from saved").click()
    expect(page.get_by_label("Saved searches")).to_be_hidden()
    page.locator("#views button").nth(1).click()
    expect(page.locator("tr[data-id=doc-waits]")).to_be_visible()
    box.fill("nothing here")
    expect(page.locator("#list")).to_contain_text("Nothing here.")


def test_a_long_list_goes_on_page_by_page_and_back_restores_the_place(
    page: Page, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = app.context.store
    assert isinstance(store, MemoryStore)
    for number in range(205):
        store._put(
            a_document(id=f"doc-many-{number:03d}", name=f"many {number:03d}.pdf", taken_in_at=NOW + 10 + number)
        )
    finder, first = page.locator("#finder"), page.locator("tr[data-id]").first
    page.get_by_label("Search documents").fill("many")
    expect(finder).to_contain_text("1–100 of 205")
    page.get_by_role("button", name="Next page").click()
    expect(finder).to_contain_text("101–200 of 205")
    expect(first).to_contain_text("many 104.pdf")
    page.get_by_role("button", name="Next page").click()
    expect(finder).to_contain_text("201–205 of 205")
    expect(page.get_by_role("button", name="Next page")).to_be_hidden()
    page.click("tr[data-id=doc-many-002]")
    expect(page.locator("#detail h2")).to_have_text("many 002.pdf")
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()
    expect(finder).to_contain_text("201–205 of 205")
    page.go_back()
    expect(finder).to_contain_text("101–200 of 205")
    page.get_by_role("button", name="Previous page").click()
    expect(finder).to_contain_text("1–100 of 205")
    page.evaluate("history.go(-1)")
    expect(finder).to_contain_text("101–200 of 205")
    page.reload()
    expect(finder).to_contain_text("101–200")
    page.get_by_role("button", name="First page").click()
    expect(first).to_contain_text("many 204.pdf")
    assert violations(page) == []
    monkeypatch.setattr("receiver.store.walked_search.READ_AT_ONCE", 50)
    search = partial(walked_search, store, look_at=150, count=1)  # as DynamoDB does, which looks at some and goes on
    monkeypatch.setattr(store, "search", lambda asked, *, limit, cursor: search(asked, limit=limit, cursor=cursor))
    page.get_by_label("Search documents").fill("held.pdf")
    expect(finder).to_contain_text("Looked at 150 documents, back to")
    expect(page.locator("#list")).to_contain_text("Nothing here so far.")
    page.get_by_role("button", name="Look further").click()
    expect(first).to_contain_text("held.pdf")
    expect(finder).not_to_contain_text("Looked at")


def test_search_finds_by_name_and_a_wrong_token_shows_nothing(app: App, page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("ROUTED")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    app.access.token = Secret("another-admin-token")
    expect(page.locator("#entry")).to_be_visible(timeout=20_000)
    expect(page.locator("#room")).to_be_hidden()
    expect(page.locator("#trouble")).to_contain_text("your session has ended")
    sign_in(page, "wrong")
    expect(page.locator("#trouble")).to_contain_text("invalid token")
    expect(page.locator("#room")).to_be_hidden()


def sign_in(page: Page, token: str) -> None:
    page.fill("#token", token)
    page.keyboard.press("Enter")


def test_each_person_sees_what_their_role_may_do_and_a_session_ends(app: App, page: Page) -> None:
    roles = {"vera": Role.VIEWER, "ann": Role.OPERATOR}
    app.access.operators = Operators(
        {name: Operator(name=name, role=role, token_sha256=hash_token(name.encode())) for name, role in roles.items()}
    )
    me, detail = page.locator("#me"), page.locator("#detail")
    expect(me).to_contain_text("shared token, admin")
    assert ADMIN_TOKEN not in page.evaluate("JSON.stringify([sessionStorage, localStorage, document.cookie])")
    page.reload()
    expect(page.locator("#paused")).to_contain_text("Resume")
    me.get_by_role("button", name="Sign out").click()
    expect(page.locator("#room")).to_be_hidden()
    assert page.locator("#list tr").count() == 0, "what was shown is no longer there"
    page.reload()
    expect(page.locator("#entry")).to_be_visible()
    sign_in(page, "vera")
    expect(me).to_contain_text("vera, viewer")
    page.click("tr[data-id=doc-waits]")
    expect(detail).to_contain_text("LlamaCloud said invoice 0.42")
    expect(page.locator("#paused")).not_to_contain_text("Resume")
    assert page.locator("[data-select], fieldset.decision, #begin:visible").count() == 0
    assert detail.get_by_role("button", name="Verify copies").count() == 0
    assert violations(page) == []
    me.get_by_role("button", name="Sign out").click()
    sign_in(page, "ann")
    page.click("tr[data-id=doc-waits]")
    expect(detail.get_by_role("button", name="Set type and route")).to_be_visible()
    assert detail.get_by_label("Your name").count() == 0
    expect(page.locator("#paused")).to_contain_text("is paused")
    expect(page.locator("#paused")).not_to_contain_text("Resume")
    detail.get_by_role("button", name="contract").click()
    detail.get_by_role("button", name="Confirm").click()
    expect(detail.get_by_label("Who said what")).to_contain_text("ann chose route contract")


def test_what_changes_is_shown_at_once_and_what_stays_keeps_focus_selection_and_place(page: Page, app: App) -> None:
    store = app.context.store
    assert isinstance(store, MemoryStore)
    for number in range(80):
        store._put(a_document(id=f"doc-old-{number:02d}", name=f"old {number:02d}.pdf", taken_in_at=NOW - 100 + number))
    with page.expect_response("**/api/v1/stream"):
        page.reload()
    expect(page.locator("tr[data-id=doc-old-79]")).to_be_visible()
    place = page.evaluate(
        """() => {
          const row = document.querySelector("tr[data-id=doc-old-40]");
          row.scrollIntoView({ block: "center" });
          row.focus({ preventScroll: true });
          getSelection().selectAllChildren(row.querySelector("bdi"));
          return row.getBoundingClientRect().top;
        }"""
    )
    store._put(a_document(id="doc-new", name="new.pdf", taken_in_at=NOW + 50))
    store._put(a_document(id="doc-old-41", name="renamed.pdf", taken_in_at=NOW - 59))
    expect(page.locator("tr[data-id=doc-new]")).to_have_count(1)
    expect(page.locator("tr[data-id=doc-old-41]")).to_contain_text("renamed.pdf")
    assert page.evaluate("[getSelection().toString(), document.activeElement.dataset.id]") == [
        "old 40.pdf",
        "doc-old-40",
    ]
    now = page.locator("tr[data-id=doc-old-40]").evaluate("row => row.getBoundingClientRect().top")
    assert abs(now - place) < 3
    page.locator("#views [role=tab]").nth(3).focus()
    store._put(a_document(id="doc-newer", name="newer.pdf", taken_in_at=NOW + 51))
    expect(page.locator("tr[data-id=doc-newer]")).to_have_count(1)
    assert page.evaluate("document.activeElement.textContent").startswith("Open")


@pytest.mark.parametrize("reply", [{"status": 204}, {"status": 503}], ids=["no stream here", "too many streams"])
def test_without_a_stream_the_page_polls(page: Page, app: App, reply: dict[str, int]) -> None:
    page.route("**/api/v1/stream", lambda route: route.fulfill(**reply))
    page.reload()
    expect(page.locator("tr[data-id=doc-waits]")).to_be_visible()
    store = app.context.store
    assert isinstance(store, MemoryStore)
    store._put(a_document(id="doc-new", name="new.pdf", taken_in_at=NOW + 50))
    expect(page.locator("tr[data-id=doc-new]")).to_be_visible()


def test_the_charts_show_what_became_of_documents_and_say_it_in_a_table(page: Page, app: App) -> None:
    page.evaluate("location.hash = '#watch'")
    chart = page.locator("figure.chart").first
    expect(chart).to_contain_text("1 routed, 2 in review, 1 failed, 0 open.")
    expect(chart.locator("svg")).to_have_attribute("aria-label", re.compile("^Documents received. 1 routed"))
    expect(chart.locator("rect")).to_have_count(3)
    chart.locator("summary").click()
    expect(chart.locator("tbody tr")).to_have_count(24)
    expect(chart.locator("tbody tr").last).to_contain_text("08:00121")
    expect(page.locator("#list")).to_contain_text("By partner")
    for period, bars in (("7 days", 28), ("30 days", 30)):
        button = page.get_by_role("button", name=period)
        button.press("Enter")
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_be_focused()
        expect(chart.locator("tbody tr")).to_have_count(bars)


PHONE, TABLET, DESKTOP = (360, 740), (768, 1024), (1280, 800)
VIEWS = ("all", "review", "failed", "parked", "alerts", "events", "costs", "calibration", "watch")
PANELS = ("all/doc-waits", "alerts/hostilekey00", "events/event:evt-1:doc-routed")


def test_every_view_is_within_reach_of_everybody_at_every_width(page: Page) -> None:
    for number, view in enumerate((*VIEWS, *PANELS)):
        page.evaluate(f"location.hash = '#{view}'")
        shown = "#detail h2" if view in PANELS else "#list :is(table, figure, .empty)"
        expect(page.locator(shown).first).to_be_visible()
        page.emulate_media(color_scheme="dark" if number % 2 else "light")
        for width, height in (TABLET, PHONE, DESKTOP) if number % 2 else (TABLET, DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{view} is too wide for {width} pixels"
        assert violations(page) == [], f"{view} at {width} pixels"  # each in one scheme, as axe takes a second


def test_the_page_loads_nothing_from_elsewhere_and_may_not(app: App) -> None:
    with operator_served(app) as (host, port):
        for path in FILES:
            answer = httpx.get(f"http://{host}:{port}/" + (f"console/{path}" if path else ""))
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "//" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
    texts = "\n".join(path.read_text() for path in CONSOLE.iterdir())
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
        "style=",
    ):
        assert way not in texts
    assert {path.name for path in CONSOLE.iterdir()} == {name for name, _ in FILES.values()}
