"""A design is a transport with what serves it; what a transport needs is in its type. The fields of a scenario."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from model.parts import pieces
from model.parts.fields import Day, Name, Part, Real, Seconds, Share, Usd, Users
from model.parts.serving import Fallback, Function, Heartbeat, Host, Pull, Push, Reconnect, Server, Socket, Timer


class Design(Part):
    """What every way of telling users has: who answers requests, the timers that ask, and what it does `when_away`.

    `own` gives its ranges draws of their own.
    """

    title: str
    own: bool = False
    api: Host
    server: Server
    functions: dict[str, Function]
    timers: dict[str, Timer] = {}
    pull: Pull | None = None
    when_away: Literal["none", "socket", "poll", "mobile_push"] = "none"
    away_poll_s: Seconds = 900.0
    push_by: Literal["sns", "direct"] = "sns"
    push_alert: bool = True

    @property
    def away_way(self) -> str:
        """What it does when away by the names of `data/platforms.csv`: socket, poll, alert or silent."""
        return ("alert" if self.push_alert else "silent") if self.when_away == "mobile_push" else self.when_away


class PollingDesign(Design):
    """Phones ask by timers, and nothing is pushed."""

    transport: Literal["polling"]
    two_way: ClassVar[bool] = False
    socket: ClassVar[None] = None
    heartbeat: ClassVar[None] = None
    reconnect: ClassVar[None] = None
    fallback: ClassVar[None] = None
    pushes: ClassVar[dict[str, Push]] = {}


class HeldDesign(Design):
    """A connection is held, and events are pushed through it; both sides may beat."""

    two_way: ClassVar[bool] = True  # whether users' messages go over it too
    asks_again: ClassVar[bool] = False  # whether what it brings ends a request that is asked anew

    socket: Socket
    heartbeat: Heartbeat
    second_heartbeat: Heartbeat | None = None
    reconnect: Reconnect
    fallback: Fallback
    pushes: dict[str, Push] = {}

    @property
    def beats(self) -> dict[str, Heartbeat]:
        """Its heartbeats, by key."""
        beats = {"heartbeat": self.heartbeat, "second_heartbeat": self.second_heartbeat}
        return {key: beat for key, beat in beats.items() if beat is not None}


class WebsocketDesign(HeldDesign):
    """The connection is a WebSocket."""

    transport: Literal["websocket"]


class MqttDesign(HeldDesign):
    """The connection is MQTT in a WebSocket: events are published on topics that it subscribes to."""

    transport: Literal["mqtt"]


class SseDesign(HeldDesign):
    """The connection is one long answer, a stream of server-sent events; what users send are requests."""

    two_way: ClassVar[bool] = False

    transport: Literal["sse"]


class LongPollingDesign(HeldDesign):
    """A request waits for news; what it brings, or a heartbeat's period without any, ends it, and the next one asks."""

    two_way: ClassVar[bool] = False
    asks_again: ClassVar[bool] = True

    transport: Literal["long_polling"]


AnyHeld = WebsocketDesign | MqttDesign | SseDesign | LongPollingDesign
AnyDesign = PollingDesign | AnyHeld
TRANSPORTS: dict[str, type[Design]] = {
    "polling": PollingDesign,
    "long_polling": LongPollingDesign,
    "sse": SseDesign,
    "websocket": WebsocketDesign,
    "mqtt": MqttDesign,
}
Pair = tuple[str, str]


def _near(value: Any) -> Any:
    """A place alone stands for users near it."""
    return {"place": value} if isinstance(value, str) else value


class Choices(Part):
    """The fields of a scenario; `Scenario` adds how it is read, changed and checked as a whole."""

    name: Name
    title: str
    users: Users
    region: str
    prices_on: Day = None
    prices: dict[str, Usd] = {}
    prices_folder: str | None = None
    discounts: dict[str, Share] = {}
    free_tier: Literal[False, "always", "first_12_months"] = False
    phone: str | float
    claims: str | None = None
    billing: pieces.Billing = pieces.Billing()
    users_near: Annotated[pieces.UsersNear | None, BeforeValidator(_near)] = None
    usage: pieces.Usage
    screens: dict[str, pieces.Screen]
    overlays: dict[str, pieces.Overlay] = {}
    backgrounds: dict[str, pieces.Background] = {}
    networks: dict[str, pieces.Network]
    events: dict[str, pieces.Event]
    channels: pieces.Channels | None = None
    actions: dict[str, pieces.Action] = {}
    refresh: pieces.Refresh | None = None
    api: Host | None = None
    server: Server | None = None
    functions: dict[str, Function] = {}
    designs: dict[str, Annotated[AnyDesign, Field(discriminator="transport")]]
    pair: Pair | None = None
    ledger: dict[str, Real] = {}
    correlations: list[pieces.Correlation] = []
    place: str = Field(default="", exclude=True)

    @property
    def tells_away(self) -> bool:
        """Whether any design tells people when away: only then is drawn what that needs."""
        return any(design.when_away != "none" for design in self.designs.values())
