"""The page's own server: Voila behind a gate that lets in nobody but the person who started it."""

from __future__ import annotations

import ctypes
import hmac
import secrets
import threading
import webbrowser
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode
from tornado.httputil import HTTPServerRequest, split_host_and_port
from tornado.ioloop import PeriodicCallback
from tornado.web import RequestHandler
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

MOST_PAGES = 20  # each has a kernel of about 200 MB
HOSTS = ("127.0.0.1", "localhost", "::1")
PLOTLY = "jupyterlab-plotly"  # JupyterLab's; the page brings its own
WIRE = "v1.kernel.websocket.jupyter.org"  # the only framing that Voila reads rightly
POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' blob: data: ws://{0}; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
ENTER = "This page was opened from elsewhere, so it is not started by itself. <a href='/'>Open it</a>"
FOREIGN = "This server answers pages and programs of its own machine only."
FULL = f"{MOST_PAGES} pages are open, which is the most; close one, wait a minute, and load this one again."
KEY = "This page needs the key of this start: open the whole address that the command printed."


def until_the_page(_handler, notebook: NotebookNode, cwd: str) -> NotebookNode:
    """The notebook as far as the page needs it: the rest of it is not shown, so nobody waits for that."""
    tagged = [(cell, cell.metadata.get("tags", ())) for cell in notebook.cells]
    last = max(n for n, (_, tags) in enumerate(tagged) if "page" in tags)
    notebook.cells = [cell for cell, tags in tagged[: last + 1] if "result" not in tags]
    return notebook


class ShortPage(RequestHandler):
    """A short page in the place of what was asked for."""

    def initialize(self, status: int, body: str, cookie: tuple[str, str] | None = None) -> None:
        """What is answered, and a cookie with it."""
        self.given = status, body, cookie

    def prepare(self) -> None:
        """Answer, whatever the method."""
        status, body, cookie = self.given
        self.set_status(status)
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Cache-Control", "no-store")
        if cookie:
            self.set_cookie(*cookie, path="/", httponly=True, samesite="Strict")
        self.finish(f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>push-or-poll</title>{body}")


class OnePage(TornadoVoilaHandler):
    """The page, with a kernel of its own, while there are not too many."""

    starting = 0  # pages whose kernel is not there yet

    async def get(self, path: str | None = None) -> None:
        """The page in pieces, as they are made."""
        _ = self.xsrf_token  # sets the cookie that the page needs to end its kernel when it is left
        if path:
            return self.send_error(404)
        if len(self.kernel_manager.list_kernel_ids()) + OnePage.starting >= MOST_PAGES:
            self.set_status(503)
            return self.finish(f"<!DOCTYPE html><html lang='en'><title>push-or-poll</title><p>{FULL}</p>")
        pieces = self.get_generator(path)
        OnePage.starting += 1
        try:
            self.write(await anext(pieces))
        finally:
            OnePage.starting -= 1
        async for piece in pieces:
            self.write(piece)
            self.flush()


class PageServer(Voila):
    """Voila for one person of this machine: a gate before every address, and a policy on every page."""

    def init_settings(self) -> dict:
        """Voila's settings, with Jupyter's check of the host and a policy that lets no foreign script run."""
        self.key = secrets.token_urlsafe(24)
        self.voila_configuration.prelaunch_hook = until_the_page
        self.voila_configuration.extension_denylist = [PLOTLY]
        headers = {"Content-Security-Policy": POLICY.format(f"{self.ip}:{self.port}"), "Referrer-Policy": "same-origin"}
        return {**super().init_settings(), "allow_remote_access": False, "headers": headers}

    def init_handlers(self) -> list:
        """Voila's addresses, with the page's own handler in the place of Voila's."""
        ask = self.app.find_handler
        self.app.find_handler = lambda request, **more: self.answer(request) or ask(request, **more)
        return [(at, OnePage if h is TornadoVoilaHandler else h, *more) for at, h, *more in super().init_handlers()]

    def listen(self) -> None:
        """Say where the page is, and serve it until it is stopped."""
        self.address = f"http://{self.ip}:{self.port}/?token={self.key}"
        print(f"the page: {self.address} (Ctrl+C ends it)", flush=True)
        if give_back := getattr(ctypes.pythonapi, "malloc_trim", None):  # glibc keeps what pages held that were left
            PeriodicCallback(lambda: give_back(0), 15_000).start()
        super().listen()

    def launch_browser(self) -> None:
        """Open the page by a file that only its owner can read: no list of processes shows the key."""
        page = Path(self.connection_dir) / "open.html"
        page.write_text(f"<meta http-equiv='refresh' content='0;url={self.address}'>", encoding="utf-8")
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()

    def answer(self, request: HTTPServerRequest):
        """What a request gets in the place of what it asks for; nothing where it may have that."""
        heard, cookie = request.headers, f"workbook-{self.port}"
        token = request.query_arguments.get("token", [b""])[-1]

        def short(status: int, body: str, **more):
            return self.app.get_handler_delegate(request, ShortPage, {"status": status, "body": body, **more})

        if split_host_and_port(request.host)[0].strip("[]") not in HOSTS or ".." in unquote(request.path):
            return short(403, FOREIGN)
        if hmac.compare_digest(token, self.key.encode()):  # from now on the cookie says it, and no address shows it
            return short(200, "<meta http-equiv='refresh' content='0;url=/'>", cookie=(cookie, self.key))
        if heard.get("Origin", f"http://{request.host}") != f"http://{request.host}":
            return short(403, FOREIGN)
        if heard.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return short(403, ENTER if heard.get("Sec-Fetch-Dest") == "document" else FOREIGN)
        held = request.cookies.get(cookie)
        if held is None or not hmac.compare_digest(held.value.encode(), self.key.encode()):
            return short(403, KEY)
        if request.path.endswith("/channels") and WIRE not in heard.get("Sec-WebSocket-Protocol", ""):
            return short(403, FOREIGN)
        return None
