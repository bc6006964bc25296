"""TLS for the bench: certificate chains of the sizes of real ones, and contexts that count plaintext.

A chain is leaf, intermediate, a root cross-signed by an older root and that root cross-signed in turn, as
Amazon's gateways send it; what signs the last one is only trusted, never sent. Every certificate is filled
up to its published DER size with an extension no client reads.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import ssl
import zlib
from dataclasses import dataclass
from pathlib import Path

from model import checks
from model.wire.measured import HOST_NAME

__all__ = ["make_chain", "server_context", "client_context"]

CHAINS = {  # name -> (key, signature and DER size of each certificate sent, leaf first)
    "rsa4": (("rsa", 1_535), ("rsa", 1_092), ("rsa", 1_180), ("rsa", 1_161)),
    "rsa3": (("rsa", 1_535), ("rsa", 1_092), ("rsa", 1_180)),
    "ecdsa3": (("ec", 1_141), ("ec", 696), ("ec", 976)),
}
FILLER_OID = "1.3.6.1.4.1.55555.1"


class CountedSSLObject(ssl.SSLObject):
    """A TLS connection that counts the plaintext that went through it each way."""

    plain_out_bytes = 0
    plain_in_bytes = 0

    def write(self, data):
        """Encrypt and count."""
        written = super().write(data)
        self.plain_out_bytes += written
        return written

    def read(self, len=1024, buffer=None):
        """Decrypt and count."""
        got = super().read(len, buffer)
        self.plain_in_bytes += got if buffer is not None else memoryview(got).nbytes
        return got


class QuietSSLObject(ssl.SSLObject):
    """A server's TLS connection that answers a close_notify by closing, without one of its own."""

    def unwrap(self):
        """Nothing to send: the FIN that follows says it."""
        return None


class CountedContext(ssl.SSLContext):
    """A client's context whose connections count, and resume the session it holds."""

    sslobject_class = CountedSSLObject
    resume: ssl.SSLSession | None = None

    def wrap_bio(self, incoming, outgoing, server_side=False, server_hostname=None, session=None):
        """As the standard library's, with the session to resume put in."""
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session or self.resume)


@dataclass(frozen=True)
class Chain:
    """A certificate chain on disk: what the server sends, its key, and what the client trusts."""

    name: str
    chain_file: Path
    key_file: Path
    trust_file: Path
    der_bytes: tuple[int, ...]


@functools.cache
def _key(kind):
    """One private key of a kind for all certificates of this process: whose it is weighs nothing."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def _certificate(subject, key, issuer, issuer_key, filler_bytes, leaf):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number((1 << 126) + zlib.crc32(subject.encode()))
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
    )
    if leaf:
        names = [x509.DNSName(HOST_NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if filler_bytes:
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier(FILLER_OID), b"\0" * filler_bytes)
        builder = builder.add_extension(filler, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _certificate_of_size(der_bytes, *parts, leaf):
    """The certificate whose filler brings it to the DER size; ECDSA signatures vary, so it signs again."""
    from cryptography.hazmat.primitives.serialization import Encoding

    filler_bytes, best = 1, None
    for _ in range(60):
        made = _certificate(*parts, filler_bytes, leaf)
        size = len(made.public_bytes(Encoding.DER))
        if best is None or abs(size - der_bytes) < abs(best[0] - der_bytes):
            best = size, made
        if size == der_bytes:
            break
        filler_bytes = max(1, filler_bytes + der_bytes - size)
    return best[1]


def make_chain(name: str, folder: Path) -> Chain:
    """A certificate chain of the sizes that gateways send, written into a folder.

    Parameters
    ----------
    name : str
        `rsa4`, `rsa3` or `ecdsa3`: the key type and the number of certificates sent. [-]
    folder : Path
        An existing folder for the PEM files; the private key is among them, so a temporary one. [-]

    Returns
    -------
    Chain
        The files and the DER size of each certificate [B].

    Raises
    ------
    InputError
        For a chain of another name.

    Notes
    -----
    RSA certificates hit their size exactly; an ECDSA signature is 70 to 72 B long, so those are signed
    again until the size fits. The subjects are short and a filler extension stands for everything else.

    Sources
    -------
    wire_capture
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    sizes = CHAINS[checks.known("certificate chain", name, CHAINS)]
    keys = [_key(kind) for kind, _ in (*sizes, sizes[-1])]
    names = [HOST_NAME, *(f"push-or-poll bench CA {i}" for i in range(1, len(keys)))]
    sent = [
        _certificate_of_size(size, names[i], keys[i], names[i + 1], keys[i + 1], leaf=i == 0)
        for i, (_, size) in enumerate(sizes)
    ]
    trusted = _certificate(names[-1], keys[-1], names[-1], keys[-1], 0, leaf=False)
    chain = Chain(
        name,
        folder / f"{name}.pem",
        folder / f"{name}.key",
        folder / f"{name}.trust.pem",
        tuple(len(made.public_bytes(Encoding.DER)) for made in sent),
    )
    chain.chain_file.write_bytes(b"".join(made.public_bytes(Encoding.PEM) for made in sent))
    chain.trust_file.write_bytes(trusted.public_bytes(Encoding.PEM))
    chain.key_file.touch(mode=0o600)
    chain.key_file.write_bytes(keys[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain


def server_context(chain: Chain, alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """A TLS 1.3 context for a server of the bench.

    Parameters
    ----------
    chain : Chain
        What `make_chain` made. [-]
    alpn : tuple of str
        Protocols offered, such as `http/1.1` or `h2`. [-]

    Returns
    -------
    ssl.SSLContext
        TLS 1.3 only, two session tickets a connection (OpenSSL's default), no close_notify of its own.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(chain.chain_file, chain.key_file)
    context.set_alpn_protocols(list(alpn))
    context.sslobject_class = QuietSSLObject
    return context


def client_context(chain: Chain, alpn: tuple[str, ...] = ("http/1.1",)) -> CountedContext:
    """A TLS 1.3 context for a client that verifies the chain and counts its plaintext.

    Parameters
    ----------
    chain : Chain
        What `make_chain` made. [-]
    alpn : tuple of str
        Protocols asked for. [-]

    Returns
    -------
    CountedContext
        Verifies name and chain; its `resume` takes a session of an earlier connection.
    """
    context = CountedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(chain.trust_file)
    context.set_alpn_protocols(list(alpn))
    return context
