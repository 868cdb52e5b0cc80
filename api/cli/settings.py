"""`stagebook settings`."""

from __future__ import annotations

from api.cli.options import Json
from api.cli.output import console, json_line
from infrastructure.settings import SettingDoc, Settings, described

_HIDDEN = "•••"


def settings(*, as_json: Json = False) -> None:
    """Print every setting: its environment variable, its present value, its default, what it means.

    Secrets are not shown, only whether they are set.
    """
    present = Settings.load()
    for doc in described():
        value = str(getattr(present, doc.field))
        shown = _HIDDEN if doc.secret and value else value
        json_line({**doc._asdict(), "value": shown}) if as_json else _explain(doc, shown)


def _explain(doc: SettingDoc, value: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    default = f"{doc.default} {doc.unit}".strip() if doc.default else "empty"
    changed = value != doc.default
    out = console()
    out.print(Text.assemble((doc.variable, "bold cyan"), "  ", (value or "(empty)", "bold green" if changed else "")))
    out.print(Padding(Text.assemble(doc.meaning, (f" Expects {doc.values}. Default: {default}.", "dim")), (0, 0, 1, 4), expand=False))
