"""Sessions, places, connected time, losses and the fallback: decided here once for all five outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model import checks
from model.life.lengths import Silence, mean_billed_minutes, mean_cuts, mean_least_s, quiet_cuts_per_s, silence
from model.life.rates import action_per_s, feeds_s, pushes_per_s
from model.scenario import AnyDesign, AnyHeld, HeldDesign, Scenario, origins

HANDSHAKE_RTTS = {"1.3": 2.0, "1.2": 3.0}  # TCP one, TLS 1.3 one, TLS 1.2 two round trips
JITTER = {
    "none": (1.0, 1.0),
    "equal": (0.5, 1.0),
    "full": (0.0, 1.0),  # first delay, least and most, over
    "decorrelated": (1.0, 3.0),
}  # the schedule's; any in between is as likely


@dataclass(frozen=True)
class Place:
    """Where active time goes: a screen alone, or with an overlay; or the grace after leaving."""

    weight: Any  # time there over active time
    screen: str | None
    background: str | None
    overlay: str | None = None


@dataclass(frozen=True)
class FanOut:
    """One run of the sender for an event, on average: how many it has to tell, and how far it gets."""

    posts: Any  # connections to tell
    needed_s: Any  # that all posts take
    share: Any = 1.0  # of the posts that are made before the sender's time is up

    @property
    def seconds(self):
        """Time of the posts that are made."""
        return self.needed_s * self.share


@dataclass(frozen=True)
class Life:
    """What a design's users do in a month, all of them together; shares are of active time."""

    scenario: Scenario
    design: AnyDesign
    places: dict[str, Place]
    active_s: Any
    active_day_s: Any
    active_days: Any
    sessions: Any
    connected_share: Any = 0.0  # connected time, grace included, over active time
    lingering_share: Any = 0.0  # time a lost connection stays open at the gateway, over active time
    connects_per_s: Any = 0.0  # per second of active time, like the rates below
    billed_minutes_per_s: Any = 0.0
    losses_per_s: Any = 0.0
    unseen_per_s: Any = 0.0
    gap_s: tuple = (0.0, 0.0)  # least and most time until a loss that nobody sees is noticed
    notice_s: Any = 0.0  # that time on average
    request_s: Any = 0.0  # from a sleeping timer's request to its answer
    refreshes_per_s: Any = 0.0  # by hand, of one user on the screens where the app lets them
    reconnect_s: Any = 0.0  # from then until the socket is back, on average
    jitter_s: Any = 0.0  # how far that may be from its mean, either way
    unseen_share: Any = 0.0
    lapses: dict[str, Silence] = field(default_factory=dict)  # of NAT mappings, by network
    deaf_share: Any = 0.0  # behind a lapsed mapping
    down_share: Any = 0.0
    fallback_share: Any = 0.0
    fan_outs: dict[str, FanOut] = field(default_factory=dict)  # of the events that are pushed
    away: Any = None  # `life.away.AwayLife`: what the design does when away

    def __post_init__(self) -> None:
        self.finite("active time", self.active_s)

    def finite(self, name: str, value: Any) -> Any:
        """The value, refused where it is not finite, with the input that is farthest from 1: it comes from there."""
        if np.isfinite(value).all():
            return value
        sizes = {
            path: float(np.max(np.abs(one)))
            for path, one in origins.leaves(self.scenario)
            if np.asarray(one).dtype.kind in "if" and np.any(one)
        }
        path = max(sizes, key=lambda path: abs(np.log10(sizes[path])))
        far = f"{'.'.join(path).removeprefix('designs.')} = {checks.shown(sizes[path])}"
        checks.fail(f"{name} must be a finite number and is not; of the inputs {far} is farthest out")

    @property
    def held(self) -> AnyHeld:
        """The design, of a life with a socket: what its flows need is in its type."""
        assert isinstance(self.design, HeldDesign)
        return self.design

    @property
    def alive_share(self):
        """Share of time in the app with a socket that works."""
        return 1.0 - self.down_share - self.unseen_share - self.deaf_share

    @property
    def open_connections(self):
        """Mean number of connections open at once, lingering ones and those when away included, by Little's law."""
        return self._open_in_app + self._open_away

    @property
    def busiest_connections(self):
        """Connections open in the busiest hour: those of the app rise with its use, those when away do not."""
        return self._open_in_app * self.scenario.usage.peak_to_mean_ratio + self._open_away

    @property
    def _open_in_app(self):
        return (self.connected_share + self.lingering_share) * self.active_s / self.scenario.month_s

    @property
    def _open_away(self):
        return 0.0 if self.away is None else self.away.connections

    @property
    def channels_live(self):
        """Mean number of channels with somebody in the app who subscribes to them."""
        own = self.scenario.channels
        if own.live is not None:
            return own.live
        return self.active_s / self.scenario.month_s * own.subscribed / own.members

    def events_per_month(self, event: str):
        """How often an event happens in a month, whoever causes it and however many it is told to."""
        one = self.scenario.events[event]
        if one.every_s is None:
            return one.per_active_day * self.active_days
        if one.audience == "recipients":  # a feed of their own
            return pushes_per_s(self.scenario, event) * self.active_s
        return (self.channels_live if one.audience == "members" else 1.0) * self.scenario.month_s / one.every_s

    @property
    def lingering_each(self):
        """Lost connections still open beside each live one; none where every socket is blocked."""
        live, lost = np.broadcast_arrays(np.asarray(self.connected_share, dtype=float), self.lingering_share)
        return np.divide(lost, live, out=np.zeros(live.shape), where=live > 0)[()]


