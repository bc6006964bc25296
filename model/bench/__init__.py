"""A bench of real sockets: what polling and push really put on the wire, and when it is seen.

`measure` runs real servers and clients on loopback and writes what the kernel counted; `compare` puts the
model beside it. The servers are aiohttp (HTTP/1.1), h2 (HTTP/2) and websockets, the clients httpx and
websockets, over TLS 1.3 with a certificate chain made for the run.
"""

from model.bench.comparison import compare
from model.bench.run import measure

__all__ = ["compare", "measure"]
