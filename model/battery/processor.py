"""The processor's part: what an exchange costs it while the phone is in hand and awake anyway."""

from __future__ import annotations

from typing import Any

from model.life.flow import Flow, Traffic


def exchange_j(traffic: Traffic, flow: Flow) -> Any:
    """Joules of one occurrence of a flow: its requests and new connections, or a frame, or a ping and its pong.

    Source: aosp_power_profile.
    """
    number = traffic.life.scenario.number
    if flow.exchange == "http":
        return flow.requests * number("foreground_request_j") + flow.cold_share * number("foreground_handshake_j")
    if flow.exchange == "connect":
        return number("foreground_request_j") + number("foreground_handshake_j")
    return number("foreground_message_j") if flow.exchange in ("push", "heartbeat", "message") else 0.0


def processor_j(traffic: Traffic) -> dict[str, Any]:
    """Joules of an active hour by flow, each as often as in load, bill and data. Source: aosp_power_profile."""
    hours = traffic.life.active_s / 3600.0
    on_air = [flow for flow in traffic.flows if flow.rates_per_s]
    return {flow.name: flow.per_month / hours * exchange_j(traffic, flow) for flow in on_air}
