"""What an app tells its users and what they do: events, the channels they come by, actions, refresh by hand."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from model.scenario import fields
from model.scenario.fields import Part, Range


class Channels(Part):
    """Rooms or topics that people in the app subscribe to; left out, `live` is what their subscriptions fill."""

    live: fields.Positive | None = None
    members: fields.Positive = Range(
        2, 5, 50, "assumption", "people in the app at once who subscribe to a live channel"
    )
    subscribed: fields.Positive = Range(1, 3, 20, "assumption", "channels that one person in the app subscribes to")


class Event(Part):
    """Something users must be told: how often it is sent, to whom, and how big it is.

    Users cause it at random, or it comes each `every_s`: then to whoever is in the app on its screens.
    """

    per_active_day: fields.Zero
    every_s: fields.Seconds | None = None
    audience: Literal["recipients", "members", "everyone"] = "recipients"
    recipients: fields.Zero
    online_share: fields.Share
    payload_bytes: fields.Bytes
    screens: list[str] | None = None
    overlay: str | None = None
    within_s: fields.Seconds | None = None

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
            fields.refuse(
                f"must leave out {key}, for {'every_s' if feed else 'its audience'} says who is told and when"
            )
        return counts | said


class Action(Part):
    """What a user does that costs requests in all designs, or messages where a socket is held and it goes `over` it.

    With `every_s` the phone does it by itself, each so many seconds on its screens.
    """

    per_session: fields.Zero = 0.0
    per_active_day: fields.Zero = 0.0
    every_s: fields.Seconds | None = None
    screens: list[str] | None = None
    requests: fields.Count
    request_bytes: fields.Bytes
    response_bytes: fields.Bytes
    function: str
    over: Literal["http", "socket"] = "http"


class Refresh(Part):
    """What people do to look for themselves, whatever the design: a list opens with its screen, or they pull it down.

    Of the pulls a share is needless where everything the list shows comes by itself.
    """

    opens_per_active_hour: fields.Zero
    pulls_per_active_hour: fields.Zero
    needless_share: fields.Share = 0.0
    screens: list[str] | None = None
    shows: list[str] = []
    request_bytes: fields.Bytes
    response_bytes: fields.Bytes
    function: str
