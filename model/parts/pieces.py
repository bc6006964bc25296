"""The pieces of an app: usage, screens, networks, events, channels, actions, refresh, billing.

Any float may be a number or a range `{low, mode, high}`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from model.parts.fields import (
    Bytes,
    Count,
    DayHours,
    Detour,
    MonthDays,
    Part,
    PeakRatio,
    Positive,
    Range,
    Rate,
    Seconds,
    SecondsOrZero,
    Sessions,
    Share,
    Sigma,
    SomeShare,
    YesOrNo,
    Zero,
    refuse,
)

BIT_RATE = "of one phone while it sends or receives; LTE medians of 2012 were 6 up and 13 Mbit/s down (huang2012)"
WHICH_PROFILE = "which radio profile of the list a draw takes: 0 the first, 1 the last"


class UsersNear(Part):
    """The AWS region that users are near, and how far fibre goes round on the way to the scenario's."""

    place: str
    detour: Detour = Range(low=1.2, mode=1.5, high=2.2, source="assumption", note="fibre's length over the distance")


class Platform(Part):
    """People on one platform: their share, and how many of them let the app notify them."""

    share: Share
    may_notify_share: Share


class Away(Part):
    """How people are while the app is not on screen: hours a day with the phone on, who has it, where, and asleep."""

    hours_per_day: DayHours
    installed_share: Share
    asleep_share: Share
    platforms: dict[Literal["ios", "android", "web"], Platform]


class Usage(Part):
    """How much people use the app; sessions have a lognormal length."""

    dau_mau_share: SomeShare
    sessions_per_day: Sessions
    session_mean_s: Seconds
    session_sigma_ln: Sigma
    peak_to_mean_ratio: PeakRatio
    away: Away | None = None


class Background(Part):
    """Traffic that both designs share on a screen, one segment a period."""

    period_s: Seconds
    up_bytes: Bytes
    down_bytes: Bytes
    burst_s: SecondsOrZero


class Screen(Part):
    """A screen with its share of active time and the background traffic it brings."""

    share: Share
    background: str | None = None


class Overlay(Part):
    """Something that goes on above any screen for a while, such as an upload being processed."""

    per_active_day: Rate
    duration_s: Seconds


class Network(Part):
    """One access network of the mix; the first radio profile is used, the others give its range.

    `profile_share` says how far down the list a draw goes: likelier the earlier a profile stands.
    """

    share: Share
    profiles: list[str] = Field(min_length=1)
    profile_share: Share = Range(low=0.0, mode=0.0, high=1.0, source="assumption", note=WHICH_PROFILE)
    rtt_s: Seconds
    rtt_sigma_ln: Sigma
    ip: Literal[4, 6] = 4
    metered: bool
    drx_s: SecondsOrZero
    paging_s: SecondsOrZero
    losses_per_hour: Rate
    unseen_share: Share
    nat_timeout_s: Seconds
    up_bit_per_s: Positive = Range(low=5e5, mode=5e6, high=3e7, source="assumption", note=BIT_RATE)
    down_bit_per_s: Positive = Range(low=2e6, mode=2e7, high=1e8, source="assumption", note=BIT_RATE)


class Channels(Part):
    """Rooms or topics that people in the app subscribe to; left out, `live` is what their subscriptions fill."""

    live: Positive | None = None
    members: Positive = Range(2, 5, 50, "assumption", "people in the app at once who subscribe to a live channel")
    subscribed: Positive = Range(1, 3, 20, "assumption", "channels that one person in the app subscribes to")


class Event(Part):
    """Something users must be told: how often it is sent, to whom, and how big it is.

    Users cause it at random, or it comes each `every_s`: then to whoever is in the app on its screens.
    """

    per_active_day: Rate
    every_s: Seconds | None = None
    audience: Literal["recipients", "members", "everyone"] = "recipients"
    recipients: Zero
    online_share: Share
    payload_bytes: Bytes
    screens: list[str] | None = None
    overlay: str | None = None
    within_s: Seconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, said: Any) -> Any:
        """The numbers that `every_s` or an audience other than recipients makes needless; others are refused there."""
        if not isinstance(said, dict):
            return said
        feed, named = said.get("every_s") is not None, said.get("audience", "recipients") == "recipients"
        counts = {"per_active_day": 0.0} if feed else {}
        counts |= {} if named and not feed else {"recipients": 0.0, "online_share": 1.0}
        for key in (key for key, value in counts.items() if not np.all(said.get(key, value) == value)):
            refuse(f"must leave out {key}, for {'every_s' if feed else 'its audience'} says who is told and when")
        return counts | said


class Action(Part):
    """What a user does that costs requests in all designs, or messages where a socket is held and it goes `over` it.

    With `every_s` the phone does it by itself, each so many seconds on its screens.
    """

    per_session: Rate = 0.0
    per_active_day: Rate = 0.0
    every_s: Seconds | None = None
    screens: list[str] | None = None
    requests: Count
    request_bytes: Bytes
    response_bytes: Bytes
    function: str
    over: Literal["http", "socket"] = "http"


class Refresh(Part):
    """What people do to look for themselves, whatever the design: a list opens with its screen, or they pull it down.

    Of the pulls a share is needless where everything the list shows comes by itself.
    """

    opens_per_active_hour: Rate
    pulls_per_active_hour: Rate
    needless_share: Share = 0.0
    screens: list[str] | None = None
    shows: list[str] = []
    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Billing(Part):
    """Switches where AWS does not say what is billed, and how long a month is."""

    month_days: MonthDays = 30.0
    connects_billed: YesOrNo = False
    pings_billed: YesOrNo = False
    response_counts: YesOrNo = False
    logs_meter: Literal["lambda_logs_ingest_gb", "logs_ingest_gb"] = "lambda_logs_ingest_gb"


class Correlation(Part):
    """Two ranged inputs that rise and fall together, by the rank correlation of their draws."""

    between: tuple[str, str]
    rank: float