def poll_period_s(timer, request_s=0.0):
    """The period of a timer: fixed, or the sleep plus the request that follows it."""
    return timer.period_s + request_s if timer.timing == "sleep_then_request" else timer.period_s


def overlay_poll_s(timer, overlay, request_s=0.0):
    """How long an overlay's timer polls: until the overlay ends or its attempts are used up."""
    limit = timer.max_attempts * poll_period_s(timer, request_s) if timer.max_attempts else np.inf
    return mean_least_s(overlay.duration_s, limit)


def _places(scenario: Scenario, design: AnyDesign, active_day_s, request_s) -> dict[str, Place]:
    """The exclusive parts of active time; only an overlay that a timer polls for splits a screen."""
    overlays = {}
    for timer in design.timers.values():
        if timer.overlay:
            overlay = scenario.overlays[timer.overlay]
            busy = overlay.per_active_day * overlay_poll_s(timer, overlay, request_s) / active_day_s
            overlays[timer.overlay] = np.minimum(busy, 0.95)
    places = {}
    alone = 1.0 - sum(overlays.values(), 0.0)
    for name, screen in scenario.screens.items():
        places[name] = Place(screen.share * alone, name, screen.background)
        for overlay, busy in overlays.items():
            places[f"{name} + {overlay}"] = Place(screen.share * busy, name, screen.background, overlay)
    return places


def mix(scenario: Scenario, of) -> object:
    """The mean of a number over the access networks, by their shares."""
    return sum(n.share * of(n) for n in scenario.networks.values())


def handshake_s(host, rtt_s):
    """Time to open a connection: TCP and TLS round trips, a resumed TLS 1.2 session one fewer."""
    full = HANDSHAKE_RTTS[host.tls]
    return (full - (host.resumed_share if host.tls == "1.2" else 0.0)) * rtt_s


def _first_delay_s(design: AnyDesign) -> tuple:
    """The least and the most that a client waits before its first try to reconnect."""
    plan = design.reconnect
    if plan.jitter == "plus_minus":
        ends = (1.0 - plan.jitter_share, 1.0 + plan.jitter_share)
        return tuple(np.minimum(part * plan.delays_s[0], plan.most_s) for part in ends)
    return tuple(part * plan.delays_s[0] for part in JITTER[plan.jitter])


def _heard(design: AnyDesign):
    """The chance that a heartbeat resets the gateway's idle timer: a message does, a server's own ping does not."""
    if any(b.kind == "json" for b in design.beats.values()):
        return 1.0
    return design.socket.ping_resets_idle * any(b.by_client for b in design.beats.values())


