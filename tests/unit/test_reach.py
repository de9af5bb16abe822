"""The options role, external_id and endpoint: what is refused, and what is one place and what are two."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.destinations.registry import destinations
from handlers.destinations.s3 import OPTIONS as S3_OPTIONS
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import OPTIONS as SQS_OPTIONS
from handlers.destinations.sqs import Sqs
from receiver import show
from receiver.aws.boto import Aws
from receiver.aws.errors import translated
from receiver.config import parse
from receiver.core.alert import Alert
from receiver.core.errors import Unroutable
from receiver.core.ids import delivery_id
from receiver.core.object_key import path_fields, render, rendered_address
from receiver.core.plan import Plan, Target, Way
from receiver.core.redecide import alike, what_moves
from receiver.core.replan import replanned
from receiver.core.task import Task
from receiver.operations.backtest import Move
from receiver.operations.check_config import check_config
from receiver.operations.replay import ReplayFilter, carry_out, foreseen
from receiver.pipeline.deliver import failure_alert
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.known_places import KnownPlaces

ROLE = "arn:aws:iam::123456789012:role/mail/writer"
FACTS = KnownPlaces()
QUEUE = "sqs://https://sqs.eu-central-1.amazonaws.com/123456789012/invoices"
STORE = "https://minio.example:9000"
HERE = "https://s3.eu-central-1.amazonaws.com"
ENVIRON = {"SECRET": "hush", "ROLE": ROLE, "STORE": STORE, "HERE": HERE, "AWS_REGION": "eu-central-1"}
RIGHT: list[dict[str, str]] = [
    {"role": ROLE},
    {"role": "env:ROLE", "external_id": "acme:4711"},
    {"role": "arn:aws-cn:iam::123456789012:role/x"},
    {"endpoint": STORE},
    {"endpoint": f"{STORE}/"},
    {"endpoint": "env:STORE", "role": ROLE},
    {"endpoint": STORE, "access_key": "a-key", "secret_key": "env:SECRET"},
    {"endpoint": "http://127.0.0.1:9000"},
    {"endpoint": "http://minio.localhost:9000"},
]
WRONG = [
    ({"role": "writer"}, "not a role: write arn:aws:iam::ACCOUNT:role/NAME"),
    ({"role": "arn:aws:iam::123456789012:user/ann"}, "is not a role"),
    ({"role": "arn:aws:iam::12345:role/x"}, "is not a role"),
    ({"role": "arn:aws:sts::123456789012:assumed-role/x/y"}, "is not a role"),
    ({"role": ""}, "option role is empty"),
    ({"role": "env:NOBODY"}, "NOBODY is not set"),
    ({"role": ROLE, "external_id": "x"}, "2 to 1,224"),
    ({"role": ROLE, "external_id": "two words"}, "2 to 1,224"),
    ({"external_id": "acme:4711"}, "requires a role"),
    ({"endpoint": "minio.example"}, "has no scheme"),
    ({"endpoint": "ftp://minio.example"}, "does not begin with http:// or https://"),
    ({"endpoint": f"{STORE}/mail"}, "has a path"),
    ({"endpoint": "https://ann:secret@minio.example"}, "user"),
    ({"endpoint": "https://minio example"}, "endpoint"),
    ({"endpoint": "http://minio.example:9000"}, "sends documents and messages unencrypted"),
    ({"endpoint": STORE, "access_key": "a-key"}, "option access_key requires secret_key"),
    ({"endpoint": STORE, "secret_key": "env:SECRET"}, "option secret_key requires access_key"),
    ({"endpoint": STORE, "access_key": "a-key", "secret_key": "hush"}, "write secret_key: env:NAME"),
    ({"access_key": "a-key", "secret_key": "env:SECRET"}, "requires an endpoint"),
    ({"role": ROLE, "endpoint": STORE, "access_key": "a-key", "secret_key": "env:SECRET"}, "mutually exclusive"),
    ({"rôle": ROLE}, "unknown option"),
]  # fmt: skip


def faults(options: dict[str, str], **environ: str) -> list[list[str]]:
    known, aws = ENVIRON | environ, Aws()
    queue = f"sqs://{STORE}/123456789012/invoices" if "endpoint" in options else QUEUE
    places = (S3(aws, environ=known), "s3://mail/in/"), (Sqs(aws, environ=known), queue)
    return [place.faults(Target(url=url, options=options)) for place, url in places]


@pytest.mark.parametrize("options", RIGHT)
def test_what_can_work_has_no_faults(options: dict[str, str]) -> None:
    assert faults(options) == [[], []]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_cannot_work_is_a_fault_that_says_why(options: dict[str, str], said: str) -> None:
    for found in faults(options):
        (fault,) = found
        assert said in fault


ODD_KEYS = st.one_of(
    st.sampled_from(["", " ", "\n", "a b", "key\n", " key", "schlüssel", "\x00", "'key'", "a\tb"]),
    st.text(min_size=1).filter(lambda text: not text.isascii() or not text.isprintable() or " " in text),
)


@given(ODD_KEYS, st.sampled_from(["access_key", "secret_key"]))
def test_a_key_that_no_header_takes_is_refused_and_not_shown(value: str, name: str) -> None:
    options = {"endpoint": STORE, "access_key": "env:A", "secret_key": "env:B"}
    values = {"A": "a-key", "B": "hush"} | {{"access_key": "A", "secret_key": "B"}[name]: value}
    for found in faults(options, **values):
        (fault,) = found
        said = f"option {name}: the variable {options[name][4:]} "
        why = ("is blank", "is not set; ", "does not hold a key: printable ASCII without spaces or quotes")
        assert fault.startswith(tuple(said + item for item in why)), fault


@pytest.mark.parametrize("value", ["env:", "env: BS", " env:", "env:$X", "env:\n", "env:-"])
@pytest.mark.parametrize("name", ["secret_key", "access_key", "role", "endpoint", "external_id"])
def test_what_begins_like_a_variable_and_names_none_is_refused(name: str, value: str) -> None:
    options = {"endpoint": STORE, "access_key": "a-key", "secret_key": "env:SECRET"} | {name: value}
    for found in faults(options):
        assert found != []
        assert f"option {name}: env:" in found[0]


SECRET = "tR0ub4dor"


BEFORE = ["", "https://hooks.example/", "arn:aws:iam::123456789012:", "arn:aws:kms:", "name=", "aws:", "é="]
BEHIND = ["", "/x", "\n", "@host", " ", "=1", ", a", ":::", "x" * 3000]


@given(
    option=st.sampled_from(sorted({*S3_OPTIONS, *SQS_OPTIONS})),
    value=st.builds("{}tR0ub4dor{}".format, st.sampled_from(BEFORE), st.sampled_from(BEHIND)),
)
@example(option="endpoint", value=f"https://hooks.example/{SECRET}")
@example(option="role", value=SECRET)
@example(option="kms_key", value=f"arn:aws:kms:{SECRET.lower()}:123456789012:key/x")
def test_no_message_shows_what_a_variable_holds(option: str, value: str) -> None:
    known = ENVIRON | {"HIDDEN": value}
    for served, url in ((S3(Aws(), environ=known), "s3://mail/in/"), (Sqs(Aws(), environ=known), QUEUE)):
        target = Target(url=url, options={option: "env:HIDDEN"})
        wrong = served.faults(target)
        shown = " ".join(wrong or served.doubts(target)).lower()
        assert SECRET.lower() not in shown
        assert not wrong or "hidden" in shown or "requires" in shown or "unknown option" in shown


def test_an_address_in_clear_needs_the_permission_that_it_needs_elsewhere() -> None:
    options = {"endpoint": "http://minio.example:9000"}
    assert faults(options, MAILROOM_ALLOW_HTTP="true") == [[], []]
    assert "MAILROOM_ALLOW_HTTP=true" in faults(options, MAILROOM_ALLOW_HTTP="false")[0][0]


def test_a_queue_that_a_role_sends_to_is_written_as_an_address() -> None:
    (fault,) = Sqs(Aws(), environ=ENVIRON).faults(Target(url="sqs://invoices", options={"role": ROLE}))
    assert "write sqs://https://sqs.REGION.amazonaws.com/ACCOUNT/invoices" in fault


def wrong(*targets: str, sources: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with a table whose invoices go to these places."""
    rows = f"  - {{type: [invoice, contract], to: [{', '.join(targets)}]}}"
    table = TABLE[: TABLE.index("routes:")] + f"routes:\n{rows}\n" + "".join(
        f"{way}: {{review: true}}\n" for way in ("no_match", "low_confidence", "failed")
    )  # fmt: skip
    own = {"MAILROOM_SPOOL": "s3://spool/documents/", "MAILROOM_QUEUE": "sqs://doorbell"}
    found = check_config(
        parse(table, ENVIRON), destinations(environ=ENVIRON), adopted=False, sources=sources, own=own
    )  # fmt: skip
    return [item.message for item in found if item.severity == "error"]


