"""The OpenAPI description of everything that is served."""

from __future__ import annotations

from api.openapi.document import openapi_document, openapi_route

__all__ = ["openapi_document", "openapi_route"]
