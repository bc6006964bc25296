"""A headless Chromium driven over its own debugging protocol; nothing but `websockets` is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def path() -> str | None:
    """The Chromium of this machine, or None."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Browser:
    """One Chromium with a profile of its own, ended with everything it started."""

    def __init__(self, *more: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        self.process = subprocess.Popen(
            [
                path(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--remote-debugging-port=0",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--disable-dev-shm-usage",
                f"--user-data-dir={self.folder}",
                *more,
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        told = Path(self.folder) / "DevToolsActivePort"
        until = time.monotonic() + 60
        while not (told.exists() and len(told.read_text().split()) == 2):
            if time.monotonic() > until or self.process.poll() is not None:
                self.close()
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        port, place = told.read_text().split()
        self.opened = connect(f"ws://127.0.0.1:{port}{place}", max_size=None)
        self.line = self.opened.__enter__()
        self.number, self.pages = 0, {}

    def call(self, method: str, session: str | None = None, timeout: float = 60.0, **params):
        """Send a command, keep the events that come before its answer, give the answer."""
        self.number += 1
        mine = {"id": self.number, "method": method, "params": params}
        self.line.send(json.dumps(mine | ({"sessionId": session} if session else {})))
        while True:
            heard = json.loads(self.line.recv(timeout=timeout))
            if heard.get("id") == mine["id"]:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']['message']}")
                return heard["result"]
            page = self.pages.get(heard.get("sessionId"))
            if page:
                page.events.append(heard)

    def page(self, width: int = 1280, height: int = 900, context: str | None = None) -> Page:
        """A new page in a context of its own, as another person's browser would be, or beside others in theirs."""
        context = context or self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session, target)
        page.context = context
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        return page

    def close(self) -> None:
        """End the browser and take its profile away."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    """One page: what it shows, what it asked for, what went wrong in it."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self.browser, self.session, self.target, self.events = browser, session, target, []
        self.context = ""

    def call(self, method: str, **params):
        """A command to this page."""
        return self.browser.call(method, self.session, **params)

    def resize(self, width: int, height: int) -> None:
        """The size of the window in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script: str):
        """The value of a script, promises waited for."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"].get("description", script))
        return done["result"].get("value")

    def until(self, script: str, timeout_s: float = 60.0):
        """Wait until a script gives something true, and give that."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                value = self.run(script)
            except RuntimeError:
                value = None  # the page may be between two documents
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(script)

    def press(self, key: str, code: int, text: str = "", shift: bool = False) -> None:
        """One key, down and up."""
        given = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def errors(self) -> list[str]:
        """Errors of the console, exceptions, and addresses that could not be read."""
        self.run("1")
        found = []
        for event in self.events:
            kind, params = event["method"], event["params"]
            if kind == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"].get("exception", {}).get("description")))
            elif kind == "Runtime.consoleAPICalled" and params["type"] == "error":
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
            elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return found

    def asked(self) -> list[str]:
        """Every address that the page asked for."""
        self.run("1")
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def picture(self, place: Path, whole: bool = True) -> Path:
        """A PNG of the page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        place.write_bytes(base64.b64decode(data))
        return place
