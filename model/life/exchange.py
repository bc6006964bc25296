"""What one occurrence of a flow puts on the wire: IP bytes each way and the time it keeps the radio busy.

Sizes in a scenario are whole HTTP/1.1 messages, headers and body. A host that speaks HTTP/2 carries the same
messages as frames, a socket with compression the same payloads deflated (`exchange_sizes`).
"""

from __future__ import annotations

import functools

import numpy as np

from model import checks, ledger, paths, wire
from model.life import protocols
from model.life.flow import AWAY, Flow, Traffic
from model.life.sessions import handshake_s
from model.parts.fields import row
from model.scenario import AnyDesign, Network

CONTROL_MOST_BYTES = 125  # the longest body of a ping, RFC 6455
AGREED_BYTES = len("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n")


def _added(*pairs):
    """The sum of several (up, down)."""
    return tuple(sum(way[1:], way[0]) for way in zip(*pairs, strict=True))


def _opened(host, ip: int, http2: bool = False):
    """Bytes to open a connection, full and resumed handshakes in their shares; HTTP/2 needs ALPN and more."""
    full, resumed = (wire.connect_bytes(host.tls, host.chain, again, ip, alpn=http2) for again in (False, True))
    part = host.resumed_share
    shaken = tuple(f * (1.0 - part) + r * part for f, r in zip(full, resumed, strict=True))
    return _added(shaken, wire.http2_opening_bytes(host.tls, ip)) if http2 else shaken


def _http_bytes(traffic: Traffic, flow: Flow, ip: int):
    """An occurrence's exchanges; the share that finds no connection opens one, says more first, closes it."""
    host = traffic.life.design.api
    http2 = host.protocol == "http2"
    sizes = wire.rounded_bytes(flow.request_bytes), wire.rounded_bytes(flow.response_bytes)
    framed = [http2_pair_bytes(*sizes, host.backend, first) for first in (False, True)] if http2 else [sizes]
    steady, *more = (wire.http_exchange_bytes(*pair, host.tls, ip, flow.server_s) for pair in framed)
    first = more[0] if more else steady
    opened = traffic.once(("api", ip), lambda: _added(_opened(host, ip, http2), wire.close_bytes(host.tls, ip)))
    return tuple(
        s * flow.requests + (f - s + o) * flow.cold_share for s, f, o in zip(steady, first, opened, strict=True)
    )


def _payload_bytes(socket, payload_bytes):
    """A message's payload as sent."""
    whole = wire.rounded_bytes(payload_bytes)
    return deflated_payload_bytes(whole) if socket.deflate else whole


def _answer_s(traffic: Traffic, flow: Flow):
    """How long the socket's server takes to answer: its function, behind the gateway where there is one."""
    row = traffic.life.design.socket.row
    return flow.execution_s + (0.0 if row.own else traffic.life.scenario.number(row.added_s))


def _push_bytes(traffic: Traffic, flow: Flow, ip: int):
    socket = traffic.life.design.socket
    size = _payload_bytes(socket, protocols.enveloped_bytes(socket, flow.response_bytes))
    return wire.websocket_message_bytes(size, False, socket.tls, ip)


def _message_bytes(traffic: Traffic, flow: Flow, ip: int):
    """What a user sends over the socket, and the answer where there is one."""
    socket = traffic.life.design.socket
    sizes = (
        _payload_bytes(socket, protocols.enveloped_bytes(socket, size))
        for size in (flow.request_bytes, flow.response_bytes)
    )
    sent, answer = (
        wire.websocket_message_bytes(size, up, socket.tls, ip) for size, up in zip(sizes, (True, False), strict=True)
    )
    pairs = zip(sent, answer, strict=True)
    return tuple(flow.messages_up * up + flow.messages_down * down for up, down in pairs)


def _heartbeat_bytes(traffic: Traffic, flow: Flow, ip: int):
    """A beat and its answer: control frames, or JSON messages, of which one each way is an exchange."""
    design, key = traffic.life.held, flow.name.removesuffix(AWAY).replace(" ", "_")
    beat, socket = design.beats[key], design.socket
    if beat.kind == "ping":
        checks.bounded(
            f"{key}.payload_bytes",
            beat.payload_bytes,
            f"<= {CONTROL_MOST_BYTES} B in a ping (RFC 6455)",
            lambda size: size <= CONTROL_MOST_BYTES,
        )
    elif beat.answered:
        ways = (True, False) if beat.by_client else (False, True)
        frames = [wire.websocket_frame_bytes(_payload_bytes(socket, beat.payload_bytes), masked) for masked in ways]
        waited_s = _answer_s(traffic, flow) if beat.by_client else 0.0
        sent, back = wire.http_exchange_bytes(*frames, socket.tls, ip, waited_s)
        return (sent, back) if beat.by_client else (back, sent)
    if not beat.answered:  # a lone control frame is as long as a message
        size = _payload_bytes(socket, beat.payload_bytes) if beat.kind == "json" else beat.payload_bytes
        return wire.websocket_message_bytes(size, beat.by_client, socket.tls, ip)
    size = wire.rounded_bytes(beat.payload_bytes)
    return wire.heartbeat_bytes(socket.tls, ip, size, size, from_server=not beat.by_client)


