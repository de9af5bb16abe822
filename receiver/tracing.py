"""Tracing: what happens to a document, as OpenTelemetry spans, sent by OTLP over HTTP. Off where no endpoint is set.

All spans of a document are in one trace, because its id is derived from the document's. So nothing is passed on through
the store or the queue, and a retry, a replay or another process adds to the same trace. Attributes are named like the
facts of the log, after ``mailroom.``. OpenTelemetry is imported only where traces are on.
"""

import contextlib
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from receiver import __version__
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.event import Event
from receiver.log import RateLimitedLog, log_line

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext, Tracer

log = logging.getLogger("mailroom.trace")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
LAST_SECONDS = 2.0
"""How long the end of a process waits for the spans that are not sent yet."""
MINUTE = 60.0
Kind = Literal["INTERNAL", "SERVER", "CLIENT", "CONSUMER"]

_about: ContextVar[str] = ContextVar("about", default="")
"""The document or job whose trace a new span begins in."""
_tracer: "Tracer | None" = None


class SpanNotes:
    """What is learned of a span while it lasts; of none where traces are off."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def add(self, **facts: object) -> None:
        """Adds attributes."""
        if self._span is not None:
            self._span.set_attributes(_attributes(facts))

    def fail(self, cause: str, text: str = "") -> None:
        """Marks it as failed."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", cause)
            self._span.set_status(StatusCode.ERROR, text)


_OFF = contextlib.nullcontext(SpanNotes())


def span(
    name: str, *, about: str = "", kind: Kind = "INTERNAL", **facts: object
) -> contextlib.AbstractContextManager[SpanNotes]:
    """A span for the duration of the block: with ``about`` in the trace of that document or job, else within the
    present span."""
    return _OFF if _tracer is None else _during(_begun(_tracer, name, about, kind, facts))


@contextlib.contextmanager
def _during(started: "Span") -> Iterator[SpanNotes]:
    from opentelemetry.trace import use_span

    with use_span(
        started,
        end_on_exit=True,
        record_exception=False,
        set_status_on_exception=False,
    ) as begun:
        try:
            yield SpanNotes(begun)
        except BaseException as error:
            SpanNotes(begun).fail(error.code if isinstance(error, MailroomError) else type(error).__name__)
            raise


def record_receive(event: Event, fresh: bool, seconds: float) -> None:
    """The span of an event that was stored, or was stored already. It ends now."""
    if _tracer is not None:
        end = time.time_ns()
        outcome = "accepted" if fresh else "duplicate"
        facts = {
            "event_id": event.event_id, "type": event.type, "job": event.job_id, "document": event.document_id,
            "outcome": outcome,
        }  # fmt: skip
        about = event.document_id or event.job_id or event.id
        _begun(_tracer, "receive", about, "SERVER", facts, start=end - int(seconds * 1e9)).end(end)


def traceparent() -> str:
    """The W3C trace context of the present span, for those who get our messages; "" without one."""
    if _tracer is None:
        return ""
    from opentelemetry.trace import get_current_span

    context: SpanContext = get_current_span().get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}" if context.is_valid else ""


def trace_id(about: str) -> int:
    """The id of the trace of this document or job."""
    return int.from_bytes(hashlib.sha256(about.encode()).digest()[:16], "big")


@contextlib.contextmanager
def exporting(environ: Mapping[str, str] = os.environ) -> Iterator[bool]:
    """Sends spans for the duration of the block, if the standard variables say where to; whether it does.

    Raises Misconfigured if one of them cannot be used.
    """
    global _tracer  # noqa: PLW0603  like the root of logging: one for the process
    provider = _provider(environ) if _wanted(environ) else None
    if provider is None:
        yield False
        return
    _tracer = provider.get_tracer("mailroom", __version__)
    try:
        yield True
    finally:
        _tracer = None
        # In a thread: a collector that does not answer must not keep the process from ending.
        last = threading.Thread(target=provider.shutdown, daemon=True)
        last.start()
        last.join(LAST_SECONDS)


def _wanted(environ: Mapping[str, str]) -> bool:
    exporters = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or "otlp" not in exporters.split(","):
        return False
    if not any(environ.get(name) for name in ENDPOINTS):
        return False
    for name in PROTOCOLS:
        if environ.get(name, "http/protobuf") not in ("", "http/protobuf"):
            fix = f"set {name}=http/protobuf, and the endpoint's port for it, usually 4318"
            log_line(log, logging.WARNING, "traces.off", error=f"{name}={environ[name]} is not supported", fix=fix)
            return False
    return True


def _provider(environ: Mapping[str, str]) -> "TracerProvider | None":
    """What makes and sends spans; None without the extra, for some platforms set the endpoint for every program."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    except ImportError:
        fix = "pip install 'llamacloud-mailroom[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        log_line(log, logging.WARNING, "traces.off", error="the extra otel is not installed", fix=fix)
        return None

    class DocumentIds(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            about = _about.get()
            return trace_id(about) if about else super().generate_trace_id()

    _hear_library()

    ours = Resource({"service.name": "mailroom", "service.version": __version__})
    try:
        provider = TracerProvider(
            resource=Resource.create().merge(ours).merge(OTELResourceDetector().detect()),
            id_generator=DocumentIds(),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except (ValueError, OSError) as error:  # it reads the OTEL_ variables, and the certificates that they name
        fix = "correct or unset it: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables"
        raise Misconfigured(f"a variable OTEL_… cannot be used: {error}", fix=fix) from error
    return provider


def _hear_library() -> None:
    """Writes what the library reports (no collector, a full queue) into our log, once a minute."""
    limited = RateLimitedLog(log, logging.WARNING, "traces.failed", seconds=MINUTE)

    class Reports(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            limited.log(error=record.getMessage(), fix="is OTEL_EXPORTER_OTLP_ENDPOINT right, and its collector up?")

    library = logging.getLogger("opentelemetry")
    library.handlers[:], library.propagate = [Reports(logging.WARNING)], False


def _begun(
    tracer: "Tracer", name: str, about: str, kind: Kind, facts: Mapping[str, object], start: int | None = None
) -> "Span":
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind

    before = _about.set(about)
    try:
        return tracer.start_span(
            name,
            context=Context() if about else None,
            kind=SpanKind[kind],
            attributes=_attributes(facts),
            start_time=start,
        )
    finally:
        _about.reset(before)


def _attributes(facts: Mapping[str, object]) -> dict[str, str | bool | int | float]:
    return {
        f"mailroom.{name}": fact if isinstance(fact, str | bool | int | float) else str(fact)
        for name, fact in facts.items()
        if fact is not None and fact != ""
    }
