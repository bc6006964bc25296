"""The components that deliveries share: one HTTP request, the network, the sender, the socket's gaps."""

from __future__ import annotations

import numpy as np

from model.latency import parts, waits
from model.latency.parts import Part
from model.life import airtime, chains
from model.life.flow import Traffic
from model.life.sessions import mix
from model.scenario import Network, Timer

__all__: list[str] = []


def once(now: Traffic, key: tuple, work):
    """The value under a key of the traffic's memo, worked out where it is not there yet."""
    key = ("latency", *key)
    if key not in now.memo:
        now.memo[key] = work()
    return now.memo[key]


def _service(now: Traffic, mean_s) -> Part:
    return parts.lognormal(mean_s, now.life.scenario.number("service_sigma_ln"))


def _server_queue(now: Traffic) -> Part:
    """The wait for a plain server at the mean rate of all requests."""
    requests = sum((f.per_month * f.requests for f in now.flows if f.exchange == "http"), 0.0)
    rate = requests / now.life.scenario.month_s
    return waits.queue_wait(rate, now.life.design.server.requests_per_s, now.instances)


def request_parts(now: Traffic, name: str) -> dict[str, Part]:
    """Server time of one warm HTTP request by component; queue apart, the means add up to `server_s`."""
    return once(now, ("request", name), lambda: _request_parts(now, name))


def _request_parts(now: Traffic, name: str) -> dict[str, Part]:
    scenario, design = now.life.scenario, now.life.design
    function = design.functions[name]
    database_s = sum((chains.operation_s(scenario, o, now.table_bytes) for o in function.operations), 0.0)
    if design.api.backend == "server":
        return {
            "queue": _server_queue(now),
            "server": _service(now, scenario.number("server_request_s")),
            "database": _service(now, database_s),
        }
    gateway_s = scenario.number({"http_api": "apigw_http_s", "rest_api": "apigw_rest_s"}[design.api.backend])
    code_s = chains.run_s(scenario, function, now.table_bytes) - database_s
    return {
        "gateway": _service(now, gateway_s),
        "function": _service(now, code_s),
        "database": _service(now, database_s),
    }


def request_s(now: Traffic, timer: Timer):
    """Mean time from a timer's request to its answer: a round trip and the server's time."""
    flow = next(f for f in now.flows if f.exchange == "http" and f.function == timer.function)
    return mix(now.life.scenario, lambda n: n.rtt_s) + flow.server_s


def cold_share(now: Traffic, function: str):
    """Share of requests that find the function cold, as traffic decided; none on a plain server."""
    return 0.0 if now.life.design.api.backend == "server" else now.runs[function].cold_share


def cold_start(now: Traffic, name: str) -> Part:
    """What a cold start of a function adds."""
    one = now.life.design.functions[name]
    extra_s = now.life.scenario.number("lambda_cold_extra_s")
    return once(now, ("cold", name), lambda: parts.cold_start(one.runtime, one.package_kb, extra_s))


def downlink(now: Traffic, name: str) -> Part:
    """The way down to the phone: the path from the region, and half a round trip of the access network."""
    scenario = now.life.scenario
    network, path_s = scenario.networks[name], scenario.number("region_path_s")
    return once(now, ("downlink", name), lambda: parts.network(network.rtt_s / 2.0, network.rtt_sigma_ln, path_s))


def round_trips(now: Traffic, network: Network, count) -> Part:
    """So many round trips between phone and region, one after another."""
    path_s = now.life.scenario.number("region_path_s")
    return parts.network(count * network.rtt_s, network.rtt_sigma_ln, 2.0 * count * path_s)


def to_screen(now: Traffic) -> dict[str, Part]:
    """From bytes in the app to pixels."""
    return once(now, ("screen",), lambda: {"phone to screen": parts.fixed(now.life.scenario.number("screen_render_s"))})


