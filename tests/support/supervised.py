"""The supervisor with stand-ins for the API, the worker and the demo: `python -m tests.support.supervised up <data folder> <port>`.

The stand-ins write their process ids to the data folder. `serve` answers every request; a file `broken` there makes it end at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec

from api.cli.up import print_json
from infrastructure.faults import Fault
from infrastructure.logging import configure_logging
from infrastructure.settings import Settings
from infrastructure.supervisor import Supervisor


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.end_headers()


def _up(data_dir: str, port: str) -> int:
    settings = Settings.load().with_options(data_dir=data_dir, port=port)
    configure_logging(settings.log_level)
    program = [sys.executable, "-m", "tests.support.supervised"]
    try:
        Supervisor(settings, program=program, demo=True, announce=print_json).run()
    except Fault as fault:
        print(f"stagebook: {fault}", file=sys.stderr)
        return fault.exit_code
    return 0


def _serve(settings: Settings) -> None:
    if (settings.data_dir / "broken").exists():
        sys.exit(7)
    server = HTTPServer((settings.host, settings.port), _Health)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


def _stand_in(command: str) -> None:
    settings = Settings.load()
    Path(settings.data_dir, f"{command}.pid").write_text(str(os.getpid()))
    if command == "serve":
        _serve(settings)
    elif command == "work":
        signal.pause()
    else:
        print(msgspec.json.encode({"organization_id": "demo", "owner_key": "sbk_demo"}).decode())


if __name__ == "__main__":
    if sys.argv[1] == "up":
        sys.exit(_up(*sys.argv[2:]))
    _stand_in(sys.argv[1])
