"""The documentation page: files of this package that render `/schema/openapi.json` without any other host."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import Answer, Header
from api.call import Call
from api.description import Content, Description, described
from api.endpoints import handler
from api.refusals import NoSuchRoute
from api.services import Services

_PAGE: Final = "page.html"
_MEDIA_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and requests of this host, nothing inline, nothing of any other."""


def docs_routes(services: Services) -> list[HTTPRouteHandler]:
    """`GET /docs`, and the page's parts below it."""
    parts = {file.name: file.read_bytes() for file in files(__name__).iterdir() if file.name.rpartition(".")[2] in _MEDIA_TYPES}

    async def docs(_: Call) -> Answer:
        return Answer(200, _headers(_PAGE), parts[_PAGE])

    async def docs_part(call: Call) -> Answer:
        name = call.path["part"]
        if name not in parts:
            raise NoSuchRoute
        return Answer(200, _headers(name), parts[name])

    return [
        get("/docs", name="docs", opt=described(_DOCS))(handler("docs", docs, services)),
        get("/docs/{part:str}", name="docs_part", opt=described(_part(sorted(parts))))(handler("docs_part", docs_part, services)),
    ]


def _headers(name: str) -> list[Header]:
    media_type = f"{_MEDIA_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    return [
        (b"content-type", media_type.encode()),
        (b"content-security-policy", _POLICY),
        (b"x-content-type-options", b"nosniff"),
        # Asked for again with every visit: after an update, no page is made of old and new parts.
        (b"cache-control", b"no-cache"),
    ]


_TEXT: Final[dict[str, Any]] = {"type": "string"}
_DOCS: Final = Description(
    summary="Read this description as a page",
    text="With search, examples, and a form to send requests. It needs no other host.",
    contents=(Content(_TEXT, "<!doctype html>", "text/html"),),
)


def _part(names: list[str]) -> Description:
    parameter = {"name": "part", "in": "path", "required": True, "schema": {"enum": names}, "example": names[0]}
    return Description(
        summary="Read a part of the page",
        text="The style and the scripts that the page loads.",
        contents=tuple(Content(_TEXT, "…", media_type) for media_type in _MEDIA_TYPES.values()),
        failures=(NoSuchRoute,),
        parameters=(parameter,),
    )
