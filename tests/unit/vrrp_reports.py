"""What the tests of VRRP's reports share: instances that run, with all that reports are made of."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from kaltwisted.config.model import (
    SECOND_US,
    Configuration,
    Script,
    VrrpInstance,
    VrrpScript,
)
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.announce import Paces
from kaltwisted.vrrp.group import Router
from kaltwisted.vrrp.packet import Expected
from kaltwisted.vrrp.report import data
from kaltwisted.vrrp.report_json import json_document
from kaltwisted.vrrp.report_words import Interface, Topology
from kaltwisted.vrrp.track import ScriptState
from tests.unit.vrrp_helpers import OURS, VIP

EPOCH_US = 1_795_532_429_000_000
NOTIFY = {"notify": Script(("/bin/n", "a/b")), "notify_master": Script(("/bin/m",), "nobody")}
GROUP = packet.IPV4_GROUP


class Running:
    """A configuration's instances after their start, with all that reports are made of."""

    def __init__(
        self, *instances: VrrpInstance, scripts: tuple[VrrpScript, ...] = (), groups: Any = ()
    ) -> None:
        configuration = Configuration(
            vrrp_instances=instances, vrrp_scripts=scripts, vrrp_sync_groups=tuple(groups)
        )
        self.router = Router.from_configuration(configuration)
        self.now = 5 * SECOND_US
        self.interfaces: tuple[Interface, ...] = ()
        self.scripts = tuple(map(ScriptState, scripts))
        self.tell(ev.SourceChanged(ip_address(OURS)))
        self.tell(ev.Start())

    def tell(self, event: ev.Event, name: str | None = None) -> None:
        if name is None:
            self.router.broadcast(event, self.now)
        else:
            self.router.handle(name, event, self.now)

    def become_master(self, name: str = "X") -> None:
        timers = {timer.which: timer for timer in self.router.instances[name].running_timers()}
        timer = timers[TimerName.MASTER_DOWN]
        self.now = timer.at
        self.tell(ev.TimerExpired(timer.which, timer.generation), name)

    def hear(self, priority: int, version: int = 2, interval_us: int = SECOND_US) -> None:
        source = ip_address("10.0.0.9").packed
        settings = Expected(51, version, interval_us)
        message = packet.encode(settings, priority, VIP.address.packed, source, GROUP)
        self.tell(ev.PacketReceived(packet.ipv4_packet(message, source, GROUP, 1)))

    @property
    def topology(self) -> Topology:
        return Topology(
            router=self.router,
            scripts=self.scripts,
            interfaces=self.interfaces,
            stands=lambda name, vip: self.router.instances[name].state is State.MASTER,
            owner=lambda script: "0:0" if script is None or script.user is None else "65534:65534",
            vrf_table=lambda name: None,
            epoch_us=EPOCH_US,
        )

    @property
    def lines(self) -> list[str]:
        return list(data(self.topology, Paces()))

    def document(self, version: int = 1) -> Any:
        return json.loads("".join(json_document(self.topology, version)))
