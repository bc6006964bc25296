"""Puts the model beside what real sockets carried: bytes of every flow and hour, delays of both designs."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from model import checks
from model.bench import store

__all__ = ["compare", "modelled_bytes", "modelled_delays_s"]

SHORT_LIMIT_RATIO, LONG_LIMIT_RATIO, HOUR_LIMIT_RATIO = 0.02, 0.10, 0.01
DELAY_LIMIT_RATIO, KS_LIMIT_RATIO = 0.05, 0.05
LINUX_PUSH_SEGMENTS_PER_ACK = 1  # quick ACKs where the receiver has been silent for an RTO
HANDSHAKES = ("connect", "close", "ws_close")
SIZES = ("message_up_bytes", "message_down_bytes")


def compare(
    measured=None,
    *,
    what: str = "bytes",
    bytes_model: Callable | None = None,
    delay_model: Callable | None = None,
    samples: int = 200_000,
    seed: int = 1,
):
    """The model beside a stored measurement, a row each, with the error and whether it is small enough.

    Parameters
    ----------
    measured : str or Path, optional, folder that `measure` wrote to; the project's own where none is given
    what : str, `bytes` or `timing`
    bytes_model : callable, optional, takes a part as a dict and gives IP bytes (up, down); `modelled_bytes` where
        none is given
    delay_model : callable, optional, takes design, conditions, number and seed and gives seconds; `modelled_delays_s`
        otherwise
    samples : int, delays drawn from the model for each design
    seed : int, seed of these draws

    Returns
    -------
    pandas.DataFrame, bytes: a row a flow and an hour with both sides, `error_ratio` = model/measured - 1 of the sum
        of both ways, `limit_ratio` and `within`. Timing: for each design the mean, p50, p95 and the
        Kolmogorov-Smirnov distance

    Raises
    ------
    InputError, for another `what`, or a folder without a measurement

    Notes
    -----
    Limits: 2 % for exchanges of up to two segments a way, 10 % for handshakes and longer ones, 1 % for
    an hour; 5 % for p50 and p95, 0.05 for the distance.
    """
    checks.known("measurement", what, ("bytes", "timing"), "what")
    if what == "bytes":
        return _compared_bytes(measured, bytes_model or modelled_bytes)
    checks.positive("samples", samples)
    return _compared_delays(measured, delay_model or modelled_delays_s, int(samples), seed)


def _table(measured, name: str):
    import pandas as pd

    path = store.measured_dir(measured) / name
    if not path.is_file():
        checks.fail(f"no measurement {name} in {path.parent}; `workbook measure` writes one")
    return pd.read_csv(path)


def _compared_bytes(measured, model):
    import pandas as pd

    table = _table(measured, "bytes.csv")
    parts = _table(measured, "hours.csv") if (table.kind == "hour").any() else None
    rows = []
    for row in table.to_dict("records"):
        if row["kind"] == "hour":
            mine = parts[(parts.hour == row["flow"]) & (parts.protocol == row["protocol"])]
            up, down = hour_bytes(mine.to_dict("records"), row["protocol"], model)
        else:
            up, down = model(row)
        found, expected = row["up_bytes"] + row["down_bytes"], up + down
        limit = limit_ratio(row)
        rows.append(
            {name: row[name] for name in ("flow", "kind", "protocol", "n")}
            | {
                "measured_up_bytes": row["up_bytes"],
                "model_up_bytes": up,
                "measured_down_bytes": row["down_bytes"],
                "model_down_bytes": down,
                "measured_bytes": found,
                "model_bytes": expected,
                "measured_pure_acks": row["up_pure_acks"] + row["down_pure_acks"],
                "error_ratio": expected / found - 1,
                "limit_ratio": limit,
                "within": bool(abs(expected / found - 1) <= limit),
            }
        )
    return pd.DataFrame(rows)


def limit_ratio(row: dict) -> float:
    """How far the model may be from one row."""
    if row["kind"] == "hour":
        return HOUR_LIMIT_RATIO
    long = max(row["up_data_segments"], row["down_data_segments"]) > 2
    return LONG_LIMIT_RATIO if long or row["kind"] in HANDSHAKES else SHORT_LIMIT_RATIO


def modelled_bytes(part: dict) -> tuple[float, float]:
    """The IP bytes (up, down) that `model.wire` gives to one part of a measurement."""
    from model import wire

    kind = checks.known("kind of flow", part["kind"], (*WIRE_OF, "exchange", "upgrade", "push"))
    if kind == "push":
        return tuple(
            map(
                float,
                wire.websocket_message_bytes(
                    int(part["payload_bytes"]), masked=False, segments_per_ack=LINUX_PUSH_SEGMENTS_PER_ACK
                ),
            )
        )
    if kind in WIRE_OF:
        return tuple(map(float, WIRE_OF[kind](wire, part)))
    by_headers = part.get("sized_by") == "headers"
    sizes = http2_sizes(part["spacing_s"]) if by_headers else [part[name] for name in SIZES]
    return _exchange(wire, *sizes, part.get("server_s", 0.0))


WIRE_OF = {
    "heartbeat": lambda wire, part: wire.heartbeat_bytes(),
    "connect": lambda wire, part: wire.connect_bytes(chain=part["chain"], resumed=bool(part["resumed"]), alpn=True),
    "close": lambda wire, part: wire.close_bytes(),
    "ws_close": lambda wire, part: np.add(wire.websocket_close_bytes(), wire.close_bytes()),
    "http2_opening": lambda wire, part: wire.http2_opening_bytes(),
}


def _exchange(wire, up_bytes: float, down_bytes: float, server_s: float) -> tuple[float, float]:
    """An exchange whose mean sizes need not be whole: between the whole ones around them."""
    sizes = [np.array([np.floor(size), np.floor(size) + 1]) for size in (up_bytes, down_bytes)]
    up, _ = wire.http_exchange_bytes(sizes[0], np.floor(down_bytes), server_s=server_s)
    up_more, down = wire.http_exchange_bytes(np.floor(up_bytes), sizes[1], server_s=server_s)
    return (
        float(up[0] + (up[1] - up[0]) * (up_bytes % 1) + (up_more[1] - up_more[0]) * (down_bytes % 1)),
        float(down[0] + (down[1] - down[0]) * (down_bytes % 1)),
    )


@functools.cache
def http2_sizes(spacing_s: float = 0.2) -> tuple[float, float]:
    """Mean frames (up, down) of a steady HTTP/2 poll, by HPACK from headers whose date and ids change."""
    from model import wire
    from model.bench import clients, count, servers, tls

    request = [
        (":method", "GET"),
        (":authority", tls.HOST_NAME),
        (":scheme", "https"),
        (":path", "/poll"),
        *clients.HTTP2_HEADERS.items(),
    ]
    answers = [servers.response_headers(count.POLL_BODY_BYTES, i, i * spacing_s) for i in range(300)]
    up = wire.hpack_bytes(request, repeats=2)[-1]
    down = wire.hpack_bytes(answers)[50:].mean()
    body, frame, window_update = count.POLL_BODY_BYTES, 9, 13  # httpx opens the window of every stream
    return float(up) + frame + window_update, float(down) + frame + body + frame


def hour_bytes(parts: list[dict], protocol: str, model: Callable) -> tuple[float, float]:
    """IP bytes (up, down) of an hour: its connections opened and closed, every part as often as it was."""
    from model import wire

    connect = {"kind": "connect", "chain": "rsa4", "resumed": 0}
    extra, total = [], np.zeros(2)
    if any(part["part_protocol"] == "websocket" for part in parts):
        extra += [connect, {"kind": "ws_close"}]
    if any(part["part_protocol"] != "websocket" for part in parts):
        extra += [connect, {"kind": "close"}] + [{"kind": "http2_opening"}] * (protocol == "http/2")
    opening = np.subtract(wire.http2_opening_bytes(tls="none"), np.array([2, 1]) * wire.packet_header_bytes())
    for part in parts:
        if part["part"].startswith("first_") and protocol == "http/2":  # the count has the opening in it
            part = part | {name: part[name] - said for name, said in zip(SIZES, opening, strict=True)}
        total += part["times"] * np.array(model(part | {"server_s": 0.0}))
    for part in extra:
        total += model(part)
    return float(total[0]), float(total[1])


def _compared_delays(measured, model, samples, seed):
    import pandas as pd

    table, sample = _table(measured, "timing.csv"), _table(measured, "timing_sample.csv")
    rows = []
    for design, name in (("polling", "polling_s"), ("push", "push_s")):
        mine = table[table.design == design]
        conditions = mine.iloc[0].to_dict() | {"own_s": mine.own_s.to_numpy()}
        found, drawn = sample[name].to_numpy(), np.asarray(model(design, conditions, samples, seed))
        figures = {"mean": np.mean, "p50": np.median, "p95": functools.partial(np.quantile, q=0.95)}
        for figure, of in figures.items():
            error = of(drawn) / of(found) - 1
            rows.append(
                {
                    "design": design,
                    "figure": figure,
                    "measured_s": of(found),
                    "model_s": of(drawn),
                    "error_ratio": error,
                    "limit_ratio": DELAY_LIMIT_RATIO,
                }
            )
        distance = ks_distance(found, drawn)
        rows.append({"design": design, "figure": "ks", "error_ratio": distance, "limit_ratio": KS_LIMIT_RATIO})
        for row in rows[-4:]:
            row |= {"within": bool(abs(row["error_ratio"]) <= row["limit_ratio"]), "n": len(found)}
    return pd.DataFrame(rows)


def modelled_delays_s(design: str, conditions: dict, n: int, seed: int) -> np.ndarray:
    """Delays from stored to seen as the model sums them: the wait for the poll, server time, downlink.

    A poll of a fixed period adds a wait that is uniform on it; the way up only shifts its phase. A push
    has no wait. The path's lognormal one-way delay and the bench's own time, as its probes measured it on
    a path of fixed delay, are added to both.
    """
    checks.known("design", design, ("polling", "push"))
    rng = np.random.default_rng(seed)
    down_s = conditions["path_median_s"] * np.exp(conditions["path_sigma_ln"] * rng.standard_normal(n))
    wait_s = rng.random(n) * conditions["timed_period_s"] if design == "polling" else 0.0
    percentiles_s = np.broadcast_to(conditions["own_s"], 99)
    own_s = np.interp(rng.random(n) * 100, np.arange(1, 100), percentiles_s)
    return wait_s + conditions["server_s"] + down_s + own_s


def ks_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest gap between two empirical distribution functions."""
    one, other = np.sort(one), np.sort(other)
    at = np.concatenate([one, other])
    return float(
        np.abs(
            np.searchsorted(one, at, side="right") / one.size - np.searchsorted(other, at, side="right") / other.size
        ).max()
    )
