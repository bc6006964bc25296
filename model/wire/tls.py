"""TLS: what a record adds to its plaintext, and the bytes of a handshake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import checks
from model.wire import _sizes
from model.wire._sizes import constant

__all__ = ["CHAINS", "TLS_VERSIONS", "Handshake", "handshake", "tls_handshake_bytes", "tls_record_bytes"]

TLS_VERSIONS = ("1.3", "1.2", "1.2-chacha20", "none")
CHAINS = ("rsa4", "rsa3", "ecdsa3", "ecdsa2")
RECORD_OVERHEAD = {
    "1.3": "tls13_record_overhead_bytes",
    "1.2": "tls12_gcm_record_overhead_bytes",
    "1.2-chacha20": "tls12_chacha20_record_overhead_bytes",
}


def version_name(tls: object) -> str:
    """The TLS version as its name; None is "none", an unknown one is refused with the nearest."""
    return checks.known("TLS version", "none" if tls is None else str(tls), TLS_VERSIONS)


def record_overhead_bytes(tls: object) -> int:
    """What one record adds; 0 where there is no TLS."""
    name = version_name(tls)
    return 0 if name == "none" else constant(RECORD_OVERHEAD[name])


def tls_record_bytes(plaintext_bytes, tls="1.3"):
    """The bytes of the TLS records that carry a message: its plaintext and the overhead of each record.

    n + overhead x max(1, ceil(n / 16,384)). Overhead is header 5 + tag 16, and in TLS 1.3 the inner
    content type 1 (22 in all); AES-GCM in TLS 1.2 sends 8 bytes of nonce (29), ChaCha20 none (21).

    Source: rfc8446, rfc5288, rfc7905, wire_capture.
    """
    overhead = record_overhead_bytes(tls)

    def records(plaintext_bytes):
        whole = _sizes.whole_bytes("plaintext_bytes", plaintext_bytes)
        return (whole + record_count(whole) * overhead,)

    return _sizes.in_blocks(records, 1, plaintext_bytes=plaintext_bytes)[0]


def record_count(plaintext_bytes):
    """ceil(n / 16,384), at least 1, of integers already checked."""
    most = constant("tls_record_plaintext_most_bytes")
    if plaintext_bytes.size and plaintext_bytes.max() <= most:  # nearly always: spares a division
        return 1
    return np.maximum((plaintext_bytes + (most - 1)) // most, 1)


@dataclass(frozen=True)
class Handshake:
    """The flights of one TLS handshake in bytes of TLS, in the order they cross."""

    hello_up_bytes: int
    flight_down_bytes: int
    finished_up_bytes: int
    last_down_bytes: int
    last_down_segments: int

    @property
    def up_bytes(self) -> int:
        """All that the client sends."""
        return self.hello_up_bytes + self.finished_up_bytes

    @property
    def down_bytes(self) -> int:
        """All that the server sends."""
        return self.flight_down_bytes + self.last_down_bytes


def handshake(tls="1.3", chain="rsa4", resumed=False, alpn=True, post_quantum=False) -> Handshake:
    """The flights of one TLS handshake, from the ledger's counts of OpenSSL 3.0.

    ClientHello up; the server's flight down (with the certificates when it is full); Finished up; the
    session tickets (1.3) or the new ticket and Finished (1.2 full) down. Offering ALPN costs the answer
    down and, where OpenSSL has not padded the ClientHello to 512 B anyway, the offer up.

    Source: wire_capture, wire_relay, ecdhe_mlkem.
    """
    tls = version_name(tls)
    checks.known("certificate chain", chain, CHAINS)
    if post_quantum and tls != "1.3":
        checks.fail(f"post_quantum must be False below TLS 1.3; got {post_quantum} with {tls!r}")
    if tls == "none":
        return Handshake(0, 0, 0, 0, 0)
    kind = f"tls{tls[0]}{tls[2]}_{'resumed' if resumed else 'full'}"
    down = constant(f"{kind}_down_bytes" if resumed else f"{kind}_{chain}_down_bytes")
    finished, last = constant(f"{kind}_finished_up_bytes"), constant(f"{kind}_last_down_bytes")
    hello, flight = constant(f"{kind}_up_bytes") - finished, down - last
    if not alpn:
        hello -= constant(f"{kind}_alpn_up_bytes")
        flight -= constant("tls_alpn_down_bytes")
    if post_quantum:
        hello += constant("tls_post_quantum_up_bytes")
        flight += constant("tls_post_quantum_down_bytes")
    nonce = constant(RECORD_OVERHEAD["1.2"]) - record_overhead_bytes(tls) if tls == "1.2-chacha20" else 0
    return Handshake(
        hello,
        flight - nonce * resumed,
        finished - nonce,
        last - nonce * (not resumed),
        constant(f"{kind}_last_down_segments_count"),
    )


def tls_handshake_bytes(tls="1.3", chain="rsa4", resumed=False, alpn=True, post_quantum=False):
    """The TLS bytes of one handshake, without TCP and IP.

    The sum of the flights of `handshake`. `connect_bytes` adds the packets.

    Source: wire_capture, wire_relay.
    """
    resumed = _sizes.switch("resumed", resumed)
    full, short = (handshake(tls, chain, again, alpn, post_quantum) for again in (False, True))
    return (either(resumed, short.up_bytes, full.up_bytes), either(resumed, short.down_bytes, full.down_bytes))


def either(resumed, short, full):
    """The count of the resumed or of the full handshake; an array where `resumed` is one."""
    return np.where(resumed, short, full)[()] if np.ndim(resumed) else (short if resumed else full)