def at(url: str, endpoint: str) -> str:
    return f"{{to: '{url}', endpoint: '{endpoint}'}}"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("s3://mail/in/", at("s3://mail/in/", STORE), False),
        (at("s3://mail/in/", STORE), at("s3://mail/in/", "https://other.example"), False),
        (at("s3://mail/in/", STORE), at("s3://mail/in/", "env:STORE"), True),
        (at("s3://mail/in/", STORE), at("s3://mail/in/", f"{STORE}/"), True),
        (at("s3://mail/in/", "https://minio.example"), at("s3://mail/in/", "https://MINIO.example:443"), True),
        ("s3://mail/in/", at("s3://mail/in/", "env:HERE"), True),
        ("sqs://invoices", at("sqs://invoices", STORE), False),
        ("sqs://invoices", at("sqs://invoices", "https://sqs.eu-central-1.amazonaws.com"), True),
        ("s3://mail/in/", f"{{to: 's3://mail/in/', role: '{ROLE}'}}", True),
    ],
)
def test_two_targets_are_one_place_where_bucket_or_queue_and_endpoint_are(first: str, second: str, same: bool) -> None:
    found = wrong(first, second)
    assert ["the same place as" in item for item in found] == [True] * same, found


def test_what_is_mailrooms_own_is_not_at_another_endpoint() -> None:
    for url in ("s3://spool/documents/in/", "sqs://doorbell", "s3://inbox/mail/"):
        assert len(wrong(url, sources=("s3://inbox/",))) == 1
        assert wrong(at(url, STORE), sources=("s3://inbox/",)) == []
    assert len(wrong(at("s3://spool/documents/in/", "env:HERE"))) == 1


