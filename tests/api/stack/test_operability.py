"""What whoever runs the system sees of it: figures, health, and traces through all of its processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stack import Stack, Tenant, free_port, running, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def figures(url: str) -> tuple[dict[str, float], str]:
    """The samples of an exposition by name and labels, and its text."""
    answer = httpx.get(f"{url}/metrics", timeout=10)
    assert answer.status_code == 200, answer.text
    samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]
    return {f"{one.name}{sorted(one.labels.values())}": one.value for one in samples}, answer.text


def test_the_figures_tell_of_commands_and_projections_and_nothing_of_an_organization(stack: Stack, tenant: Tenant) -> None:
    before, _ = figures(stack.url)
    venue = tenant.made("/v1/venues", {"name": "Ada's Hall", "capacity": 10})
    refused = tenant.send("PATCH", f"/v1/venues/{tenant.founded['id']}", {"capacity": 11})
    assert refused.status_code == 404
    tenant.row(f"/v1/venues/{venue['id']}", stack.head())
    after, text = figures(stack.url)

    def more(name: str, *labels: str) -> float:
        key = f"stagebook_{name}{sorted(labels)}"
        return after[key] - before.get(key, 0.0)

    assert more("commands_total", "add_venue", "committed", "") == 1
    assert more("commands_total", "update_venue", "refused", refused.json()["code"]) == 1
    assert more("http_request_seconds_count", "add_venue", "2xx") == 1
    assert more("http_request_seconds_count", "update_venue", "4xx") == 1
    assert more("bus_append_seconds_count") >= 1
    assert after["stagebook_database_up[]"] == 1
    assert after["stagebook_projection_has_worker['relational']"] == 1
    assert after["stagebook_projection_position['relational']"] <= after["stagebook_log_position[]"] <= stack.head()
    for private in ("Ada", "example", "owner@", venue["id"], tenant.founded["id"], tenant.key):
        assert private not in text


def test_readiness_tells_of_every_projection(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/health/ready", timeout=10)
    assert answer.status_code == 200
    assert {one["name"] for one in answer.json()["projections"]} >= {"relational", "deadlines"}
    assert answer.json()["queue"]["limit"] == 4096


@dataclass
class Collector:
    """An OpenTelemetry collector that keeps what it is sent."""

    url: str
    spans: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id."""

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                attributes = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
                self.spans[span.span_id.hex()] = {
                    "service": service,
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "from": span.start_time_unix_nano,
                    "to": span.end_time_unix_nano,
                    "attributes": attributes,
                }

    def of_trace(self, trace: str) -> dict[str, dict[str, Any]]:
        """Its spans by name."""
        return {span["name"]: span | {"id": key} for key, span in self.spans.copy().items() if span["trace"] == trace}


@contextmanager
def collecting() -> Iterator[Collector]:
    """OTLP over HTTP, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"]))))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Watched:
    """A stack whose traces are collected, and whose worker serves its figures."""

    stack: Stack
    collector: Collector
    worker_url: str


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    data_dir: Path = tmp_path_factory.mktemp("watched") / "data"
    port = free_port()
    with (
        collecting() as collector,
        running(
            data_dir,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="50",
            STAGEBOOK_WORKER_METRICS_PORT=str(port),
        ) as stack,
    ):
        yield Watched(stack, collector, f"http://127.0.0.1:{port}")


def test_a_trace_goes_from_the_clients_request_to_the_rows_it_made_visible(watched: Watched) -> None:
    with watched.stack.tenant() as tenant:
        venue = tenant.made("/v1/venues", {"name": "Ada's Hall", "capacity": 10}, traceparent=f"00-{TRACE}-{CALLER}-01")
        tenant.row(f"/v1/venues/{venue['id']}", watched.stack.head())
    names = {"POST /v1/venues", "add_venue", "decide", "append", "project relational"}
    until(lambda: watched.collector.of_trace(TRACE).keys() >= names, seconds=10)
    spans = watched.collector.of_trace(TRACE)
    request, command, projected = spans["POST /v1/venues"], spans["add_venue"], spans["project relational"]

    assert request["parent"] == CALLER
    assert command["parent"] == request["id"]
    assert {spans[name]["parent"] for name in ("decide", "append", "project relational")} == {command["id"]}
    assert {name: span["service"] for name, span in spans.items() if name in names} == {
        "POST /v1/venues": "stagebook-api",
        "add_venue": "stagebook-api",
        "decide": "stagebook-api",
        "append": "stagebook-api",
        "project relational": "stagebook-worker",
    }
    assert request["from"] <= command["from"] <= spans["decide"]["from"] <= spans["decide"]["to"] <= spans["append"]["to"]
    assert spans["append"]["to"] <= command["to"] <= request["to"]
    assert projected["to"] > spans["append"]["from"]
    assert request["attributes"]["http.route"] == "/v1/venues"
    assert request["attributes"]["http.response.status_code"] == 201
    assert command["attributes"]["stagebook.outcome"] == "committed"
    assert projected["attributes"]["stagebook.command"] == "add_venue"
    assert projected["attributes"]["stagebook.position"] == command["attributes"]["stagebook.position"]
    for private in ("Ada", tenant.founded["id"], venue["id"]):
        assert private not in str(spans)


def test_a_refused_command_is_part_of_the_trace_of_its_request(watched: Watched) -> None:
    trace = TRACE[::-1]
    with watched.stack.tenant() as tenant:
        refused = tenant.send("PATCH", f"/v1/venues/{tenant.founded['id']}", {"capacity": 11}, traceparent=f"00-{trace}-{CALLER}-01")
    assert refused.json()["correlation_id"] == trace
    until(lambda: watched.collector.of_trace(trace).keys() >= {"PATCH /v1/venues/{venue_id}", "update_venue"}, seconds=10)
    spans = watched.collector.of_trace(trace)
    assert spans["update_venue"]["attributes"]["stagebook.refusal"] == refused.json()["code"]
    assert spans["PATCH /v1/venues/{venue_id}"]["attributes"]["http.response.status_code"] == 404
    assert "project relational" not in spans


def test_the_worker_serves_its_figures(watched: Watched) -> None:
    found, _ = figures(watched.worker_url)
    assert found["stagebook_worker_records_total['relational']"] >= 1
    assert found["stagebook_worker_batch_seconds_count['relational']"] >= 1
    until(lambda: figures(watched.worker_url)[0]["stagebook_event_loop_late_seconds_count[]"] >= 2, seconds=5)


def test_what_is_asked_every_few_seconds_is_not_traced(watched: Watched) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert httpx.get(f"{watched.stack.url}{path}", timeout=10).status_code == 200
    with watched.stack.tenant() as tenant:
        trace = TRACE.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
        tenant.made("/v1/venues", {"name": "Hall", "capacity": 10}, traceparent=f"00-{trace}-{CALLER}-01")
    until(lambda: "POST /v1/venues" in watched.collector.of_trace(trace), seconds=10)
    assert not [span["name"] for span in watched.collector.spans.copy().values() if "health" in span["name"] or "metrics" in span["name"]]
