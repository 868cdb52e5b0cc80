"""What the fuzzer is told, so that its requests get somewhere and do not end the run. It loads this file by itself."""

from __future__ import annotations

import itertools
import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response

OWN_KEY = os.environ["STAGEBOOK_FUZZ_KEY"].split("_")[1]
"""Id of the key that the run works with, in hex."""

_NOBODY = "00000000-0000-7000-8000-000000000000"
_PRINTABLE = frozenset(map(chr, range(32, 127)))
_LONGEST = 200

_UNTOUCHED = 4
"""Of so many requests, one is sent as it was made up."""

_numbers = itertools.count()
_reached = [0]


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001  # the hook's signature
    """Every request, directly before it is sent."""
    _ask_for_the_present(case)
    _be_no_retry(case)
    _keep_the_own_key(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _be_mostly_sensible(case)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:  # noqa: ARG001  # the hook's signature
    """Take note of how far the log is."""
    for position in response.headers.get("stagebook-position", ()):
        _reached[0] = max(_reached[0], int(position))


def _ask_for_the_present(case: Case[Any]) -> None:
    """A position that is made up lies in the future, and the read would wait for it in vain. Those that links bring have been reached."""
    position = str(case.headers.get("Stagebook-Min-Position", ""))
    if position.isdigit() and int(position) > _reached[0]:
        del case.headers["Stagebook-Min-Position"]
    as_of = str(case.query.get("as_of", ""))
    if as_of.isdigit() and int(as_of) > _reached[0]:
        case.query["as_of"] = _reached[0]


def _be_no_retry(case: Case[Any]) -> None:
    """Keys that are made up are often the same, and would belong to another request. What is no key at all stays as it is."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and 0 < len(key) <= _LONGEST and _PRINTABLE.issuperset(key):
        case.headers["Idempotency-Key"] = f"{key}#{next(_numbers)}"


def _be_mostly_sensible(case: Case[Any]) -> None:
    """Of four requests three get somewhere, where all is made up but what would be refused at once.

    With a version that is made up, nearly everything is stale; hardly a row is all that dozens of filters ask for; and hardly a text
    that is made up is a time.
    """
    n = next(_numbers)
    if n % _UNTOUCHED == 0:
        return
    case.headers.pop("If-Match", None)
    filters = sorted(name for name in case.query if name.startswith("filter["))
    for name in filters:
        if name != filters[n % len(filters)] or n % 2:
            del case.query[name]
    example = _example(case)
    if example and "{" not in case.path:
        case.body = example | {name: f"{n}.{value}" for name, value in example.items() if name.endswith("email")}


def _example(case: Case[Any]) -> dict[str, Any]:
    """Of the request's body."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    example: dict[str, Any] = content.get("application/json", {}).get("example", {})
    return example


def _keep_the_own_key(case: Case[Any]) -> None:
    """It is among the keys that can be listed; revoked, it would end the run."""
    if case.operation.definition.raw.get("operationId") == "revoke_api_key":
        named = str(case.path_parameters.get("key_id", "")).replace("-", "").lower()
        case.path_parameters["key_id"] = _NOBODY if named == OWN_KEY else case.path_parameters["key_id"]


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context: Any, response: Any) -> str:  # noqa: ARG001  # the hook's signature
    """As text, which is what the description says of it."""
    text: str = response.text
    return text
