"""Configurations on their way to a role: whole, and by what differs."""

from __future__ import annotations

import os
from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.model import (
    Configuration,
    GlobalDefs,
    RealServer,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
)
from kaltwisted.daemon.role.kinds import CHECKERS, VRRP
from kaltwisted.daemon.role.parcel import in_memory, pack, read_all, unpack

ADDRESSES = st.integers(1, 5).map(lambda number: ip_address(f"10.0.0.{number}"))
SERVERS = st.builds(RealServer, ADDRESSES, st.integers(1, 3), st.integers(0, 3))
SERVICES = st.builds(
    VirtualServer,
    st.builds(VirtualAddress, ADDRESSES, st.just(80)),
    real_servers=st.lists(SERVERS, max_size=4, unique_by=lambda server: (server.address, server.port)).map(
        tuple
    ),
)
INSTANCES = st.builds(VrrpInstance, st.sampled_from("abc"), st.just("eth0"), st.integers(1, 3))
CONFIGURATIONS = st.builds(
    Configuration,
    st.builds(GlobalDefs, st.sampled_from([None, "one", "two"])),
    st.lists(SERVICES, max_size=4, unique_by=lambda service: service.listen).map(tuple),
    vrrp_instances=st.lists(
        INSTANCES, max_size=3, unique_by=(lambda each: each.name, lambda each: each.virtual_router_id)
    ).map(tuple),
)


class ParcelTests(SynchronousTestCase):
    @given(st.lists(CONFIGURATIONS, min_size=2, max_size=4), st.sampled_from([CHECKERS, VRRP]))
    def test_any_succession_of_configurations_arrives(
        self, wanted: list[Configuration], kind: object
    ) -> None:
        assert kind is CHECKERS or kind is VRRP
        ours = kind.part(wanted[0])
        theirs: Configuration = unpack(pack(ours))
        self.assertEqual(theirs, ours)
        for configuration in wanted[1:]:
            changes = kind.part_of(compare(ours, kind.part(configuration)))
            received = unpack(pack(changes, ours), theirs)
            self.assertEqual(received, changes)
            ours, theirs = changes.configuration, received.configuration

    def test_what_is_known_is_not_sent_and_is_the_very_object_at_the_other_end(self) -> None:
        servers = tuple(RealServer(ip_address(f"10.0.{n // 250}.{n % 250}"), 80) for n in range(1000))
        ours = Configuration(
            virtual_servers=(VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80), real_servers=servers),)
        )
        whole = pack(ours)
        theirs = unpack(whole)
        changed = attrs.evolve(
            ours.virtual_servers[0], real_servers=(attrs.evolve(servers[0], weight=5), *servers[1:])
        )
        changes = compare(ours, Configuration(virtual_servers=(changed,)))
        packed = pack(changes, ours)
        self.assertLess(len(packed), len(whole) / 5)
        received = unpack(packed, theirs).configuration.virtual_servers[0].real_servers
        self.assertEqual(received[0].weight, 5)
        for one, other in zip(received[1:], theirs.virtual_servers[0].real_servers[1:], strict=True):
            self.assertIs(one, other)

    def test_a_file_in_memory_is_read_once_by_who_has_its_descriptor(self) -> None:
        descriptor = in_memory(b"secret")
        self.assertFalse(os.get_inheritable(descriptor))
        self.assertEqual(read_all(descriptor), b"secret")
        with self.assertRaises(OSError):
            os.fstat(descriptor)