def _connect_bytes(traffic: Traffic, flow: Flow, ip: int):
    """TCP, TLS and upgrade, and both goodbyes of the connections that are not lost before."""
    life, socket = traffic.life, traffic.life.design.socket
    agreed = wire.rounded_bytes(flow.response_bytes) + AGREED_BYTES * socket.deflate
    asked = wire.rounded_bytes(flow.request_bytes)
    opened = _added(
        traffic.once(("socket", ip), lambda: _opened(socket, ip)),
        wire.upgrade_bytes(asked, agreed, socket.tls, ip, _answer_s(traffic, flow)),
    )
    connects = np.asarray(life.connects_per_s, dtype=float)
    lost = np.divide(
        life.losses_per_s * (1.0 - socket.blocked_share),
        connects,
        out=np.zeros(np.broadcast_shapes(np.shape(life.losses_per_s), connects.shape)),
        where=connects > 0,
    )
    goodbye, hello = protocols.HELLOS.get(life.design.transport, (wire.websocket_close_bytes, protocols.service_hello))
    opened = _added(opened, hello(traffic, ip))
    closed = _added(goodbye(socket.tls, ip), wire.close_bytes(socket.tls, ip))
    return tuple(o + c * (1.0 - lost) for o, c in zip(opened, closed, strict=True))


KINDS = {
    "http": _http_bytes,
    "push": _push_bytes,
    "message": _message_bytes,
    "heartbeat": _heartbeat_bytes,
    "connect": _connect_bytes,
    "mobile push": protocols.mobile_push_bytes,
}


def flow_bytes(traffic: Traffic, flow: Flow, ip: int = 4):
    """IP bytes of one occurrence of a flow, up and down from the phone's side.

    HTTP: requests x one exchange, and for the share that finds its connection cold, TCP, TLS, the opening
    and the longer first header blocks of HTTP/2, and the close. Push: one message and its ACK. Heartbeat:
    ping, pong and ACK, or a message each way. Connect: TCP, TLS, upgrade, and the closing of the WebSocket
    and of TCP where the connection is not lost first.

    Source: wire_capture, rfc6455, rfc7692, rfc8446, rfc9113.
    """
    if flow.exchange not in KINDS:
        return 0.0, 0.0
    key = ("bytes", flow.name, ip)
    known, pair = traffic.memo.get(key, (None, None))
    if known is not flow:  # a flow of the same name may have been given other sizes
        kind = protocols.OTHERS.get((traffic.life.design.transport, flow.exchange), KINDS[flow.exchange])
        pair = kind(traffic, flow, ip)
        traffic.memo[key] = flow, pair
    return pair


def mean_flow_bytes(traffic: Traffic, flow: Flow):
    """IP bytes of one occurrence of a flow on average over the network mix, up and down.

    Source: wire_capture.
    """
    networks = traffic.life.scenario.networks.values()
    by_ip = {ip: sum(n.share for n in networks if n.ip == ip) for ip in sorted({n.ip for n in networks})}
    pairs = [(s, flow_bytes(traffic, flow, ip)) for ip, s in by_ip.items()]
    return sum(s * up for s, (up, _) in pairs), sum(s * down for s, (_, down) in pairs)


def burst_s(flow: Flow, design: AnyDesign, network: Network):
    """How long one occurrence keeps the radio transferring: its round trips and the server's time.

    An exchange takes one round trip and the server's time, a new connection its handshakes more, a push the
    round trip of its ACK; and what is sent and received its time at the network's bit rates.

    Source: rfc8446, wire_capture.
    """
    rtt_s = network.rtt_s
    sent_s = 8.0 * flow.request_bytes / network.up_bit_per_s + 8.0 * flow.response_bytes / network.down_bit_per_s
    if flow.exchange == "http":
        return flow.requests * (rtt_s + flow.server_s + sent_s) + flow.cold_share * handshake_s(design.api, rtt_s)
    if flow.exchange == "connect":
        said = 2.0 + design.socket.row.extra_rtts  # upgrade, what its protocol says first, and the close at the end
        return handshake_s(design.socket, rtt_s) + said * rtt_s + sent_s
    return rtt_s + sent_s if flow.exchange in ("push", "heartbeat", "message", "mobile push") else 0.0