def radio_wake(now: Traffic, name: str, screens: list[str] | None) -> Part:
    """What a push waits for a network's radio, as the traffic of the screens where it is seen leaves it."""
    network = now.life.scenario.networks[name]
    quiet = once(now, ("quiet", name), lambda: airtime.quiet_by_place(now, network))
    shares = airtime.shares_on(now, quiet, screens)
    return waits.radio_wake(f"radio on {name}", shares, network.drx_s, network.paging_s, airtime.promotion_s(network))


def sender_parts(now: Traffic, event: str) -> dict[str, Part]:
    """From the stored event to the gateway's end of the socket; the same for all that is told one by one."""
    broadcast = now.life.design.pushes[event].audience == "broadcast"
    return once(now, ("sender", event if broadcast else ""), lambda: _sender_parts(now, event))


def _sender_parts(now: Traffic, event: str) -> dict[str, Part]:
    scenario, socket = now.life.scenario, now.life.design.socket
    found = _lookup(now, event)
    if socket.backend == "server":
        found["fan-out"] = waits.ahead(_others(now, event), scenario.number("server_post_s"))
        return found
    found["fan-out"] = waits.ahead(_others(now, event), scenario.number("apigw_ws_post_s"))
    found["post"] = _service(now, scenario.number("apigw_ws_post_s"))
    return {**found, "gateway": _service(now, scenario.number("apigw_ws_delivery_s"))}


def _lookup(now: Traffic, event: str) -> dict[str, Part]:
    """The sender's work until its first post: its own process with a cache, or a function that is invoked."""
    scenario, design, socket = now.life.scenario, now.life.design, now.life.design.socket
    function = design.functions[socket.send_function]
    broadcast = design.pushes[event].audience == "broadcast"
    if broadcast and not socket.direct_send:
        function = chains.scanning(function)
    database_s = sum((chains.operation_s(scenario, o, now.table_bytes) for o in function.operations), 0.0)
    if socket.direct_send:
        missed = 0.0 if broadcast else 1.0 - socket.cache_hit_share
        return {
            "server": _service(now, scenario.number("direct_send_s")),
            "database": parts.sometimes(missed, _service(now, database_s)),
        }
    code_s = chains.run_s(scenario, function, now.table_bytes) - database_s
    return {
        "invocation": _service(now, scenario.number("lambda_invoke_s")),
        "function": _service(now, code_s),
        "database": _service(now, database_s),
    }


def _others(now: Traffic, event: str):
    """Connections posted to beside ours: the rest of a broadcast, or a recipient's own that linger."""
    life = now.life
    if life.design.socket.fan_out == "parallel":
        return 0.0
    if life.design.pushes[event].audience == "broadcast":
        return np.maximum(life.fan_outs[event].posts * life.fan_outs[event].share - 1.0, 0.0)
    return life.lingering_each


def down_segments(now: Traffic) -> dict[str, tuple]:
    """A gap until the reconnect, cut where the fallback polls: shares of down time and the lengths waited in.

    `first`: before the fallback's first poll; `polls`: between its polls; `last`: after them, until the
    socket is back; `blocked`: on networks that let no socket through, where the fallback always polls.
    """
    life, fallback = now.life, now.life.design.fallback
    gap_s, start_s, period_s = life.reconnect_s, fallback.start_delay_s, fallback.period_s
    polled = np.floor(np.maximum(gap_s - start_s, 0.0) / period_s)
    out = life.down_share - life.design.socket.blocked_share
    first_s = np.where(start_s < gap_s, start_s, 0.0)
    last_s = np.maximum(gap_s - first_s - polled * period_s, 0.0)
    return {
        "first": (out * first_s / gap_s, first_s),
        "polls": (out * polled * period_s / gap_s, period_s),
        "last": (out * last_s / gap_s, last_s),
        "blocked": (life.design.socket.blocked_share, period_s),
    }


def alive_share(now: Traffic):
    """Share of time in the app with a socket that works."""
    return 1.0 - now.life.down_share - now.life.unseen_share


def lost_share(now: Traffic):
    """Share of events that fall into a gap which nothing fills: no catch-up, no fallback poll behind them."""
    if now.life.design.socket.catch_up:
        return 0.0
    return now.life.unseen_share + down_segments(now)["last"][0]
