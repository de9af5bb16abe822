"""Traces: sent to a real OTLP/HTTP receiver over a socket, and read there with the protocol's own library."""

import logging
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from handlers.destinations.http import Http
from handlers.destinations.message import message_attributes
from receiver import tracing
from receiver.core.change import Insert
from receiver.core.errors import DestinationBusy, Misconfigured
from receiver.core.event import Inbound
from receiver.core.job import Job, SweepVerdict
from receiver.core.job_update import recheck_of
from receiver.core.verify_webhook import WebhookSecrets
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.pipeline.receive import ReceiverDependencies
from tests.delivery_requests import a_delivery_request
from tests.endpoints import an_endpoint
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


class Collector(ThreadingHTTPServer):
    """Takes spans as an OpenTelemetry Collector does; ``status`` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Takes)
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def resource(self) -> dict[str, Any]:
        return _facts(self.requests[0].resource_spans[0].resource.attributes)

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> Any:
        (found,) = (span for span in self.spans if span.name == name)
        return found


class _Takes(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


def _facts(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def environ(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables that turn traces on. The library reads the process's own."""
    for name in (*tracing.ENDPOINTS, "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}


async def test_a_document_is_one_trace_from_submission_to_delivery(
    app: InMemoryApp, collector: Collector, environ: dict[str, str]
) -> None:
    with tracing.exporting(environ) as on:
        document = await app.submitted()
        app.cloud.classified(document.job_id, "invoice", 0.95)
        await app.event(document.job_id, document_id=document.id)
        await app.work()
    assert on
    ours = [span for span in collector.spans if span.trace_id == tracing.trace_id(document.id).to_bytes(16, "big")]
    assert sorted(span.name for span in ours) == ["decide", "deliver", "deliver", "fetch result", "react", "submit"]
    react = collector.named("react")
    for child in ("fetch result", "decide"):
        assert collector.named(child).parent_span_id == react.span_id
    assert not react.parent_span_id
    decided = _facts(collector.named("decide").attributes)
    assert decided["mailroom.document"] == document.id
    assert decided["mailroom.type"] == "invoice"
    assert decided["mailroom.confidence"] == 0.95
    assert {_facts(span.attributes)["mailroom.outcome"] for span in ours if span.name == "deliver"} == {"done"}
    assert collector.paths[0] == "/v1/traces"
    assert collector.resource["service.name"] == "mailroom"


async def test_a_document_whose_event_was_lost_is_one_trace_as_well(
    app: InMemoryApp, collector: Collector, environ: dict[str, str]
) -> None:
    with tracing.exporting(environ):
        document = await app.submitted()
        app.cloud.classified(document.job_id, "invoice", 0.95)
        job = await app.store.get(Job, document.job_id)
        assert job is not None
        await app.store.apply(Insert(recheck_of(job, SweepVerdict.FINISHED, now=app.context.clock())))
        await app.work()
    assert collector.named("decide").parent_span_id == collector.named("recheck").span_id
    assert {span.trace_id for span in collector.spans} == {tracing.trace_id(document.id).to_bytes(16, "big")}


async def test_the_event_that_was_received_is_in_the_trace_of_its_job(
    app: InMemoryApp, collector: Collector, environ: dict[str, str]
) -> None:
    receiver = ReceiverDependencies(
        store=app.store, queue=app.context.queue, clock=app.context.clock, meter=app.context.meter,
        secrets=WebhookSecrets(), keep_seconds=60, record=tracing.record_receive,
    )  # fmt: skip
    body = b'{"event_id": "evt-1", "event_type": "classify.success", "timestamp": 1, "data": {"job_id": "job-9"}}'
    inbound = Inbound(headers=[(b"content-type", b"application/json")], body=body)
    with tracing.exporting(environ):
        endpoint = WebhookEndpoint(receiver, Limits())
        replies = [*await endpoint.answer([inbound]), *await endpoint.answer([inbound])]
    assert [reply.status for reply in replies] == [202, 200]
    first, again = (span for span in collector.spans if span.name == "receive")
    assert _facts(first.attributes) == {
        "mailroom.event_id": "evt-1", "mailroom.type": "classify.success", "mailroom.job": "job-9",
        "mailroom.outcome": "accepted",
    }  # fmt: skip
    assert _facts(again.attributes)["mailroom.outcome"] == "duplicate"
    assert first.trace_id == again.trace_id == tracing.trace_id("job-9").to_bytes(16, "big")
    assert first.end_time_unix_nano >= first.start_time_unix_nano


async def test_an_attempt_that_fails_is_an_error_with_its_cause(
    app: InMemoryApp, collector: Collector, environ: dict[str, str]
) -> None:
    app.bytes.broken = DestinationBusy("the bucket does not answer")
    with tracing.exporting(environ):
        await app.routed()
    failed = collector.named("deliver")
    assert failed.status.code == 2
    assert failed.status.message == "the bucket does not answer"
    assert _facts(failed.attributes)["error.type"] == DestinationBusy.code
    assert _facts(failed.attributes)["mailroom.outcome"] == "retry"


async def test_messages_carry_the_trace_only_while_traces_are_on(collector: Collector, environ: dict[str, str]) -> None:
    request = a_delivery_request("sqs://invoices")
    assert "traceparent" not in message_attributes(request)
    with tracing.exporting(environ), tracing.span("deliver", about="doc_1"):
        sent = message_attributes(request)["traceparent"]["StringValue"]
    span = collector.named("deliver")
    assert sent.startswith(f"00-{span.trace_id.hex()}-{span.span_id.hex()}-")
    assert int(sent[-2:], 16) & 1, "it is sampled"
    assert tracing.traceparent() == ""


async def test_an_endpoint_gets_the_trace_as_a_header(collector: Collector, environ: dict[str, str]) -> None:
    with an_endpoint() as endpoint, tracing.exporting(environ):
        request = a_delivery_request(f"{endpoint.url}/hook", options={"unsigned": "true"})
        with tracing.span("deliver", about="doc_1"):
            await Http({}).deliver(request)
    (post,) = endpoint.posts
    assert collector.named("deliver").span_id.hex() in post.headers["traceparent"]


def test_a_sampler_by_trace_id_keeps_whole_documents(
    collector: Collector, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    with tracing.exporting(environ):
        for number in range(40):
            for name in ("submit", "react", "deliver"):
                with tracing.span(name, about=f"doc_{number}"), tracing.span("fetch result"):
                    pass
    kept = Counter(span.trace_id for span in collector.spans)
    assert 0 < len(kept) < 40
    assert {*kept.values()} == {6}


def test_the_name_of_the_service_and_its_attributes_are_those_of_the_environment(
    collector: Collector, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "post-room")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=dev")
    with tracing.exporting(environ), tracing.span("deliver"):
        pass
    assert collector.resource["service.name"] == "post-room"
    assert collector.resource["deployment.environment.name"] == "dev"


@pytest.mark.parametrize(
    "more",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
)
def test_traces_are_off(more: dict[str, str], collector: Collector, environ: dict[str, str]) -> None:
    with tracing.exporting(environ | more) as on, tracing.span("deliver", about="doc_1"):
        assert not on
        assert tracing.traceparent() == ""
    assert collector.requests == []


def test_a_variable_that_cannot_be_used_is_refused(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(Misconfigured, match="OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"), tracing.exporting(environ):
        pass


def test_a_collector_that_refuses_is_one_line_in_the_log(
    collector: Collector, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    with caplog.at_level(logging.WARNING, "mailroom.trace"), tracing.exporting(environ), tracing.span("deliver"):
        pass
    (line,) = (record for record in caplog.records if record.name == "mailroom.trace")
    assert line.getMessage() == "traces.failed"
    assert "400" in line.__dict__["facts"]["error"]


def test_nothing_of_opentelemetry_is_loaded_where_traces_are_off() -> None:
    script = (
        "import sys, receiver.pipeline.process, handlers.destinations.http, receiver.tracing as t\n"
        "with t.exporting({}) as on, t.span('deliver', about='doc_1'): assert not on\n"
        "print(*(name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'google')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_without_the_extra_a_line_says_how_to_install_it(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with caplog.at_level(logging.WARNING, "mailroom.trace"), tracing.exporting(environ) as on:
        assert not on
    assert "llamacloud-mailroom[otel]" in caplog.records[0].__dict__["facts"]["fix"]