TARGETS = st.builds(
    lambda url, options: Target(url=url, options={name: value for name, value in options.items() if value}),
    st.sampled_from(["s3://mail/in/", "s3://mail/{document_id} x", "sqs://invoices"]),
    st.fixed_dictionaries(
        {
            "endpoint": st.sampled_from(["", STORE, "https://other.example", "env:STORE"]),
            "role": st.sampled_from(["", ROLE]),
            "tags": st.sampled_from(["", "a=b"]),
        }
    ),
)


def plan_to(*targets: Target) -> Plan:
    return Plan(way=Way.MATCHED, route="invoice", reason="", to=targets)


@given(item=TARGETS, other=TARGETS)
def test_deliveries_are_apart_by_endpoint_and_never_by_role(item: Target, other: Target) -> None:
    document = a_document(deliveries=(), plan=None)
    first, second = (replanned(document, plan_to(target), FACTS).deliveries[0] for target in (item, other))
    assert (first.id == second.id) == ((item.url, item.endpoint) == (other.url, other.endpoint))
    if not item.endpoint:  # as it always was
        plain = render(item.url, path_fields(document))
        assert first.place == rendered_address(document, item) == plain
        if FACTS.holds(item):
            assert first.id == delivery_id(document.id, plain, document.sha256)


@given(item=TARGETS, other=TARGETS)
def test_another_role_moves_nothing_and_another_endpoint_does(item: Target, other: Target) -> None:
    same = alike(plan_to(item), plan_to(other))
    tags = item.options.get("tags") == other.options.get("tags")
    assert same == ((item.url, item.endpoint) == (other.url, other.endpoint) and tags)
    if not same and item.url == other.url:
        said = what_moves(plan_to(item), plan_to(other))
        if item.endpoint == other.endpoint:
            assert said == f"options of {item.shown}: tags"
        else:
            assert said == f"invoice ({item.shown}) -> invoice ({other.shown})"


def test_deliveries_to_one_bucket_at_two_endpoints_do_not_share_their_limits() -> None:
    def lane(**details: str) -> str:
        return Task(id="t", kind="deliver", subject="doc", due_at=0, created_at=0, details=details).lane

    here, there = lane(to="s3://mail/in/"), lane(to="s3://mail/in/", endpoint=STORE)
    assert here.endswith(" s3://mail")
    assert there.endswith(f" {STORE} s3://mail")


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)


