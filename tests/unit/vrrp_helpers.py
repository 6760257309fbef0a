"""What the VRRP tests share: short ways to make instances, adverts and packets."""

from __future__ import annotations

from ipaddress import ip_address

import attrs

from kaltwisted.config.model import (
    SECOND_US,
    Authentication,
    AuthType,
    VirtualIpAddress,
    VrrpInstance,
    VrrpScript,
)
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import auth, packet
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import Action, State, TimerName
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.packet import Expected

OURS = "10.0.0.5"
VIP = VirtualIpAddress(ip_address("10.0.0.100"), 32)
SECRET = Authentication(AuthType.AH, b"k@l!ve1")


def config(**fields: object) -> VrrpInstance:
    """An instance X on eth0 with VRID 51, priority 100 and one address."""
    defaults: dict[str, object] = {
        "name": "X",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_ipaddress": (VIP,),
    }
    return VrrpInstance(**(defaults | fields))  # type: ignore[arg-type]


class Driven:
    """An instance with a clock and somebody to carry out its timers: nothing else."""

    def __init__(
        self, scripts: dict[str, VrrpScript] | None = None, *, begin: bool = True, **fields: object
    ) -> None:
        self.now = 0
        self.instance = Instance(config(**fields), scripts)
        self.actions: list[Action] = []
        self.timers: dict[TimerName, act.ArmTimer] = {}
        self.ip_id = 0
        self.do(ev.SourceChanged(ip_address(OURS)))
        if begin:
            self.do(ev.Start())

    @property
    def state(self) -> State:
        return self.instance.state

    def do(self, event: ev.Event) -> list[Action]:
        """Give it an event; returns this event's actions."""
        return self.take(self.instance.handle(event, self.now))

    def take(self, actions: list[Action]) -> list[Action]:
        """Carry out its timers."""
        for action in actions:
            if isinstance(action, act.ArmTimer):
                self.timers[action.which] = action
            elif isinstance(action, act.CancelTimer):
                del self.timers[action.which]
        self.actions += actions
        return actions

    def expire(self, which: TimerName, late_us: int = 0) -> list[Action]:
        """Let a timer run out, now being its time."""
        timer = self.timers.pop(which)
        self.now = timer.at + late_us
        return self.do(ev.TimerExpired(which, timer.generation))

    def become_master(self) -> list[Action]:
        actions = self.expire(TimerName.MASTER_DOWN)
        assert self.state is State.MASTER
        return actions

    def hear(self, priority: int, source: str = "10.0.0.9", **changed: object) -> list[Action]:
        """An advert of another router with the same settings."""
        return self.do(ev.PacketReceived(self.packet(priority, source, **changed)))

    def packet(self, priority: int, source: str = "10.0.0.9", **changed: object) -> bytes:
        """The packet of another router with the same settings, but for what is ``changed``."""
        own = self.instance.config
        sequence = int(changed.pop("sequence", 1))  # type: ignore[call-overload]
        block = changed.pop("block", VIP.address.packed)
        authentication = own.authentication
        expected = Expected(
            own.virtual_router_id,
            own.version,
            own.advert_int_us,
            authentication.type if authentication else None,
            auth.pad(authentication.password if authentication else b""),
        )
        expected = attrs.evolve(expected, **changed)  # type: ignore[arg-type]
        packed = ip_address(source).packed
        message = packet.encode(expected, priority, block, packed, packet.IPV4_GROUP)  # type: ignore[arg-type]
        self.ip_id = packet.next_identification(self.ip_id)
        if expected.auth_type is AuthType.AH:
            return packet.sealed_packet(
                message, packed, packet.IPV4_GROUP, self.ip_id, expected.password, sequence
            )
        return packet.ipv4_packet(message, packed, packet.IPV4_GROUP, self.ip_id)

    def waits_us(self, which: TimerName) -> int:
        """How long a timer has still to run."""
        return self.timers[which].at - self.now

    def after(self, us: int) -> None:
        self.now += us


def lines(actions: list[Action]) -> list[str]:
    """The log lines among actions."""
    return [action.line for action in actions if isinstance(action, act.Log)]


def sent(actions: list[Action]) -> list[int]:
    """The priorities of the adverts among actions (version 2 or 3, with or without AH)."""
    offsets = {112: 22, 51: 46}
    return [
        action.packet[offsets[action.packet[9]]] for action in actions if isinstance(action, act.SendAdvert)
    ]


def kinds(actions: list[Action]) -> list[type]:
    """The kinds of actions, log lines and timers left out, in their order."""
    return [
        type(action) for action in actions if not isinstance(action, act.Log | act.ArmTimer | act.CancelTimer)
    ]


def notified(actions: list[Action]) -> list[State]:
    """The states that scripts are told of."""
    return [action.state for action in actions if isinstance(action, act.Notify)]


def seconds(value: float) -> int:
    """Seconds as µs."""
    return round(value * SECOND_US)
