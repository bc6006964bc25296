"""Fan-outs: how long a sender posts an event, and how far it gets before its time is up; decided once."""

from __future__ import annotations

import numpy as np

from model.life import chains
from model.life.sessions import FanOut, Life
from model.traffic.http import monthly, there_rates

__all__ = ["fan_outs"]


def fan_outs(life: Life, table_bytes) -> dict[str, FanOut]:
    """The sender's run for each event that is pushed.

    A broadcast posts to everybody who is there, one after another or all together as the design says; an
    event to named recipients is a run for each, so one post. A function is cut off at the time-out of every
    function, and whom it has not posted to by then is never told; a process or server of one's own is not.
    A plain server writes to its own sockets one after another.

    Source: twilly_code, node_bench.
    """
    sent = {event: push.audience == "broadcast" for event, push in life.design.pushes.items() if push.sent}
    left_s = {whole: _left_s(life, whole, table_bytes) for whole in set(sent.values())}
    return {
        event: _fan_out(life, _posts(life, event) if whole else 1.0, left_s[whole]) for event, whole in sent.items()
    }


def _posts(life: Life, event: str):
    """Connections that one broadcast posts to: the recipients in the app or in the grace after it."""
    sent = np.asarray(life.scenario.events[event].per_active_day * life.active_days)
    return monthly(life, there_rates(life, event)) / np.where(sent > 0, sent, 1.0)


def _left_s(life: Life, broadcast: bool, table_bytes):
    """Time that the sender has for its posts: what its own work leaves of a function's time-out."""
    socket = life.design.socket
    if socket.direct_send:
        return np.inf
    function = life.design.functions[socket.send_function]
    work_s = chains.run_s(life.scenario, chains.scanning(function) if broadcast else function, table_bytes)
    return np.maximum(life.scenario.number("lambda_timeout_s") - work_s, 0.0)


def _fan_out(life: Life, posts, left_s) -> FanOut:
    socket, scenario = life.design.socket, life.scenario
    own = socket.backend == "server"
    post_s = scenario.number("server_post_s" if own else "apigw_ws_post_s")
    needed_s = post_s * posts if own or socket.fan_out == "sequential" else post_s
    share = np.minimum(left_s / np.maximum(needed_s, 1e-12), 1.0)
    return FanOut(posts, needed_s, 1.0 if np.all(share == 1.0) else share)
