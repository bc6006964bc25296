"""One exchange, one message, one heartbeat on a warm connection: its IP bytes each way, ACKs in.

Bytes each way = TLS stream + packets x (IP header + TCP header); packets = data segments + the ACKs that go
alone. "Up, down" is seen from the phone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from model import checks
from model.wire import frames, packets


@frames.remembered
def http_exchange_bytes(request_bytes, response_bytes, tls="1.3", ip=4, server_s=0.0):
    """The IP bytes of one request and its response on a warm connection, ACKs in.

    Small messages: (request + 22 + 52) up, (response + 22 + 52) down and the phone's ACK, 52 up; and
    52 down for the server's own ACK where the answer takes longer than the delayed-ACK timer, 40 ms.
    Longer ones are cut at 16,384 B into records and at the MSS into segments, of which every second is ACKed.

    Parameters
    ----------
    request_bytes : int or array, whole request: headers and body (HTTP/1.1) or frames (HTTP/2); whole, >= 0;
        broadcasts. [B]
    response_bytes : int or array, whole response, likewise. [B]
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts
    server_s : float or array, time from the request's arrival to the answer's start, >= 0; broadcasts. [s]

    Returns: tuple of int or array of int, IP bytes (up, down), each in the common shape of the inputs. [B]
    Raises: InputError, for a negative or fractional size or time, an unknown TLS version, an IP version other than 4,
    6

    Notes
    -----
    Nothing else is sent within 40 ms of the response, so the phone's ACK goes alone. Each message is one
    write. A message of 0 bytes is an empty record. No loss, no retransmission.
    Source: wire_capture, wire_relay, rfc9293, rfc8446.

    Examples
    --------
    >>> http_exchange_bytes(360, 520)
    (486, 594)
    >>> up, down = http_exchange_bytes(360, 520, server_s=[0.03, 0.06])
    >>> up + down
    array([1080, 1132])
    """
    given = {"request_bytes": request_bytes, "response_bytes": response_bytes, "server_s": server_s, "ip": ip}
    return ip_bytes(packets.exchange, tls, **given)


@frames.remembered
def upgrade_bytes(request_bytes=363, response_bytes=202, tls="1.3", ip=4, server_s=0.0):
    """The IP bytes of the HTTP upgrade that turns a connection into a WebSocket.

    An HTTP/1.1 exchange of headers only: RFC 6455's own example is 161 up and 129 down, an iOS client
    against API Gateway about 363 and 202.

    Parameters
    ----------
    request_bytes : int or array, the upgrade request, whole, >= 0; broadcasts. [B]
    response_bytes : int or array, the 101 response, likewise. [B]
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts
    server_s : float or array, time until the 101 starts; a connect function takes longer than 40 ms. [s]

    Returns: tuple of int or array of int, IP bytes (up, down). [B]
    Source: rfc6455, wire_capture.

    Examples
    --------
    >>> sum(upgrade_bytes(330, 300))
    830
    """
    return http_exchange_bytes(request_bytes, response_bytes, tls, ip, server_s)


@frames.remembered
def websocket_message_bytes(payload_bytes, masked, tls="1.3", ip=4, segments_per_ack=2):
    """The IP bytes of one WebSocket message and of its ACK.

    (payload + frame header + 22 + 52) one way and 52 the other. A message from the client is masked:
    it goes up and its ACK comes down; a push is not: down, and its ACK up.

    Parameters
    ----------
    payload_bytes : int or array, payload of the message, whole, 0 to 2**63 - 1; broadcasts. [B]
    masked : bool or array, true for client to server, False for server to client; broadcasts
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts
    segments_per_ack : int or array, segments of a long push that one ACK of the phone covers, >= 1

    Returns: tuple of int or array of int, IP bytes (up, down), each in the common shape of the inputs. [B]
    Raises: InputError, for a negative or fractional payload, one above 2**63 - 1, an unknown TLS or IP version

    Notes
    -----
    The message is one frame in one write and nothing is sent back within 40 ms; a reply within that
    time carries the ACK and saves its packet.
    Source: rfc6455, wire_capture.

    Examples
    --------
    >>> websocket_message_bytes(184, masked=False)
    (52, 262)
    >>> websocket_message_bytes(184, masked=True)
    (266, 52)
    """
    given = {"payload_bytes": payload_bytes, "masked": masked, "segments_per_ack": segments_per_ack, "ip": ip}
    return ip_bytes(packets.message, tls, **given)


@frames.remembered
def heartbeat_bytes(tls="1.3", ip=4, client_payload_bytes=0, server_payload_bytes=0, from_server=False):
    """The IP bytes of one heartbeat: the client's ping, the server's pong, the ACK of the pong; or the other way round.

    (6 + 22 + 52) + 52 up and (2 + 22 + 52) down: 208 B on TLS 1.3 and IPv4. The pong carries the ACK of
    the ping; a ping is answered well within 40 ms. The last ACK is of the side that pings.

    Parameters
    ----------
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts
    client_payload_bytes : int or array, body of the client's frame, 0 to 125; broadcasts. [B]
    server_payload_bytes : int or array, body of the server's, 0 to 125; RFC 6455 has a pong repeat the ping's. [B]
    from_server : bool, whether the server pings and the client answers

    Returns: tuple of int or array of int, IP bytes (up, down). [B]
    Raises: InputError, for a body that is negative, fractional or above 125 B, an unknown TLS or IP version

    Notes
    -----
    A heartbeat that is a JSON message each way is a `websocket_exchange_bytes`.
    Source: rfc6455, wire_capture.

    Examples
    --------
    >>> heartbeat_bytes(), heartbeat_bytes(tls="1.2"), heartbeat_bytes(from_server=True)
    ((132, 76), (139, 83), (80, 128))
    """
    given = {"client_payload_bytes": client_payload_bytes, "server_payload_bytes": server_payload_bytes, "ip": ip}
    return ip_bytes(functools.partial(packets.heartbeat, from_server=from_server), tls, **given)


@frames.remembered
def websocket_exchange_bytes(client_payload_bytes, server_payload_bytes, tls="1.3", ip=4, server_s=0.0):
    """The IP bytes (up, down) of a WebSocket message up and of the one that answers it.

    Two `websocket_message_bytes` less one ACK, which rides on an answer within 40 ms. Source: rfc6455.
    """

    def ways(client_payload_bytes, server_payload_bytes, **rest):
        request = frames.message_frame_bytes(client_payload_bytes, True)[1]
        response = frames.message_frame_bytes(server_payload_bytes, False)[1]
        return packets.exchange(request, response, **rest)

    given = {"client_payload_bytes": client_payload_bytes, "server_payload_bytes": server_payload_bytes}
    return ip_bytes(ways, tls, **given, server_s=server_s, ip=ip)


def ip_bytes(ways: Callable, tls: object, **given: object) -> tuple:
    """IP bytes (up, down) of the ways that `ways` gives for the inputs."""
    overhead = packets.record_overhead_bytes(tls)

    def both(ip, **rest):
        header_bytes = packets.packet_header_bytes(ip)
        return tuple(way.ip_bytes(header_bytes) for way in ways(ip=ip, overhead=overhead, **rest))

    return frames.together(both, **given)


def bits_per_s(message_bytes, clients, period_s):
    """The bits a second of so many clients that each cause so many bytes in every period.

    8 x bytes x clients / period: the sum behind the table of Lubbers and Greco, whose Mbps are 2**20 bits.

    `message_bytes`: bytes of each occurrence, >= 0; broadcasts [B]; `clients`: clients, >= 0; broadcasts; `period_s`:
    time between occurrences, > 0; broadcasts [s]. Gives a float or array of float, bits a second [1/s].
    Source: lubbers.

    Examples
    --------
    >>> (bits_per_s(871, [1000, 10_000, 100_000], 1) / 2**20).round(3)
    array([  6.645,  66.452, 664.52 ])
    """
    each = checks.non_negative("message_bytes", message_bytes, "B")
    clients = checks.non_negative("clients", clients)
    return (8 * each * clients / checks.positive("period_s", period_s, "s"))[()]