def _socket(scenario: Scenario, design: AnyDesign, sessions_per_s, packets_per_s, connect_run_s) -> dict:
    """Connected time, connects, losses and down time of a WebSocket design, per second of active time."""
    use, socket = scenario.usage, design.socket
    beat = min(design.beats.values(), key=lambda b: float(np.mean(b.period_s)))  # the quicker of two shows a loss
    rtt_s = mix(scenario, lambda n: n.rtt_s)
    least_s, most_s = _first_delay_s(design)
    row = socket.row
    opening_s = handshake_s(socket, rtt_s) + (1.0 + row.extra_rtts) * rtt_s
    reconnect_s = (least_s + most_s) / 2.0 + opening_s + connect_run_s
    seen = mix(scenario, lambda n: n.losses_per_hour * (1.0 - n.unseen_share)) / 3600.0
    unseen = mix(scenario, lambda n: n.losses_per_hour * n.unseen_share) / 3600.0
    by_clock_s = feeds_s(scenario, design)
    idle_s, life_s = design.server.idle_s if row.own else row.limit(row.idle), row.limit(row.life)
    if np.all(np.isfinite(idle_s)):  # it closes what stays silent, and says so; a plain server alone sets no limit
        heard = 1.0 if row.own else _heard(design)
        safe_s = idle_s * scenario.number("idle_safe_share")
        pinged = silence(safe_s, beat, packets_per_s, 0.0, reconnect_s, by_clock_s).cuts_per_s
        unheard = quiet_cuts_per_s(idle_s, packets_per_s, use.session_mean_s, use.session_sigma_ln)
        unheard = unheard * np.greater(by_clock_s, idle_s)
        seen = seen + heard * pinged + (1.0 - heard) * unheard
    reset = scenario.number("nat_reset_share") * beat.by_client  # what is sent may be answered by a reset
    lapses = {
        name: silence(n.nat_timeout_s, beat, packets_per_s, notice_s, reconnect_s, by_clock_s)
        for name, n in scenario.networks.items()
        for notice_s in [(1.0 - reset) * beat.pong_timeout_s + reset * n.rtt_s]
    }
    nat, deaf = (
        sum(n.share * getattr(lapses[name], of) for name, n in scenario.networks.items())
        for of in ("cuts_per_s", "deaf_share")
    )
    gap_s = beat.pong_timeout_s, beat.pong_timeout_s + beat.period_s  # lost just before a ping, just after one
    notice_s = sum(gap_s) / 2.0
    usable = 1.0 - socket.blocked_share
    unseen_share = np.minimum(unseen * notice_s, 0.5) * usable
    out_s = np.minimum((seen + unseen + nat) * reconnect_s, 0.5) * usable
    late = np.maximum(reconnect_s - design.fallback.start_delay_s, 0.0) / reconnect_s
    cuts = mean_cuts(use.session_mean_s, use.session_sigma_ln, socket.grace_s, life_s) if np.isfinite(life_s) else 0.0
    losses = (seen + unseen + nat) * usable
    lingering = (unseen + nat) * usable * np.maximum(row.limit(row.lingers) - notice_s, 0.0)
    minutes = mean_billed_minutes(use.session_mean_s, use.session_sigma_ln, socket.grace_s) * sessions_per_s * usable
    return dict(
        connected_share=usable - out_s + sessions_per_s * socket.grace_s * usable,
        lingering_share=lingering,
        connects_per_s=sessions_per_s * usable * (1.0 + cuts) + losses,
        billed_minutes_per_s=minutes - out_s / 60.0 + losses * 0.5 + lingering / 60.0,
        losses_per_s=seen + unseen + nat,
        unseen_per_s=unseen + nat,
        lapses=lapses,
        deaf_share=deaf * usable,
        gap_s=gap_s,
        notice_s=notice_s,
        reconnect_s=reconnect_s,
        jitter_s=(most_s - least_s) / 2.0,
        unseen_share=unseen_share,
        down_share=out_s + socket.blocked_share,
        fallback_share=out_s * late + socket.blocked_share,
    )


def life(design: AnyDesign, scenario: Scenario, request_s=0.0, connect_run_s=0.0) -> Life:
    """Sessions, places, connected time, losses and fallback of a design in a month.

    Active time = users x DAU/MAU x days x sessions a day x mean length. Connected time is the foreground,
    the grace after leaving and what lingers after a loss nobody noticed; connects are one a session, one
    for each 2 h cut and one for each loss. Source: little1961, aws_docs, apple_background.
    """
    use = scenario.usage
    active_day_s = np.minimum(use.sessions_per_day * use.session_mean_s, 86400.0)
    active_days = scenario.users * use.dau_mau_share * scenario.billing.month_days
    sessions = active_days * use.sessions_per_day
    active_s = active_days * active_day_s
    places = _places(scenario, design, active_day_s, request_s)
    base = dict(
        scenario=scenario,
        design=design,
        active_s=active_s,
        active_day_s=active_day_s,
        active_days=active_days,
        sessions=sessions,
        request_s=request_s,
    )
    if design.socket is None:
        return Life(places=places, **base)
    packets_per_s = sum(pushes_per_s(scenario, name) for name in design.pushes)
    over = [action_per_s(scenario, a) * a.requests for a in scenario.actions.values() if a.over == "socket"]
    packets_per_s = sum(over, packets_per_s)
    sessions_per_s = use.sessions_per_day / active_day_s
    socket = _socket(scenario, design, sessions_per_s, packets_per_s, connect_run_s)
    grace = design.socket.grace_s * (1.0 - design.socket.blocked_share) * sessions_per_s
    return Life(places={**places, "grace": Place(grace, None, None)}, **base, **socket)