REQUEST = ("http1_ios_post_headers_bytes", "hpack_request")
RESPONSES = {
    "rest_api": ("http1_rest_api_response_headers_bytes", "hpack_rest_api_response"),
    "http_api": ("http1_http_api_response_headers_bytes", "hpack_http_api_response"),
}
TOKEN, API_ANSWER = "http1_bearer_token_header_bytes", "http1_http_api_response_headers_bytes"
API_BLOCK = "hpack_http_api_response_steady_bytes"
HEADER_SETS = {  # kind of poll -> HTTP version, ledger rows of its request's headers and of its answer's
    "iOS POST": ("1.1", ("http1_ios_post_headers_bytes",), API_ANSWER),
    "OkHttp GET": ("1.1", ("http1_okhttp_get_headers_bytes",), API_ANSWER),
    "Chrome GET, other origin": ("1.1", ("http1_chrome_get_cors_headers_bytes",), API_ANSWER),
    "iOS POST to a REST API": ("1.1", ("http1_ios_post_headers_bytes",), "http1_rest_api_response_headers_bytes"),
    "iOS POST with a token": ("1.1", ("http1_ios_post_headers_bytes", TOKEN), API_ANSWER),
    "iOS POST, HTTP/2": ("2", ("hpack_request_steady_bytes",), API_BLOCK),
    "iOS POST with a token, HTTP/2": ("2", ("hpack_request_token_steady_bytes",), API_BLOCK),
}


def _framed(message_bytes, known: tuple[str, str], age: str):
    """The frames of one whole HTTP/1.1 message: its known headers as a block, the rest as body."""
    headers, block = known
    body = np.maximum(message_bytes - int(ledger.value(headers)), 0)
    coded = np.minimum(message_bytes, int(ledger.value(f"{block}_{age}_bytes")))
    return wire.http2_message_bytes(coded, body)


def http2_pair_bytes(request_bytes, response_bytes, backend="http_api", first=False):
    """The HTTP/2 frames of a request and its response whose sizes are those of whole HTTP/1.1 messages.

    Of each message the headers of its kind (an iOS POST; the backend's response) turn into the header block
    that HPACK makes of the same headers, and whatever is beyond them is body:
    frames = 9 + block + (9 + body where there is a body).

    Source: rfc9113, rfc7541, wire_capture.
    """
    age = "first" if first else "steady"
    answer = RESPONSES[row(backend).answer]
    request, response = (
        np.asarray(checks.whole(name, size, "B"), dtype=np.int64)
        for name, size in (("request_bytes", request_bytes), ("response_bytes", response_bytes))
    )
    return _framed(request, REQUEST, age), _framed(response, answer, age)


@functools.cache
def _deflate_curve() -> tuple[np.ndarray, np.ndarray]:
    """Plain and deflated sizes of the sample messages, each alone and all in one list, by rising size."""
    messages = [row["json"].encode() for row in ledger.read_csv(paths.data("messages.csv"))]
    messages.append(b"[" + b",".join(messages) + b"]")
    plain = np.array([len(m) for m in messages])
    packed = wire.deflated_bytes(messages, context_takeover=False)
    order = np.argsort(plain, kind="stable")
    return plain[order], np.maximum.accumulate(packed[order])


def deflated_payload_bytes(payload_bytes):
    """The bytes that permessage-deflate leaves of a JSON message of so many bytes.

    zlib packs sample messages of an app (`data/messages.csv`), each with an empty window, and what lies
    between their sizes is interpolated; beyond the longest its ratio holds. A message that would not shrink
    is sent as it is.

    Source: rfc7692, first_case_code, wire_capture.
    """
    plain = checks.whole("payload_bytes", payload_bytes, "B")
    sizes, packed = _deflate_curve()
    shrunk = np.where(plain > sizes[-1], plain * (packed[-1] / sizes[-1]), np.interp(plain, sizes, packed))
    return wire.rounded_bytes(np.minimum(plain, np.ceil(shrunk)))


def poll_layers(request_bytes, response_bytes, tls="1.3", ip=4):
    """Where the bytes of one poll go, layer by layer, for each of `HEADER_SETS`.

    The bodies are those of an iOS POST and an HTTP API's answer of these whole HTTP/1.1 sizes; only the
    headers around them change. HTTP/2 is in its steady state.

    Parameters
    ----------
    request_bytes : int or array, whole HTTP/1.1 request, whole, >= 0; broadcasts. [B]
    response_bytes : int or array, whole HTTP/1.1 response, likewise. [B]
    tls : str, "1.3", "1.2" or another of `wire.TLS_VERSIONS`
    ip : int or array, IP version, 4 or 6

    Returns: dict of str to dict, {kind of poll: {layer: bytes, both ways}}, layers as `wire.LAYERS`. [B]
    Raises: InputError, for a negative or fractional size, an unknown TLS or IP version
    Source: wire_capture, rfc9113, rfc7541.

    Examples
    --------
    >>> found = poll_layers(362, 310)
    >>> sum(found["iOS POST"].values()), sum(found["iOS POST, HTTP/2"].values())
    (872, 506)
    """
    known = (("request_bytes", request_bytes, REQUEST[0]), ("response_bytes", response_bytes, API_ANSWER))
    asked, answered = (np.maximum(checks.whole(name, size, "B") - ledger.value(row), 0) for name, size, row in known)
    return {
        kind: wire.exchange_layers(
            sum(map(ledger.value, rows)), asked, ledger.value(answer), answered, tls, ip, http=http
        )
        for kind, (http, rows, answer) in HEADER_SETS.items()
    }
