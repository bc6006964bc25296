"""What enters TLS: a scenario's messages as HTTP/2 frames them and as permessage-deflate leaves them."""

from __future__ import annotations

import functools

import numpy as np

from model import checks, ledger, paths, wire

__all__ = ["HEADER_SETS", "deflated_payload_bytes", "http2_pair_bytes", "poll_layers"]

REQUEST = ("http1_ios_post_headers_bytes", "hpack_request")
RESPONSES = {
    "rest_api": ("http1_rest_api_response_headers_bytes", "hpack_rest_api_response"),
    "http_api": ("http1_http_api_response_headers_bytes", "hpack_http_api_response"),
    "server": ("http1_http_api_response_headers_bytes", "hpack_http_api_response"),
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
    answer = RESPONSES[checks.known("backend", backend, RESPONSES)]
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

    Source: rfc7692, twilly_code, wire_capture.
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

    Returns
    -------
    dict of str to dict, {kind of poll: {layer: bytes, both ways}}, layers as `wire.LAYERS`. [B]

    Raises
    ------
    InputError, for a negative or fractional size, an unknown TLS or IP version

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
