"""What one occurrence of a flow puts on the wire: IP bytes each way and the time it keeps the radio busy."""

from __future__ import annotations

import numpy as np

from model import wire
from model.scenario import Design, Network
from model.traffic import Flow, Traffic
from model.traffic.usage import handshake_s

__all__ = ["burst_s", "flow_bytes", "mean_flow_bytes"]


def _once(now: Traffic, key: tuple, work):
    """The value under a key of the traffic's memo, worked out where it is not there yet."""
    if key not in now.memo:
        now.memo[key] = work()
    return now.memo[key]


def _opened(host, ip: int):
    """Bytes to open and close a connection, full and resumed handshakes in their shares."""
    full = wire.connect_bytes(host.tls, host.chain, False, ip)
    resumed = wire.connect_bytes(host.tls, host.chain, True, ip)
    closed = wire.close_bytes(host.tls, ip)
    part = host.resumed_share
    return tuple(f * (1.0 - part) + r * part + c for f, r, c in zip(full, resumed, closed, strict=True))


def _whole(size):
    return np.ceil(np.asarray(size, dtype=float))


def _message_bytes(design: Design, flow: Flow):
    """Request and response as they enter TLS: whole messages, or frames where the host speaks HTTP/2."""
    if design.api.protocol == "http1":
        return _whole(flow.request_bytes), _whole(flow.response_bytes)
    return wire.http2_frame_bytes(_whole(flow.request_bytes), _whole(flow.response_bytes))


def flow_bytes(now: Traffic, flow: Flow, ip: int = 4):
    """IP bytes of one occurrence of a flow, up and down from the phone's side.

    Parameters
    ----------
    now : Traffic
        The traffic that the flow is part of; its design names hosts, TLS and certificate chain [-].
    flow : Flow
        The flow [-].
    ip : int
        4 or 6 [-].

    Returns
    -------
    tuple of array
        Bytes up and bytes down, 0 for a flow that never reaches the phone.

    Sources
    -------
    wire_capture, rfc6455, rfc8446
    """
    return _once(now, ("bytes", flow.name, ip), lambda: _flow_bytes(now, flow, ip))


def _flow_bytes(now: Traffic, flow: Flow, ip: int):
    design = now.life.design
    if flow.exchange == "http":
        request, response = _message_bytes(design, flow)
        up, down = wire.http_exchange_bytes(request, response, design.api.tls, ip, flow.server_s)
        more = _once(now, ("api", ip), lambda: _opened(design.api, ip))
        return (up * flow.requests + more[0] * flow.cold_share,
                down * flow.requests + more[1] * flow.cold_share)
    if flow.exchange == "push":
        return wire.websocket_message_bytes(_whole(flow.response_bytes), False, design.socket.tls, ip)
    if flow.exchange == "heartbeat":
        return wire.heartbeat_bytes(design.socket.tls, ip, _whole(flow.request_bytes),
                                    _whole(flow.response_bytes))
    if flow.exchange == "connect":
        up, down = wire.upgrade_bytes(_whole(flow.request_bytes), _whole(flow.response_bytes),
                                      design.socket.tls, ip)
        more = _once(now, ("socket", ip), lambda: _opened(design.socket, ip))
        return up + more[0], down + more[1]
    return 0.0, 0.0


def mean_flow_bytes(now: Traffic, flow: Flow):
    """IP bytes of one occurrence of a flow on average over the network mix, up and down.

    Parameters
    ----------
    now : Traffic
        The traffic that the flow is part of; its scenario's networks say IPv4 or IPv6 [-].
    flow : Flow
        The flow [-].

    Returns
    -------
    tuple of array
        Bytes up and bytes down.

    Sources
    -------
    wire_capture
    """
    networks = now.life.scenario.networks.values()
    by_ip = {ip: sum(n.share for n in networks if n.ip == ip) for ip in sorted({n.ip for n in networks})}
    pairs = [(s, flow_bytes(now, flow, ip)) for ip, s in by_ip.items()]
    return sum(s * up for s, (up, _) in pairs), sum(s * down for s, (_, down) in pairs)


def burst_s(flow: Flow, design: Design, network: Network):
    """How long one occurrence keeps the radio transferring: its round trips and the server's time.

    An exchange takes one round trip and the server's time, a new connection its handshakes more, a push the
    round trip of its ACK; transmission itself is below a millisecond at these sizes.

    Parameters
    ----------
    flow : Flow
        The flow [-].
    design : Design
        The design it belongs to [-].
    network : Network
        The access network, for its round-trip time [-].

    Returns
    -------
    array
        Seconds, broadcast shape [s].

    Sources
    -------
    rfc8446, wire_capture
    """
    rtt_s = network.rtt_s
    if flow.exchange == "http":
        return flow.requests * (rtt_s + flow.server_s) + flow.cold_share * handshake_s(design.api, rtt_s)
    if flow.exchange == "connect":
        return handshake_s(design.socket, rtt_s) + 2.0 * rtt_s  # upgrade, and the close at the end
    return rtt_s if flow.exchange in ("push", "heartbeat") else 0.0
