"""What a web page of a stranger gets from the page that runs on this machine: nothing."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import app_server
import chromium
import psutil
import pytest

HOSTILE = """<!DOCTYPE html><title>hostile</title>
<form id="form" method="post" enctype="text/plain" target="hole"></form>
<iframe name="hole"></iframe><div id="frames"></div>"""
ATTACK = """(async () => {
  const page = %r, kernel = %r, got = {};
  const never = () => new Promise((r) => setTimeout(r, 4000, "nothing"));
  const settled = (p) => Promise.race([p.then((v) => v, () => "nothing"), never()]);
  got.images = await Promise.all([...Array(8).keys()].map((k) => settled(new Promise((yes, no) => {
    const image = new Image(); image.onload = () => yes("loaded"); image.onerror = no;
    image.src = `${page}?${k}`; }))));
  const read = (way) => settled(fetch(page, way).then((r) => r.type === "opaque" ? "nothing" : r.text()));
  got.cors = await read({ credentials: "include" });
  got.quiet = await read({ mode: "no-cors", credentials: "include" });
  const socket = (at, wires) => settled(new Promise((yes, no) => {
    const line = new WebSocket(at.replace("http", "ws") + `api/kernels/${kernel}/channels`, wires);
    line.onopen = () => yes("open"); line.onerror = no; }));
  got.sockets = [await socket(page, ["v1.kernel.websocket.jupyter.org"]), await socket(page, [])];
  const form = document.getElementById("form");
  form.action = `${page}voila/api/shutdown/${kernel}`; form.submit();
  const frame = document.createElement("iframe"); frame.src = page; document.getElementById("frames").append(frame);
  const script = document.createElement("script");
  got.script = await settled(new Promise((yes, no) => { script.onload = () => yes("ran"); script.onerror = no;
    script.src = `${page}voila/static/start.js?new`; document.head.append(script); }));
  await new Promise((r) => setTimeout(r, 1000));
  return got; })()"""
NOTHING = {
    "images": ["nothing"] * 8,
    "cors": "nothing",
    "quiet": "nothing",
    "sockets": ["nothing"] * 2,
    "script": "nothing",
}


class Hostile(BaseHTTPRequestHandler):
    """Serves the hostile page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE.encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def strange():
    """The port of a stranger's web server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """A browser for which a stranger's name leads to this machine, as after a DNS rebinding."""
    one = chromium.Browser("--host-resolver-rules=MAP evil.example 127.0.0.1")
    yield one
    one.close()


@pytest.fixture(scope="module")
def page(browser, address):
    """The person's own page, open beside the hostile one, with its cookies."""
    return app_server.opened(browser, address)


def kernels():
    return sorted(
        p.pid
        for p in psutil.Process().children(recursive=True)
        if p.status() != psutil.STATUS_ZOMBIE and "ipykernel" in " ".join(p.cmdline())
    )


def of(page, address):
    """The plain address of the page, and the id of its kernel."""
    config = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
    return f"http://{urlsplit(address).netloc}/", page.run(config)


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1"])
def test_a_hostile_page_of_another_name_or_port_gets_nothing(browser, page, address, strange, name):
    plain, kernel = of(page, address)
    before = kernels()
    hostile = browser.page(context=page.context)
    hostile.call("Page.navigate", url=f"http://{name}:{strange}/")
    hostile.until("document.title === 'hostile'")
    assert hostile.run(ATTACK % (plain, kernel)) == NOTHING
    time.sleep(1)
    assert kernels() == before
    assert [e for e in page.errors() if "kernel" in e.lower()] == []


def test_under_a_rebound_name_the_page_and_its_sockets_answer_nothing(browser, page, address):
    plain, kernel = of(page, address)
    before, rebound = kernels(), plain.replace("127.0.0.1", "evil.example")
    hostile = browser.page(context=page.context)
    for at in (rebound, rebound + urlsplit(address).path.lstrip("/") + "?" + urlsplit(address).query):
        hostile.call("Page.navigate", url=at)
        assert hostile.until("document.body && document.body.innerText").startswith("This server answers pages")
        line = f"{rebound.replace('http', 'ws')}api/kernels/{kernel}/channels"
        socket = f"""new Promise((r) => {{ const s = new WebSocket('{line}',
            ['v1.kernel.websocket.jupyter.org']); s.onopen = () => r('open'); s.onerror = () => r('nothing'); }})"""
        assert hostile.run(socket) == "nothing"
    assert kernels() == before


def test_without_the_key_of_this_start_the_own_machine_gets_a_sentence(browser, page, address):
    plain, before = of(page, address)[0], kernels()
    other = browser.page()  # another person's browser
    other.call("Page.navigate", url=plain)
    assert other.until("document.body && document.body.innerText").startswith("This page needs the key of this start")
    assert kernels() == before


def test_a_link_of_another_site_does_not_start_a_page_until_the_person_does(browser, page, address, strange):
    plain, before = of(page, address)[0], kernels()
    other = browser.page(context=page.context)
    other.call("Page.navigate", url=f"http://127.0.0.1:{strange}/")
    other.until("document.title === 'hostile'")
    other.run(f"location.href = {plain!r}")
    assert "opened from elsewhere" in other.until("document.title === 'push-or-poll' && document.body.innerText")
    assert kernels() == before
    other.run("document.links[0].click()")
    other.until(app_server.READY, 90)
    other.call("Page.reload")
    time.sleep(0.5)
    other.until(app_server.READY, 90)
    assert other.run("location.href") == plain  # no address shows the key
