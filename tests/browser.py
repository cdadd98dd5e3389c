"""Pages in headless Chromium, over the DevTools protocol on a pipe: what went wrong on one, and what it looks like."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--mute-audio"),
)
SECONDS = 60

BEGIN = """
import os, sys
for number, name in ((200, sys.argv[1]), (201, sys.argv[2])):
    os.dup2(int(name), number)
os.dup2(200, 3)
os.dup2(201, 4)
os.closerange(5, 256)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads the protocol from descriptor 3 and writes to 4."""

OUTSIDE = """
(() => {
  const wide = document.documentElement.clientWidth, wrong = [], root = document.scrollingElement;
  if (root.scrollWidth > wide) wrong.push(`the page is ${root.scrollWidth} pixels wide, the window ${wide}`);
  const name = (item) => `${item.localName} ${JSON.stringify(item.textContent.trim().slice(0, 30))}`;
  for (const item of document.querySelectorAll("body *")) {
    const box = item.getBoundingClientRect();
    if (box.width && !item.closest(".scroll") && (box.right > wide + 0.5 || box.left < -0.5))
      wrong.push(`${name(item)} ends at ${box.right.toFixed(0)} of ${wide} pixels`);
  }
  for (const item of document.querySelectorAll("svg text")) {
    const box = item.getBoundingClientRect(), frame = item.ownerSVGElement.getBoundingClientRect();
    if (!box.width) continue;
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1) wrong.push(`${name(item)} is cut off by its plot`);
    if (parseFloat(getComputedStyle(item).fontSize) * frame.width / item.ownerSVGElement.viewBox.baseVal.width < 10)
      wrong.push(`${name(item)} is smaller than 10 pixels`);
  }
  return wrong;
})()
"""
"""Of a page: what is wider than the window, and text of plots that is cut off or too small to read."""


def found() -> str | None:
    """Chromium's path; None where it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A Chromium that listens."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing, self._number, self._rest = reading, writing, 0, b""
        self._events: list[dict[str, Any]] = []

    def page(self, path: Path, width: int, dark: bool = False, shot: Path | None = None) -> list[str]:
        """What is wrong with a page in a window of this width: errors, what it says or asks for, what sticks out."""
        made = self._ask("Target.createTarget", url="about:blank")
        session = self._ask("Target.attachToTarget", targetId=made["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable", session)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", session, **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", session, features=[scheme])
        self._events.clear()
        self._ask("Page.navigate", session, url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._read()
        wrong = self._ask("Runtime.evaluate", session, expression=OUTSIDE, returnByValue=True)["result"]["value"]
        wrong = [*filter(None, map(_fault, self._events)), *wrong]
        if shot:
            image = self._ask("Page.captureScreenshot", session, captureBeyondViewport=True)
            shot.write_bytes(b64decode(image["data"]))
        self._ask("Target.closeTarget", targetId=made["targetId"])
        return wrong

    def _ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        os.write(self._writing, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "result" in answer, answer
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        """The next message; an event is kept too."""
        end = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reading], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._reading, 1 << 20) if ready else b""
            assert data, "Chromium says nothing more"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message = dict(json.loads(text))
        if "method" in message:
            self._events.append(message)
        return message


def _fault(event: dict[str, Any]) -> str | None:
    params = event["params"]
    if event["method"] == "Runtime.exceptionThrown":
        return f"script error: {params['exceptionDetails']['text']}"
    if event["method"] == "Runtime.consoleAPICalled":
        return f"console: {params['type']}"
    if event["method"] == "Log.entryAdded":
        return f"log: {params['entry']['text']}"
    if event["method"] == "Network.requestWillBeSent" and params["type"] != "Document":
        return f"request: {params['request']['url']}"
    return None


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium with a profile of its own, which ends with the block."""
    program = found()
    assert program is not None
    to_read, to_write = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(prefix="emcc-chromium-", ignore_cleanup_errors=True) as profile:
        command = [sys.executable, "-S", "-c", BEGIN, str(to_write[0]), str(to_read[1]), program, *FLAGS]
        process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_write[0], to_read[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            os.close(to_write[0])
            os.close(to_read[1])
            yield Browser(to_read[0], to_write[1])
        finally:
            os.close(to_write[1])
            os.close(to_read[0])
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
