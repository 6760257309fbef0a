"""Reloads of any kind, one after the other, in a kernel that takes its time, while things happen.

Whatever was, in the end every virtual router of the last configuration is master where nobody else is
there, has its addresses and no others, and is heard.
"""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from kaltwisted.config.model import (
    SECOND_US,
    Configuration,
    Tracked,
    TrackFile,
    VirtualIpAddress,
    Vmac,
    VrrpSyncGroup,
)
from kaltwisted.ports import LinkAddress
from kaltwisted.testing.files import FakeWatchedFiles
from kaltwisted.vrrp.actions import State
from tests.unit.test_vrrp_service import ETH0, ETH1, OWN, OWN1, World, advert
from tests.unit.vrrp_helpers import config

_NAMES = "ABCDEF"
_VRIDS = range(1, 5)
_ADDRESSES = tuple(ip_address(f"10.0.0.{number}") for number in range(100, 110))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Up to four virtual routers, whose names, VRIDs and addresses change hands."""
    names = draw(st.permutations(_NAMES))
    addresses = iter(draw(st.permutations(_ADDRESSES)))
    vrids = draw(st.lists(st.sampled_from(_VRIDS), min_size=2, max_size=4, unique=True))
    instances = tuple(
        config(
            name=names[number],
            virtual_router_id=vrid,
            # Most keep their place, and so are the same router under whatever name.
            interface=draw(st.sampled_from(("eth0", "eth0", "eth0", "eth1"))),
            priority=draw(st.sampled_from((100, 200, 255))),
            version=draw(st.sampled_from((2, 3))),
            advert_int_us=draw(st.sampled_from((1, 2))) * SECOND_US,
            virtual_ipaddress=tuple(
                VirtualIpAddress(next(addresses), draw(st.sampled_from((24, 32))))
                for _ in range(draw(st.integers(1, 2)))
            ),
            use_vmac=draw(st.sampled_from((None, None, None, Vmac()))),
            track_interface=draw(st.sampled_from(((), (Tracked("eth1"),)))),
            track_file=draw(st.sampled_from(((), (Tracked("f"),)))),
        )
        for number, vrid in enumerate(vrids)
    )
    members = draw(st.lists(st.sampled_from([each.name for each in instances]), unique=True))
    groups = (VrrpSyncGroup("G", tuple(members)),) if members else ()
    file = TrackFile("f", draw(st.sampled_from(("/a", "/b"))), weight=draw(st.sampled_from((0, 1))))
    return Configuration(vrrp_instances=instances, vrrp_sync_groups=groups, track_files=(file,))


class ReloadAtRandomTests(World):
    @settings(max_examples=120, deadline=None)
    @given(configurations(), st.data())
    def test_in_the_end_all_is_as_configured(self, first: Configuration, data: st.DataObject) -> None:
        self.files = self.contents = FakeWatchedFiles()
        self.start(
            *first.vrrp_instances, vrrp_sync_groups=first.vrrp_sync_groups, track_files=first.track_files
        )
        last = first
        for _ in range(data.draw(st.integers(1, 4))):
            self.hold(data)
            last = data.draw(configurations())
            reloading = Deferred.fromCoroutine(self.service.reconfigure(last))
            self.settle()
            for _ in range(data.draw(st.integers(0, 3))):
                self.happen(data)
            self.release()
            self.successResultOf(reloading)
        for link in (ETH0, ETH1):
            self.links.change(link)
        self.write(b"0")
        self.wait(45)
        self.compare(last)
        self.stop()

    # -- what happens -----------------------------------------------------------------------

    def hold(self, data: st.DataObject) -> None:
        """The kernel is slow with some of what it is asked."""
        for adapter in (self.addresses, self.virtual_links, self.routing):
            adapter.held = data.draw(st.booleans())

    def release(self) -> None:
        """It has done all of it."""
        for adapter in (self.addresses, self.virtual_links, self.routing):
            adapter.held = False
        waiting = self.virtual_links.waiting + self.routing.waiting
        self.virtual_links.waiting, self.routing.waiting = [], []
        for each in waiting:
            each.callback(None)
        for _ in range(3):
            self.addresses.finish()
            self.settle()

    def happen(self, data: st.DataObject) -> None:
        """Time passes, or something changes around us."""
        what = data.draw(st.sampled_from(("time", "link", "address", "file", "advert")))
        if what == "time":
            self.wait(data.draw(st.sampled_from((0.5, 4.0))))
        elif what == "link":
            link = data.draw(st.sampled_from((ETH0, ETH1)))
            self.links.change(attrs.evolve(link, up=data.draw(st.booleans())))
        elif what == "address":
            for there in self.virtual_addresses():
                self.links.vanish(there)
        elif what == "file":
            self.write(data.draw(st.sampled_from((b"0", b"7"))))
        else:
            packet = advert(data.draw(st.sampled_from((0, 50, 254))), data.draw(st.sampled_from(_VRIDS)))
            for port in [each for each in self.wire.ports.values() if not each.closed]:
                port.receive(packet, 0)
        self.settle()

    def write(self, content: bytes) -> None:
        for path in ("/a", "/b"):
            self.contents.write(path, content)

    # -- how it is --------------------------------------------------------------------------

    def virtual_addresses(self) -> list[LinkAddress]:
        """All but the host's own; interfaces of virtual MACs have numbers from 100."""
        every = [each for index in (2, 3, *range(100, 200)) for each in self.links.addresses(index)]
        return [each for each in every if each not in (OWN, OWN1)]

    def compare(self, configuration: Configuration) -> None:
        """Everybody is what it is configured to be, and says so."""
        wanted = configuration.vrrp_instances
        states = {name: each.state for name, each in self.service.router.instances.items()}
        self.assertEqual(states, {each.name: State.MASTER for each in wanted})
        self.assertEqual(
            sorted((each.address, each.prefix) for each in self.virtual_addresses()),
            sorted((vip.address, vip.prefix) for each in wanted for vip in each.virtual_ipaddress),
        )
        for port in self.wire.ports.values():
            port.sent.clear()
        self.wait(2.1)
        heard = {sent[21] for port in self.wire.ports.values() for sent, _ in port.sent}
        self.assertEqual(heard, {each.virtual_router_id for each in wanted})
        self.assertEqual(self.flushLoggedErrors(), [])
