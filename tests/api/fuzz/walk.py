"""A client that knows nothing but the description: it begins with the examples and goes where the links of the answers lead."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.schemas import OpenApiSchema

SUCCESS = range(200, 300)
_FEW = 6
"""Choices that are looked at: always the rarest of all would be always the one that cannot succeed."""
_MIN_POSITION = {"$ref": "#/components/parameters/MinPosition"}
_LATEST = 12
"""So many answers are remembered as those that can be followed."""


@dataclass
class Exchange:
    """A request and its answer, as far as links speak of them."""

    path: dict[str, Any]
    answer: Any
    links: dict[str, Any]


Choice = tuple[str, dict[str, Any], Any, Exchange | None]
"""What can be asked: operation, parameters, body, and the exchange that it follows."""


@dataclass
class Walker:
    """Takes a step after the other, and holds every answer against the description."""

    url: str
    platform_key: str
    random: random.Random
    key: str = ""
    position: int = 0
    """The highest that was answered: what is read shows at least that."""
    done: Counter[str] = field(default_factory=Counter)
    """How often each operation has succeeded."""
    met: Counter[str] = field(default_factory=Counter)
    """How often each operation has been asked for."""
    latest: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        schema = schemathesis.openapi.from_url(f"{self.url}/schema/openapi.json")
        assert isinstance(schema, OpenApiSchema)
        self.schema = schema
        self.document: dict[str, Any] = requests.get(f"{self.url}/schema/openapi.json", timeout=60).json()
        self.operations = {
            operation["operationId"]: (path, operation) for path, item in self.document["paths"].items() for operation in item.values()
        }
        self.roots = [name for name, (path, _) in self.operations.items() if path.startswith("/v1/") and "{" not in path]

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def walk(self, steps: int) -> None:
        """Begin with an organization, and go on until it is gone or nobody may ask any more."""
        self.latest.clear()
        founded = self.ask("create_organization", {}, self._example("create_organization"))
        assert founded.status_code in SUCCESS, founded.text
        self.key = founded.json()["owner_key"]
        for _ in range(steps):
            if self.step().status_code == requests.codes.unauthorized:
                return

    def follow(self, *names: str) -> None:
        """Take these steps, each from the latest answer that leads there. Each must succeed."""
        for name in names:
            found = [choice for exchange in reversed(self.latest) for choice in self._following(exchange) if choice[0] == name]
            assert found or name in self.roots, f"nothing leads to {name}"
            response = self.ask(*(found[0] if found else (name, {}, self._example(name))))
            assert response.status_code in SUCCESS, f"{name}: {response.text}"

    def step(self) -> Response:
        """Of a few things that can be done next, that which was done least often so far."""
        choices: list[Choice] = [(name, {}, self._example(name), None) for name in self.roots if name != "create_organization"]
        choices += [(*choice, exchange) for exchange in self.latest for choice in self._following(exchange)]
        few = self.random.sample(choices, min(_FEW, len(choices)))
        name, parameters, body, exchange = min(few, key=lambda choice: (self.done[choice[0]], self.met[choice[0]]))
        response = self.ask(name, parameters, body)
        if response.status_code == requests.codes.not_found and exchange in self.latest:
            self.latest.remove(exchange)  # what it was about is gone
        return response

    def ask(self, name: str, parameters: dict[str, Any], body: Any) -> Response:
        """Send it, and check the answer."""
        path, operation = self.operations[name]
        place = {key: value for key, value in parameters.items() if f"{{{key}}}" in path}
        headers = {key: str(value) for key, value in parameters.items() if key not in place}
        if _MIN_POSITION in operation["parameters"]:
            headers["Stagebook-Min-Position"] = str(self.position)
        case = self.schema.find_operation_by_id(name).Case(
            path_parameters=place, headers=headers, **({} if body is None else {"body": body})
        )
        key = self.platform_key if operation.get("x-permission") == "platform" else self.key
        response: Response = case.call(session=self._session, headers={"Authorization": f"Bearer {key}"})
        case.validate_response(response, headers={"Authorization": f"Bearer {key}"})
        self.met[name] += 1
        if response.status_code in SUCCESS:
            self.done[name] += 1
            self.position = max([self.position, *map(int, response.headers.get("stagebook-position", ()))])
            links = operation["responses"].get(str(response.status_code), {}).get("links", {})
            self.latest = [*self.latest, Exchange(place, _json(response), links)][-_LATEST:]
        return response

    def _following(self, exchange: Exchange) -> list[tuple[str, dict[str, Any], Any]]:
        """The requests that the links of an answer make, where it has what they need."""
        choices = []
        for reference in exchange.links.values():
            link = self.document["components"]["links"][reference["$ref"].rpartition("/")[2]]
            parameters = _evaluated(link.get("parameters", {}), exchange)
            if None not in parameters.values():
                body = _evaluated(link["requestBody"], exchange) if "requestBody" in link else self._example(link["operationId"])
                choices.append((link["operationId"], parameters, body))
        return choices

    def _example(self, name: str) -> Any:
        """The body of the description's example; what must be unique gets a number."""
        content = self.operations[name][1].get("requestBody", {}).get("content", {})
        example = content.get("application/json", {}).get("example")
        if not isinstance(example, dict):
            return example
        return {key: f"{self.random.getrandbits(32)}.{value}" if key.endswith("email") else value for key, value in example.items()}


def _json(response: Response) -> Any:
    return response.json() if response.headers["content-type"][0].startswith("application/json") else None


def _evaluated(value: Any, exchange: Exchange) -> Any:
    """With runtime expressions replaced by what they mean; None where there is nothing."""
    match value:
        case dict():
            return {name: _evaluated(part, exchange) for name, part in value.items()}
        case list():
            return [_evaluated(part, exchange) for part in value]
        case str() if value.startswith("$request.path."):
            return exchange.path.get(value.removeprefix("$request.path."))
        case str() if value.startswith("$response.body#"):
            return _pointed(exchange.answer, value.removeprefix("$response.body#"))
        case _:
            return value


def _pointed(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
