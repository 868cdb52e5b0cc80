"""The page of the documentation that lists all settings. `python -m infrastructure.settings_page > docs/settings.md` writes it."""

from __future__ import annotations

import sys

from infrastructure.settings import SettingDoc, described

_HEAD = """\
# Settings

<!-- Derived from infrastructure/settings.py: python -m infrastructure.settings_page > docs/settings.md -->

Settings are environment variables. They are read once, when a process starts; a wrong value ends it with one line that names the
variable. An unset or empty variable takes its default. Where the command line has an option for the same thing, the option counts.
`stagebook up` hands its settings to the processes that it starts. Those marked secret are never logged or shown.

| variable | meaning | values | default |
|---|---|---|---|
"""

_TAIL = """
Traces are configured with OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like): see
[operations](operations.md#traces).
"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + "".join(map(_line, described())) + _TAIL


def _line(setting: SettingDoc) -> str:
    name = f"`{setting.variable}`" + (" (secret)" if setting.secret else "")
    values = setting.values + (f", in {setting.unit}" if setting.unit else "")
    default = f"`{setting.default}`" if setting.default else ""
    return f"| {name} | {setting.meaning} | {values} | {default} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
