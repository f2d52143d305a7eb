"""A small model service that obeys the kill switches. The standard library is all it needs; copy what you like.

    python docs/example_server.py --model delay --switches WORKSPACE/switches.json
    OFREP_TOKEN=... python docs/example_server.py --model delay --ofrep http://127.0.0.1:8716

    POST /score  {"distance": 1089}   ->  {"score": 0.56, "served_by": "model"}
    GET  /switch                      ->  {"state": "normal", "stale": false}

What to take over from here, whatever your language and framework:

- Look at the file before every answer: two system calls when nothing changed, and a switch takes effect with the next request.
- Keep obeying the last good content while the file cannot be read, or is gone after it was there. Say so, but do not turn anything back.
- Before anything was ever read, answer with the safe default: nobody can know yet that the model is wanted.
- A state that you do not know is one that you cannot obey: answer with the safe default.
- `until` is for people. Never turn a switch back because of it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATES = {"normal", "degraded", "fallback", "killed"}
USUAL_SHARE = 0.2
"""The declared safe default: what is right on average, whatever the request."""


class FileSwitch:
    """The switch of one model as `switches.json` has it."""

    def __init__(self, path: Path, environment: str, model: str) -> None:
        self.path, self.environment, self.model = path, environment, model
        self.state, self.stale = "fallback", True
        self._seen: tuple[int, ...] | None = None
        self._guard = threading.Lock()

    def look(self) -> tuple[str, bool]:
        """The state to obey, and whether it is the last good one because the file cannot be read now."""
        with self._guard:
            try:
                found = self.path.stat()
                seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
                if self.stale or seen != self._seen:
                    self.state = self._read()
                    self._seen, self.stale = seen, False
            except FileNotFoundError:
                # No file is no switch, unless there was one: that one is still meant.
                if self._seen is None:
                    self.state, self.stale = "normal", False
                else:
                    self.stale = True
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                self.stale = True
            return self.state, self.stale

    def _read(self) -> str:
        document = json.loads(self.path.read_bytes())
        if document["format"] != "quarterdeck/switches/1":
            raise ValueError("another format")
        setting = document["switches"].get(self.environment, {}).get(self.model)
        return "normal" if setting is None else str(setting["state"])


class OfrepSwitch:
    """The same by way of `quarterdeck serve`, asked every so often on a thread of its own: no request waits for the network."""

    def __init__(self, url: str, token: str, environment: str, model: str, every: float) -> None:
        key = urllib.parse.quote(f"quarterdeck.{environment}.{model}.state", safe="")
        self.request = urllib.request.Request(
            f"{url.rstrip('/')}/ofrep/v1/evaluate/flags/{key}",
            data=b'{"context": {"targetingKey": "example"}}',
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        self.every = every
        self.found = ("fallback", True)
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> tuple[str, bool]:
        """The state that was heard last, and whether nothing newer can be heard now."""
        return self.found

    def _watch(self) -> None:
        pause = threading.Event()
        # Whatever a proxy of this machine is for, it is not for this.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                with opener.open(self.request, timeout=5) as answer:
                    flag = json.load(answer)
                self.found = (str(flag["value"]), flag["metadata"]["switches"] != "OK")
            except (OSError, ValueError, KeyError, TypeError):
                # One request at a time, at an even pace: an endpoint in trouble is not helped by more of them.
                self.found = (self.found[0], True)
            pause.wait(self.every)


def score(distance: float) -> float:
    """The model: the share of flights of this distance that come late."""
    return 1 / (1 + math.exp(-(distance - 1000) / 400))


def answer(state: str, distance: float) -> tuple[int, dict[str, object]]:
    """HTTP status and body for one request in one state of the switch."""
    if state == "killed":
        return 503, {"score": None, "served_by": "killed"}
    if state == "normal":
        return 200, {"score": score(distance), "served_by": "model"}
    if state == "degraded":
        # Answers of limited use are kept back: here the ones near the usual share, which nobody acts on.
        found = score(distance)
        return 200, {"score": found if found > 0.3 else None, "served_by": "degraded"}
    return 200, {"score": USUAL_SHARE, "served_by": "fallback"}


def handler(switch: FileSwitch | OfrepSwitch) -> type[BaseHTTPRequestHandler]:
    """What answers requests by what `switch` says at each of them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state, stale = switch.look()
            self.say(200, {"state": state, "stale": stale})

        def do_POST(self) -> None:
            try:
                length = min(max(0, int(self.headers["Content-Length"])), 65_536)
                distance = float(json.loads(self.rfile.read(length))["distance"])
            except (ValueError, KeyError, TypeError):
                self.close_connection = True
                self.say(400, {"error": "send a distance"})
                return
            state, _ = switch.look()
            self.say(*answer(state if state in STATES else "fallback", distance))

        def say(self, status: int, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing a request."""

    return Handler


def main() -> int:
    parser = argparse.ArgumentParser(description="A small model service that obeys the kill switches.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--environment", default="production")
    parser.add_argument("--switches", type=Path, help="switches.json of a workspace")
    parser.add_argument("--ofrep", metavar="URL", help="address of `quarterdeck serve`; the token is in OFREP_TOKEN")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two questions with --ofrep")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if (options.switches is None) == (options.ofrep is None):
        parser.error("give either --switches or --ofrep")
    switch: FileSwitch | OfrepSwitch
    if options.switches is not None:
        switch = FileSwitch(options.switches, options.environment, options.model)
    else:
        switch = OfrepSwitch(options.ofrep, os.environ.get("OFREP_TOKEN", ""), options.environment, options.model, options.every)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(switch))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
