"""Bytes on the wire against captures, standards, real libraries and loops that walk every packet."""

import datetime
import functools
import json
import re
import ssl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import checks, ledger, paths, wire
from model.wire import connections, packets

CASES = {row["id"]: row for row in ledger.read_csv(paths.data("published", "wire_bytes.csv"))}
MEGA_2_20 = 2**20
sizes = st.integers(0, 200_000)
versions = st.sampled_from(wire.TLS_VERSIONS)
ips = st.sampled_from([4, 6])


# --- published and captured cases ---------------------------------------------------------------


def frame_bits_per_s(payload_bytes, clients, period_s):
    return wire.bits_per_s(wire.websocket_frame_bytes(payload_bytes, False), clients, period_s)


def connection_bytes(tls, resumed, **upgrade):
    steps = (wire.connect_bytes(tls, resumed=resumed), wire.upgrade_bytes(tls=tls, **upgrade), wire.close_bytes(tls))
    return sum(up + down for up, down in steps)


def packet_counts(price, *of, **how):
    """Packets (up, down): each costs 20 B more on IPv6, where no message then needs another segment."""
    return tuple((six - four) // 20 for four, six in zip(price(*of, **how, ip=4), price(*of, **how, ip=6), strict=True))


def record_bytes(plaintext_bytes, tls):
    """The TLS records of a message that one segment carries: what its exchange has more than one without TLS."""
    with_tls, without = (wire.http_exchange_bytes(plaintext_bytes, 0, version)[0] for version in (tls, "none"))
    return plaintext_bytes + with_tls - without


def handshake_bytes(**how):
    shaken = connections.handshake(**how)
    up = shaken.hello_up_bytes + shaken.finished_up_bytes
    return up, shaken.flight_down_bytes + shaken.last_down_bytes


def plain_fetch_down(request_bytes, response_bytes):
    """What a server sends to one client that connects, asks, is answered after a while and leaves."""
    return (
        wire.connect_bytes("none")[1]
        + wire.close_bytes("none")[1]
        + wire.http_exchange_bytes(request_bytes, response_bytes, "none", server_s=1.0)[1]
    )


SUMS = {
    "frame_bits_per_s": frame_bits_per_s,
    "lubbers_mbps": lambda **x: wire.bits_per_s(**x) / MEGA_2_20,
    "frame_mbps": lambda **x: frame_bits_per_s(**x) / MEGA_2_20,
    "poll_to_push_ratio": lambda poll_bytes, payload_bytes: (
        sum(wire.http_exchange_bytes(poll_bytes, 0)) / sum(wire.websocket_message_bytes(payload_bytes, False))
    ),
    "mb_per_hour": lambda request_bytes, response_bytes, period_s: (
        sum(wire.http_exchange_bytes(request_bytes, response_bytes)) * 3600 / period_s / 1e6
    ),
    "heartbeat_bytes_per_hour": lambda period_s: sum(wire.heartbeat_bytes()) * 3600 / period_s,
    "connection_bytes": connection_bytes,
    "plain_fetch_down": plain_fetch_down,
    "connect_packets": lambda **x: packet_counts(wire.connect_bytes, **x),
    "keepalive_bytes": lambda ip: 2 * wire.packet_header_bytes(ip),  # an empty probe and its ACK
    "mss_bytes": packets.mss_bytes,
    "tls_handshake_bytes": handshake_bytes,
    "tls_record_bytes": record_bytes,
}


def priced(topic, inputs):
    name, _, part = topic.partition(" ")
    answer = SUMS.get(name, getattr(wire, name, None))(**inputs)
    if part in ("up", "down"):
        return answer[part == "down"]
    if part:
        return answer[int(part)]
    return sum(answer) if isinstance(answer, tuple) else answer


@pytest.mark.parametrize("case", CASES)
def test_published_and_captured_bytes_are_reproduced(case):
    row = CASES[case]
    figure = priced(row["topic"], json.loads(row["inputs_json"]))
    assert figure == pytest.approx(float(row["expected"]), rel=float(row["tolerance_rel"]), abs=1e-12)


def test_every_case_names_a_source_of_the_sources_list():
    assert {row["source"] for row in CASES.values()} <= set(ledger.sources())


SUITES = {"1.3 AEAD": "1.3", "1.2 AES-GCM": "1.2", "1.2 ChaCha20": "1.2-chacha20"}
RESEARCHED = {  # topic of the researched cases -> the figure from its inputs
    "poll_exchange_ip_bytes": lambda x: sum(
        wire.http_exchange_bytes(x["req_bytes"], x["resp_bytes"], x["tls"], x["ip"], x["server_ms"] / 1000)
    ),
    "ws_ping_exchange_ip_bytes": lambda x: sum(
        wire.heartbeat_bytes(x["tls"], x["ip"], x["client_frame"] - 6, x["server_frame"] - 2)
    ),
    "connect_ip_bytes": lambda x: sum(wire.connect_bytes(x["mode"][:3], resumed="resumed" in x["mode"])),
    "close_ip_bytes": lambda x: sum(wire.close_bytes(x["tls"])),
    "upgrade_ip_bytes": lambda x: sum(wire.upgrade_bytes(x["req"], x["resp"], x["tls"])),
    "tls_record_overhead": lambda x: record_bytes(x["plaintext"], SUITES[x["suite"]]) - x["plaintext"],
    "tls_handshake_bytes": lambda x: sum(handshake_bytes(tls=x["mode"][:3], resumed="resumed" in x["mode"])),
    "ws_frame_header": lambda x: wire.websocket_frame_bytes(x["payload"], x["masked"]) - x["payload"],
    "ws_heartbeat_per_hour": lambda x: sum(wire.heartbeat_bytes()) * 3600 / x["period_s"],
    "lubbers_poll_bps": lambda x: wire.bits_per_s(x["header_bytes"], x["clients"], x["period_s"]),
    "lubbers_ws_bps": lambda x: frame_bits_per_s(x["frame_bytes"] - 2, x["clients"], x["period_s"]),
}


def test_the_researched_cases_on_bytes_hold_exactly(shared):
    rows = ledger.read_csv(shared / "published" / "wire_cases.csv")
    tried = [row for row in rows if row["topic"] in RESEARCHED]
    assert {row["topic"] for row in tried} == set(RESEARCHED)
    for row in tried:
        figure = RESEARCHED[row["topic"]](json.loads(row["inputs_json"]))
        assert figure == pytest.approx(float(row["expected_value"]), rel=1e-12), row["id"]


# --- loops that walk every byte, record and packet ------------------------------------------------


def walked_stream(plaintext, overhead):
    """TLS stream of a message, a record at a time."""
    total, left = 0, plaintext
    while True:
        record = min(left, 16_384)
        total, left = total + record + overhead, left - record
        if left == 0:
            return total


def walked_segments(stream, mss):
    count = 0
    while stream > 0 or count == 0:
        count, stream = count + 1, stream - mss
    return count


def walked_acks(count, rides):
    """A receiver that answers each second segment; its timer ends after the last, unless it sends data."""
    lone = waiting = 0
    for _ in range(count):
        waiting += 1
        if waiting == 2:
            lone, waiting = lone + 1, 0
    return lone + (waiting > 0 and not rides)


OVERHEAD = {"1.3": 22, "1.2": 29, "1.2-chacha20": 21, "none": 0}


def walked_exchange(request, response, tls, ip, server_s):
    header, mss = {4: (52, 1448), 6: (72, 1428)}[ip]
    up, down = (walked_stream(size, OVERHEAD[tls]) if OVERHEAD[tls] else size for size in (request, response))
    sent, answered = walked_segments(up, mss), walked_segments(down, mss)
    up_packets = sent + walked_acks(answered, False)
    down_packets = answered + walked_acks(sent, server_s <= 0.04)
    return up + up_packets * header, down + down_packets * header


@given(sizes, sizes, versions, ips, st.sampled_from([0.0, 0.04, 0.0401, 3.0]))
def test_an_exchange_equals_a_walk_over_its_packets(request, response, tls, ip, server_s):
    by_hand = walked_exchange(request, response, tls, ip, server_s)
    assert wire.http_exchange_bytes(request, response, tls, ip, server_s) == by_hand


@pytest.mark.parametrize(("ip", "header", "mss"), [(4, 52, 1448), (6, 72, 1428)])
@pytest.mark.parametrize(
    ("count", "tls", "more"), [(k, t, m) for k in (1, 2, 3, 8) for t in ("1.3", "none") for m in (-1, 0, 1)]
)
def test_a_message_of_whole_segments_fills_them_and_one_byte_more_needs_another(ip, header, mss, count, tls, more):
    stream = count * mss + more
    request = stream - OVERHEAD[tls]  # one record
    sent = count + (more > 0)
    up, down = wire.http_exchange_bytes(request, 0, tls, ip)
    assert up == stream + sent * header + header  # and the ACK of the answer
    assert down == OVERHEAD[tls] + header + sent // 2 * header  # a last odd segment's ACK rides on the answer
    frame = 2 if request - 2 < 126 else 4
    assert wire.websocket_message_bytes(request - frame, False, tls, ip) == (
        (sent + 1) // 2 * header,
        stream + sent * header,
    )


@pytest.mark.parametrize("records", [1, 2, 5])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_message_of_whole_records_fills_them_and_one_byte_more_needs_another(records, more):
    plaintext = records * 16_384 + more
    stream = plaintext + 22 * (records + (more > 0))
    answer_ack = 52
    assert wire.http_exchange_bytes(plaintext, 0)[0] == stream + -(-stream // 1448) * 52 + answer_ack


@given(sizes, st.booleans(), versions, ips)
def test_a_message_equals_a_walk_over_its_packets(payload, masked, tls, ip):
    header, mss = {4: (52, 1448), 6: (72, 1428)}[ip]
    frame = payload + (2 if payload < 126 else 4 if payload < 65_536 else 10) + 4 * masked
    stream = walked_stream(frame, OVERHEAD[tls]) if OVERHEAD[tls] else frame
    count = walked_segments(stream, mss)
    there, back = stream + count * header, walked_acks(count, False) * header
    ways = (there, back) if masked else (back, there)
    assert wire.websocket_message_bytes(payload, masked, tls, ip) == ways


# --- properties -----------------------------------------------------------------------------------


@given(sizes, sizes, st.integers(0, 5000), versions, ips)
def test_bytes_never_fall_when_a_message_grows(request, response, more, tls, ip):
    less = wire.http_exchange_bytes(request, response, tls, ip)
    grown = wire.http_exchange_bytes(request + more, response + more, tls, ip)
    assert grown[0] >= less[0] + more and grown[1] >= less[1] + more


@given(sizes, sizes, st.floats(0, 1), versions)
def test_a_short_exchange_costs_20_bytes_a_packet_more_on_ipv6(request, response, wait, tls):
    request, response = request % 1000, response % 1000
    four, six = (wire.http_exchange_bytes(request, response, tls, ip, wait) for ip in (4, 6))
    lone = wait > 0.04
    assert [b - a for a, b in zip(four, six, strict=True)] == [20 * 2, 20 * (1 + lone)]


@given(sizes, sizes, sizes, sizes, versions, ips, st.floats(0, 1), st.sampled_from(["1.1", "2"]))
def test_the_layers_of_an_exchange_sum_to_its_bytes(head, body, back_head, back_body, tls, ip, wait, http):
    parts = wire.exchange_layers(head, body, back_head, back_body, tls, ip, wait, http)
    sizes = (head + body, back_head + back_body)
    if http == "2":
        sizes = wire.http2_message_bytes(head, body), wire.http2_message_bytes(back_head, back_body)
    assert sum(parts.values()) == sum(wire.http_exchange_bytes(*sizes, tls, ip, wait))
    assert parts["framing"] == sum(sizes) - head - body - back_head - back_body
    assert parts["acks"] % (52 if ip == 4 else 72) == 0 and parts["tcp"] * 20 == parts["ip"] * 32 * (ip == 4) + (
        parts["ip"] * 16 * (ip == 6)
    )
    assert min(parts.values()) >= 0 and parts["payload"] == body + back_body


@given(sizes, st.booleans(), st.integers(0, 125), st.integers(0, 125), versions, ips)
def test_the_layers_of_messages_and_heartbeats_sum_to_their_bytes(payload, masked, ping, pong, tls, ip):
    message = wire.message_layers(payload, masked, tls, ip)
    assert sum(message.values()) == sum(wire.websocket_message_bytes(payload, masked, tls, ip))
    beat = wire.heartbeat_layers(tls, ip, ping, pong)
    assert sum(beat.values()) == sum(wire.heartbeat_bytes(tls, ip, ping, pong))
    assert beat["framing"] == 8 and beat["payload"] == ping + pong


def test_arrays_of_every_input_equal_scalars():
    request = np.array([0, 360, 1500, 40_000])[:, None, None, None]
    response = np.array([520, 100_000])[:, None, None]
    wait, ip = np.array([0.0, 0.06])[:, None], np.array([4, 6])
    up, down = wire.http_exchange_bytes(request, response, "1.2", ip, wait)
    assert up.shape == down.shape == (4, 2, 2, 2) and up.dtype == np.int64
    for at in np.ndindex(up.shape):
        assert (up[at], down[at]) == wire.http_exchange_bytes(
            int(request[at[0], 0, 0, 0]), int(response[at[1], 0, 0]), "1.2", int(ip[at[3]]), float(wait[at[2], 0])
        )


def test_large_arrays_equal_scalars_and_small_arrays():
    rng = np.random.default_rng(4)
    request, response = rng.integers(0, 40_000, (2, 300_000))
    ip, wait = np.where(rng.random(300_000) < 0.5, 4, 6), rng.random(300_000) * 0.08
    up, down = wire.http_exchange_bytes(request, response.astype(float), "1.3", ip, wait)
    some = rng.integers(0, 300_000, 300)
    small = wire.http_exchange_bytes(request[some], response[some], "1.3", ip[some], wait[some])
    assert (up[some] == small[0]).all() and (down[some] == small[1]).all()
    table = wire.http_exchange_bytes(request[:1000, None], response[:300], ip=ip[:300])
    assert table[0].shape == (1000, 300)
    assert table[1][7, 9] == wire.http_exchange_bytes(int(request[7]), int(response[9]), ip=int(ip[9]))[1]


def test_masked_arrays_send_each_message_its_own_way():
    up, down = wire.websocket_message_bytes([184, 184], np.array([True, False]))
    assert up.tolist() == [266, 52] and down.tolist() == [52, 262]


def test_scalars_give_plain_integers_that_json_takes():
    answers = [
        *wire.http_exchange_bytes(360, 520),
        *wire.connect_bytes(),
        *wire.heartbeat_bytes(),
        *wire.close_bytes(),
        wire.websocket_frame_bytes(np.int64(5), True),
        wire.packet_header_bytes(),
    ]
    assert {type(a) for a in answers} == {int}


def test_empty_arrays_give_empty_arrays():
    assert [a.shape for a in wire.http_exchange_bytes([], [])] == [(0,), (0,)]


def test_the_longest_frame_is_exact():
    assert wire.websocket_frame_bytes(2**63 - 1, False) == 2**63 + 9
    assert wire.websocket_frame_bytes(np.array([2**63 - 1]), True)[0] == 2**63 + 13
    assert wire.websocket_message_bytes(2**63 - 1, False)[1] > 2**63


def test_resumption_and_versions_as_arrays_equal_scalars():
    up, down = wire.connect_bytes("1.3", resumed=np.array([False, True]), ip=np.array([[4], [6]]))
    for i, ip in enumerate((4, 6)):
        for j, resumed in enumerate((False, True)):
            assert (up[i, j], down[i, j]) == wire.connect_bytes("1.3", resumed=resumed, ip=ip)


@given(versions, st.sampled_from(wire.CHAINS), st.booleans(), ips)
def test_a_connection_is_its_tls_bytes_and_its_packets(tls, chain, resumed, ip):
    header, mss = {4: (52, 1448), 6: (72, 1428)}[ip]
    shaken = connections.handshake(tls, chain, resumed, alpn=False)
    up, down = handshake_bytes(tls=tls, chain=chain, resumed=resumed, alpn=False)
    flights = [n for n in (shaken.hello_up_bytes, shaken.flight_down_bytes) if n]
    hello, flight = [walked_segments(n, mss) for n in flights] or (0, 0)
    tickets = shaken.last_down_segments
    sent = 2 + (hello + flight + 1 + (tickets > 0)) * (
        tls != "none"
    )  # SYN, ACK, and each that TLS sends or acknowledges
    back = 1 + (hello + flight + max(tickets, 1)) * (tls != "none")
    syn = 8  # the SYN's options are 20 B where other segments carry 12
    assert wire.connect_bytes(tls, chain, resumed, ip) == (up + sent * header + syn, down + back * header + syn)


@given(st.sampled_from(["1.3", "1.2", "1.2-chacha20"]), ips)
def test_fewer_certificates_and_resumption_never_cost_more(tls, ip):
    totals = [sum(wire.connect_bytes(tls, chain, False, ip)) for chain in wire.CHAINS]
    resumed = sum(wire.connect_bytes(tls, "rsa4", True, ip))
    assert totals == sorted(totals, reverse=True) and resumed < totals[-1]


def test_a_full_handshake_sends_seven_lone_acks_in_seventeen_packets():
    stream = sum(handshake_bytes(tls="1.3", chain="rsa4", alpn=False))
    with_data = 2 + 1 + 4 + 1 + 2  # SYNs, hello, certificates, Finished, tickets
    assert sum(packet_counts(wire.connect_bytes)) == with_data + 7
    assert sum(wire.connect_bytes()) == stream + 2 * 60 + (17 - 2) * 52


def test_a_post_quantum_key_share_needs_a_second_segment_for_the_hello():
    plain, larger = (np.array(wire.connect_bytes("1.3", post_quantum=pq)) for pq in (False, True))
    up, down = larger - plain
    assert up == 1216 + 4 + 2 * 52  # the share, the hello's second segment, one more ACK of the server's fifth segment
    assert down == 1120 - 32 + 2 * 52


# --- real libraries -------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [0, 1, 125, 126, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("masked", [False, True])
def test_the_websockets_library_writes_frames_of_this_length(payload, masked):
    frames = pytest.importorskip("websockets.frames")
    frame = frames.Frame(frames.Opcode.BINARY, bytes(payload))
    assert wire.websocket_frame_bytes(payload, masked) == len(frame.serialize(mask=masked))


@pytest.mark.parametrize(("head", "body"), [(1, 0), (1, 74), (1, 16_384), (1, 16_385), (3000, 100)])
def test_the_h2_library_writes_messages_of_this_length(head, body):
    connection = pytest.importorskip("h2.connection")
    hpack = pytest.importorskip("hpack")
    client = connection.H2Connection()
    client.initiate_connection()
    opening = len(client.data_to_send())
    headers = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/" + "\\" * head)]
    client.send_headers(1, headers, end_stream=not body)
    for start in range(0, body, 16_384):
        client.send_data(1, bytes(min(16_384, body - start)), end_stream=start + 16_384 >= body)
    block = len(hpack.Encoder().encode(headers))
    assert wire.http2_message_bytes(block, body) == len(client.data_to_send())
    assert opening == ledger.value("http2_client_preface_settings_bytes")


def test_zlib_inflates_what_deflated_bytes_counts_back_to_the_messages():
    import zlib

    messages = [json.dumps({"type": "new_comment", "id": i, "text": "hello " * i}) for i in range(5)]
    for takeover in (True, False):
        counted = wire.deflated_bytes(messages, takeover)
        packer, unpacker = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)
        for message, size in zip(messages, counted, strict=True):
            if not takeover:
                packer, unpacker = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)
            sent = (packer.compress(message.encode()) + packer.flush(zlib.Z_SYNC_FLUSH))[:size]
            assert unpacker.decompress(sent + b"\x00\x00\xff\xff").decode() == message


