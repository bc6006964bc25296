"""A bench of real sockets: what polling and push really put on the wire, and when it is seen.

`python -m tools.bench FOLDER` runs real servers and clients on loopback, writes what the kernel counted and
shows the model beside it; `workbook measure` starts it. The servers are aiohttp (HTTP/1.1), h2 (HTTP/2) and
websockets, the clients httpx and websockets, over TLS 1.3 with a certificate chain made for the run.
"""

from tools.bench.run import measure

__all__ = ["measure"]
