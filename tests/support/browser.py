"""Chromium without a window, driven through its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# No name is resolved: whatever the page asked of another host, it would not get.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
    OFFLINE,
)
_ABOVE = 10
_PATIENCE = 30.0
"""Seconds."""
_BECOME = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"


class Page:
    """One page, with all that it has reported."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; its result."""
        return self._browser.tell(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self.tell("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """Evaluate JavaScript; a promise is awaited."""
        found = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until it is true."""
        deadline = time.monotonic() + _PATIENCE
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never: {expression}; {self.complaints()}"
            time.sleep(0.02)

    def press(self, key: str, **more: Any) -> None:
        """A key, down and up."""
        for kind in ("keyDown", "keyUp"):
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, **(more if kind == "keyDown" else {}))

    def events(self, method: str) -> list[dict[str, Any]]:
        """What was reported so far."""
        return [event["params"] for event in self._browser.events if event["method"] == method and event.get("sessionId") == self._session]

    def complaints(self) -> list[str]:
        """Errors and warnings on the console, breaches of the security policy, exceptions."""
        said = [str(each["args"]) for each in self.events("Runtime.consoleAPICalled") if each["type"] in ("error", "warning", "assert")]
        logged = [each["entry"]["text"] for each in self.events("Log.entryAdded") if each["entry"]["level"] in ("error", "warning")]
        return said + logged + [str(each["exceptionDetails"]) for each in self.events("Runtime.exceptionThrown")]

    def requested(self) -> list[str]:
        """The URLs that the page has asked for."""
        return [each["request"]["url"] for each in self.events("Network.requestWillBeSent")]

    def picture(self, path: Path) -> None:
        """What can be seen, as a PNG."""
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))


class Browser:
    """A running browser."""

    def __init__(self, process: subprocess.Popen[bytes], commands: int, answers: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = process
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0

    def tell(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command; its result. What is reported meanwhile is kept in `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._commands, msgspec.json.encode(message) + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == self._number:
                assert "error" not in received, received
                result: dict[str, Any] = received["result"]
                return result
            self.events.append(received)

    def page(self, width: int = 1400, height: int = 900) -> Page:
        """A new page."""
        target = self.tell("Target.createTarget", url="about:blank", newWindow=True, width=width, height=height)["targetId"]
        return Page(self, self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._answers, 1 << 20)
            assert piece, "the browser has ended"
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        received: dict[str, Any] = msgspec.json.decode(text)
        return received


def executable() -> str | None:
    """Where Chromium is, if it is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_browser(program: str, profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in this folder, ended afterwards."""
    commands, to_write = os.pipe()
    to_read, answers = os.pipe()
    # The browser expects them as 3 and 4: so they must not be that already.
    commands, answers = _moved(commands), _moved(answers)
    start = [sys.executable, "-c", _BECOME, str(commands), str(answers), program, *_ARGUMENTS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(start, pass_fds=(commands, answers), stderr=subprocess.DEVNULL)
    os.close(commands)
    os.close(answers)
    try:
        yield Browser(process, to_write, to_read)
    finally:
        process.terminate()
        process.wait(30)
        os.close(to_write)
        os.close(to_read)


def _moved(end: int) -> int:
    other = fcntl.fcntl(end, fcntl.F_DUPFD, _ABOVE)
    os.close(end)
    return other