@pytest.mark.anyio
async def test_a_place_at_an_endpoint_is_delivered_to_by_its_own_url_and_moved_by_another_endpoint(
    app: InMemoryApp,
) -> None:
    def table(endpoint: str, **more: Any) -> str:
        options = "".join(f", {name}: '{value}'" for name, value in more.items())
        both = f'["bytes://contracts/", {{to: "bytes://contracts/", endpoint: "{endpoint}"{options}}}]'
        return TABLE.replace('["bytes://contracts/"]', both)

    app.use(table(STORE))
    document = await app.routed("contract")
    url = f"bytes://contracts/{document.id}/letter.pdf"
    assert [item.place for item in document.deliveries] == [url, f"{STORE} {url}"]
    assert [(item.url, dict(item.options)) for item in app.bytes.requests] == [(url, {}), (url, {"endpoint": STORE})]

    async def rerouted() -> str:
        replay = await foreseen(await app.document(document.id), ReplayFilter(reroute=True), app.context)
        assert await carry_out(replay, app.context)
        await app.work()
        return replay.detail

    app.use(table(STORE, role=ROLE))
    assert await rerouted() == "the table routes it to the same place"
    app.use(table("https://other.example", role=ROLE))
    here = "contract (bytes://contracts/, bytes://contracts/ at "
    assert await rerouted() == f"{here}{STORE}) -> {here}https://other.example)"
    after = await app.document(document.id)
    assert [(item.place, item.superseded) for item in after.deliveries] == [
        (url, False), (f"https://other.example {url}", False), (f"{STORE} {url}", True),
    ]  # fmt: skip
    assert len(app.bytes.requests) == 3


@pytest.mark.parametrize("order", [(0, 2, 1), (0, 1, 2)])
@pytest.mark.anyio
async def test_in_which_order_queues_are_told_moves_nothing_and_the_order_of_what_holds_does(
    order: tuple[int, ...], app: InMemoryApp
) -> None:
    places = ["bytes://first/", "words://a", "words://b", "bytes://second/"]

    def table(*named: int) -> str:
        return TABLE.replace('"bytes://contracts/"', ", ".join(f'"{places[at]}"' for at in named))

    async def foretold(*named: int) -> str:
        app.use(table(*named))
        return (await foreseen(await app.document(document.id), ReplayFilter(reroute=True), app.context)).action

    app.use(table(0, 1, 2, 3))
    document = await app.routed("contract")
    assert await foretold(1, *order, 3) == "nothing"
    assert await foretold(3, *order) == "reroute"


def test_what_is_missing_at_an_endpoint_is_made_there() -> None:
    answer = {"Error": {"Code": "NoSuchBucket"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
    error = translated(ClientError(answer, "PutObject"), "s3://mail/in/a", endpoint=STORE)
    assert str(error) == f"s3://mail/in/a at {STORE} does not exist (NoSuchBucket)"
    assert error.fix == f"aws s3 mb s3://mail --endpoint-url {STORE}, or correct mailroom.yaml"


def test_lists_and_alerts_tell_one_bucket_at_two_endpoints_apart() -> None:
    here, there = Target(url="s3://mail/in/"), Target(url="s3://mail/in/", options={"endpoint": STORE})
    document = replanned(a_document(), plan_to(here, there), FACTS)
    assert [item["to"] for item in show.document(document)["deliveries"]] == [
        "s3://mail/in/",
        f"s3://mail/in/ at {STORE}",
    ]

    def alert(**details: str) -> Alert:
        task = Task(
            id="t", kind="deliver", subject="doc", due_at=0, created_at=0, details={"delivery_id": "d", **details}
        )
        return failure_alert(task, Unroutable("gone"), "", "gone", 0)

    near, far = alert(to=here.url), alert(to=there.url, endpoint=STORE)
    assert (near.title, near.cause) == ("delivery to s3://mail failed", "gone:s3://mail")
    assert (far.title, far.cause) == (f"delivery to s3://mail at {STORE} failed", f"gone:s3://mail at {STORE}")
    assert Move(replace(document, plan=plan_to(here)), plan_to(there)).shown()["to"]["to"] == [
        f"s3://mail/in/ at {STORE}"
    ]


def test_a_queue_of_another_service_is_right_where_the_target_names_its_endpoint() -> None:
    url = "sqs://https://elastic.example.com/000000000000/q"
    assert (
        Sqs(Aws(), environ=ENVIRON).faults(Target(url=url, options={"endpoint": "https://elastic.example.com"})) == []
    )