def test_a_window_kept_makes_a_repeated_message_a_dozen_bytes():
    message = json.dumps({"type": "new_comment", "streamId": "a1b2c3", "comment": "hello there"})
    first, again = wire.deflated_bytes([message, message])
    assert again <= 13 < first
    assert wire.deflated_bytes([message] * 2, context_takeover=False).tolist() == [first, first]


@functools.cache
def certificate_files(folder):
    """A leaf and an intermediate on P-256, their DER sizes near 1,141 and 696 B, as a PEM file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("leaf", "between", "root")]

    def signed(i, padding):
        day = datetime.datetime(2026, 1, 1)
        made = (
            x509.CertificateBuilder()
            .subject_name(names[i])
            .issuer_name(names[i + 1])
            .public_key(keys[i].public_key())
            .serial_number(2**150 + i)
            .not_valid_before(day)
            .not_valid_after(day + datetime.timedelta(days=3650))
        )
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), bytes(padding))
        return made.add_extension(filler, critical=False).sign(keys[i + 1], hashes.SHA256())

    def sized(i, der):
        spare = der - len(signed(i, 200).public_bytes(serialization.Encoding.DER))
        return signed(i, 200 + spare).public_bytes(serialization.Encoding.PEM)

    key = keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = folder / "chain.pem"
    pem.write_bytes(sized(0, 1141) + sized(1, 696) + key)
    return pem


@pytest.fixture(scope="module")
def chain_pem(tmp_path_factory):
    return certificate_files(tmp_path_factory.mktemp("chain"))


class Pair:
    """An OpenSSL client and server joined by memory buffers that count what crosses."""

    def __init__(self, pem, tls, alpn=False, session=None, contexts=None):
        self.contexts = contexts or self.new_contexts(pem, tls, alpn)
        self.to_client, self.to_server, self.up, self.down = (ssl.MemoryBIO() for _ in range(4))
        client, server = self.contexts
        self.client = client.wrap_bio(
            self.to_client, self.up, session=session, server_hostname="abcdefghij.execute-api.us-east-1.amazonaws.com"
        )
        self.server = server.wrap_bio(self.to_server, self.down, server_side=True)
        self.crossed = [0, 0]
        for _ in range(4):
            for side in (self.client, self.server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                self.carry()
        try:
            self.client.read(1)  # takes in the session tickets
        except ssl.SSLWantReadError:
            pass

    @staticmethod
    def new_contexts(pem, tls, alpn):
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        server.load_cert_chain(pem)
        for context in (client, server):
            version = ssl.TLSVersion.TLSv1_3 if tls == "1.3" else ssl.TLSVersion.TLSv1_2
            context.minimum_version = context.maximum_version = version
            if ssl.OPENSSL_VERSION_INFO >= (3, 5):  # these offer a post-quantum key share unasked
                context.set_ecdh_curve("prime256v1")
        if tls != "1.3":
            server.set_ciphers("ECDHE+CHACHA20" if tls == "1.2-chacha20" else "ECDHE+AESGCM")
        if alpn:
            client.set_alpn_protocols(["h2", "http/1.1"])
            server.set_alpn_protocols(["h2"])
        return client, server

    def carry(self):
        for way, (source, sink) in enumerate(((self.up, self.to_server), (self.down, self.to_client))):
            data = source.read()
            self.crossed[way] += len(data)
            sink.write(data)


@pytest.mark.parametrize("tls", ["1.3", "1.2", "1.2-chacha20"])
def test_openssl_writes_records_of_this_length(chain_pem, tls):
    pair = Pair(chain_pem, tls)
    for size in (1, 100, 16_384, 16_385, 100_000):
        pair.client.write(bytes(size))
        written, answer_ack = pair.up.pending, 52
        assert wire.http_exchange_bytes(size, 0, tls)[0] == written + walked_segments(written, 1448) * 52 + answer_ack
        pair.up.read()


@pytest.mark.parametrize("tls", ["1.3", "1.2", "1.2-chacha20"])
@pytest.mark.parametrize("alpn", [False, True])
def test_openssl_shakes_hands_in_these_bytes(chain_pem, tls, alpn):
    """Within the 10 % stated for handshakes: another OpenSSL offers other ciphers and groups."""
    first = Pair(chain_pem, tls, alpn)
    again = Pair(chain_pem, tls, session=first.client.session, contexts=first.contexts)
    assert again.client.session_reused
    for pair, resumed in ((first, False), (again, True)):
        found = handshake_bytes(tls=tls, chain="ecdsa2", resumed=resumed, alpn=alpn)
        assert found == pytest.approx(pair.crossed, rel=0.1)


def test_an_alpn_offer_hides_in_a_padded_hello():
    costs = [
        sum(wire.connect_bytes(tls, resumed=resumed, alpn=True)) - sum(wire.connect_bytes(tls, resumed=resumed))
        for tls in ("1.3", "1.2")
        for resumed in (False, True)
    ]
    assert costs == [9, 27, 27, 9]


# --- bad input: one sentence each -------------------------------------------------------------------

TOO_LONG = "payload_bytes must be <= 9223372036854775807 B (the longest frame, RFC 6455); got "
BAD = [
    (lambda: wire.websocket_frame_bytes(-1, True), "payload_bytes must be a whole number >= 0 B; got -1"),
    (lambda: wire.websocket_frame_bytes(1.5, True), "payload_bytes must be a whole number >= 0 B; got 1.5"),
    (lambda: wire.websocket_frame_bytes([3, 2.5], True), "payload_bytes must be a whole number >= 0 B; got 2.5"),
    (lambda: wire.websocket_frame_bytes("5", True), "payload_bytes must be a number; got '5'"),
    (lambda: wire.websocket_frame_bytes("ten", True), "payload_bytes must be a number; got 'ten'"),
    (lambda: wire.websocket_frame_bytes(float("nan"), True), "payload_bytes must be a number; got NaN"),
    (lambda: wire.websocket_frame_bytes(2**63, True), TOO_LONG + "9.22337203685478e+18"),
    (lambda: wire.websocket_message_bytes(2.0**63, True), TOO_LONG + "9.22337203685478e+18"),
    (lambda: wire.websocket_frame_bytes(10**30, True), TOO_LONG + "1e+30"),
    (lambda: wire.websocket_frame_bytes(5, 2), "masked must be True or False; got 2"),
    (lambda: wire.http_exchange_bytes(-5, 520), "request_bytes must be a whole number >= 0 B; got -5"),
    (lambda: wire.http_exchange_bytes(360, 0.5), "response_bytes must be a whole number >= 0 B; got 0.5"),
    (lambda: wire.http_exchange_bytes(360, 520, server_s=-1), "server_s must be >= 0 s; got -1"),
    (lambda: wire.http_exchange_bytes(360, 520, tls="1.4"), "unknown TLS version '1.4'; did you mean '1.3'?"),
    (lambda: wire.connect_bytes("TLS1.3"), "unknown TLS version 'TLS1.3'; did you mean '1.3'?"),
    (lambda: wire.connect_bytes(chain="rsa5"), "unknown certificate chain 'rsa5'; did you mean 'rsa4'?"),
    (
        lambda: wire.connect_bytes("1.2", post_quantum=True),
        "post_quantum must be False below TLS 1.3; got True with '1.2'",
    ),
    (lambda: wire.connect_bytes(resumed="yes"), "resumed must be True or False; got 'yes'"),
    (lambda: wire.heartbeat_bytes(ip=5), "ip must be 4 or 6; got 5"),
    (lambda: wire.http_exchange_bytes(1, 1, ip=[4, 7]), "ip must be 4 or 6; got 7"),
    (
        lambda: wire.heartbeat_bytes(client_payload_bytes=126),
        "client_payload_bytes must be <= 125 B in a control frame (RFC 6455); got 126",
    ),
    (
        lambda: wire.http_exchange_bytes([1, 2], [1, 2, 3]),
        "inputs must have shapes that go together; got request_bytes (2,) and response_bytes (3,)",
    ),
    (lambda: wire.websocket_message_bytes(1, False, segments_per_ack=0), "segments_per_ack must be >= 1; got 0"),
    (lambda: wire.exchange_layers(1, 1, 1, 1, http="3"), "unknown HTTP version '3'; known: 1.1, 2"),
    (lambda: wire.deflated_bytes("one"), "messages must be a sequence of messages; got one str"),
    (lambda: wire.deflated_bytes([b"a"], window_bits=8), "window_bits must be a whole number from 9 to 15; got 8"),
    (lambda: wire.hpack_bytes([]), "headers must be lists of (name, value) pairs of text; got []"),
    (lambda: wire.rounded_bytes(-3.2), "sampled_bytes must be >= 0 B; got -3.2"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence[:50] for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(checks.InputError, match=f"^{re.escape(sentence)}$"):
        call()


def test_only_a_push_follows_how_many_segments_the_phone_acknowledges_at_once():
    size = 10 * 1448 - OVERHEAD["1.3"] - 4  # ten full segments with the frame's header
    for every, acks in ((1, 10), (2, 5), (3, 4), (10, 1)):
        assert wire.websocket_message_bytes(size, False, segments_per_ack=every)[0] == acks * 52
        masked_up, masked_down = wire.websocket_message_bytes(size - 4, True, segments_per_ack=every)
        assert (masked_up, masked_down) == (10 * 1500, 5 * 52)


@pytest.mark.parametrize(("block", "frames"), [(1, 1), (16_384, 1), (16_385, 2), (32_768, 2), (40_000, 3)])
def test_a_header_block_goes_on_in_continuation_frames_of_16_384_bytes(block, frames):
    assert wire.http2_message_bytes(block, 0) == block + 9 * frames


@pytest.mark.parametrize("resumed", [False, True])
def test_chacha_spares_the_8_byte_nonce_of_aes_gcm_in_the_finished_record_each_way(resumed):
    aes, chacha = (np.array(wire.connect_bytes(tls, resumed=resumed)) for tls in ("1.2", "1.2-chacha20"))
    assert (aes - chacha).tolist() == [8, 8]


@pytest.mark.parametrize(("ip", "header"), [(4, 52), (6, 72)])
def test_a_close_without_tls_is_a_fin_and_the_last_ack_against_the_other_fin(ip, header):
    assert wire.close_bytes("none", ip) == (2 * header, header)


@pytest.mark.parametrize("ip, headers", [(4, 52), (6, 72)])
def test_a_websocket_closes_with_a_frame_each_way_and_no_ack_of_its_own(ip, headers):
    masked, plain = 2 + 4 + 2, 2 + 2  # header, mask and code of 2 B; RFC 6455
    assert wire.websocket_close_bytes("1.3", ip) == (masked + 22 + headers, plain + 22 + headers)
