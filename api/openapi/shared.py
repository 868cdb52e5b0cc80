"""Components that are written once and referred to: equal things share a name."""

from __future__ import annotations

from typing import Any

import msgspec

from api.openapi.parts import reference


class Shared:
    """Components of one kind."""

    def __init__(self, kind: str) -> None:
        self.components: dict[str, Any] = {}
        self._kind = kind
        self._names: dict[bytes, str] = {}

    def reference(self, name: str, component: dict[str, Any]) -> dict[str, str]:
        """A reference to the component. It is called `name`, with a number where something else is called so already."""
        content = msgspec.json.encode(component, enc_hook=str)
        if content not in self._names:
            self._names[content] = self._free(name)
            self.components[self._names[content]] = component
        return reference(self._names[content], self._kind)

    def _free(self, name: str) -> str:
        numbered = (f"{name}_{n}" for n in range(2, len(self.components) + 3))
        return name if name not in self.components else next(each for each in numbered if each not in self.components)
