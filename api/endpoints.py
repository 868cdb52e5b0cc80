"""What all endpoints share: a call is answered, every failure becomes a problem, and both leave a trace in the log."""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp

from api.answers import Answer
from api.call import Call, HttpRequest
from api.problems import FAULT, Problem, answer_of, problem_of
from api.refusals import BadRequest, MethodNotAllowed, NoSuchRoute, NotReady
from api.services import Services
from api.streams import Stream
from application.ids import fresh_uuid7

Endpoint = Callable[[Call], Awaitable[Answer | Stream]]

_PLACE = re.compile("{[^}]*}")

_logger = structlog.get_logger("api")


def handler(name: str, endpoint: Endpoint, services: Services, *, traced: bool = True) -> Callable[[HttpRequest], Awaitable[ASGIApp]]:
    """The endpoint as a function for Litestar. What machines ask every few seconds is not `traced`: nobody looks for it."""
    new_id, slow = services.new_id, services.settings.slow_seconds
    answered, traces = services.telemetry.answered, services.telemetry.traces if traced else None

    async def handle(request: HttpRequest) -> ASGIApp:
        started = perf_counter()
        call = Call(request, new_id())
        if traces is not None:
            traces.begin(call.id, call.correlation_id, call.trace_parent)
        try:
            answer = await endpoint(call)
        except Exception as failure:  # noqa: BLE001  # whatever it is, the client gets a problem and the log its trace
            answer = failed(failure, name, call.correlation_id)
        answer.headers.append((b"x-correlation-id", call.correlation_id.encode()))
        seconds = perf_counter() - started
        answered(name, answer.status, seconds)
        if traces is not None:
            traces.end(operation=name, method=request.scope["method"], route=_route(call), status=answer.status)
        if seconds > slow:
            outcome = {"operation": name, "status": answer.status, "seconds": round(seconds, 3)}
            _logger.warning("slow request", **outcome, correlation_id=call.correlation_id)
        return answer

    return handle


def failed(failure: Exception, name: str, correlation_id: str, *, at: str = "") -> Answer:
    """The problem, noted in the log. `at` is the pointer of the refused command inside a list of commands."""
    problem = problem_of(failure, correlation_id=correlation_id, at=at)
    note(problem, failure, name)
    return answer_of(problem, failure)


def note(problem: Problem, failure: Exception, name: str) -> None:
    """One line per failed request: what was asked and the code, never what was in it (A5)."""
    fields: dict[str, Any] = {"operation": name, "status": problem.status, "code": problem.code, "correlation_id": problem.correlation_id}
    if problem.status == FAULT:
        # The message stays out of it: those of drivers and parsers quote the data that they failed on.
        _logger.error("request failed", **fields, fault=type(failure).__qualname__, where=_frames(failure))
    elif isinstance(failure, NotReady):
        # Whoever probes does so again and again, and knows what to do with the answer.
        _logger.debug("not ready", **fields, reason=failure.message)
    else:
        _logger.warning("request refused", **fields)


def routing_failed(request: HttpRequest, failure: Exception) -> Response[bytes]:
    """What Litestar refuses by itself, as a problem: it has found no endpoint to answer the call."""
    call = Call(request, fresh_uuid7())
    answer = failed(_refusal(failure), "none", call.correlation_id)
    headers = {name.decode(): value.decode() for name, value in answer.headers} | {"x-correlation-id": call.correlation_id}
    return Response(answer.body, status_code=answer.status, media_type=headers.pop("content-type"), headers=headers)


def _route(call: Call) -> str:
    """The path as a template. In Litestar's own stand the names of some route of this shape; the call has those of its own."""
    names = iter(call.path)
    return _PLACE.sub(lambda _: f"{{{next(names)}}}", call.request.scope["path_template"])


def _refusal(failure: Exception) -> Exception:
    if isinstance(failure, NotFoundException):
        return NoSuchRoute()
    if isinstance(failure, MethodNotAllowedException):
        return MethodNotAllowed(allow=(failure.headers or {}).get("allow", ""))
    if isinstance(failure, HTTPException) and failure.status_code < FAULT:
        return BadRequest()
    return failure


def _frames(failure: BaseException) -> list[str]:
    """Where it happened, the causes first."""
    frames: list[str] = []
    cause: BaseException | None = failure
    while cause is not None:
        own = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(cause.__traceback__)]
        frames[:0] = [*own, type(cause).__qualname__]
        cause = cause.__cause__ or cause.__context__
    return frames
