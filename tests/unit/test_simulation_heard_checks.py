"""BFD_CHECK and FILE_CHECK in rehearsals: pools go by the director's sessions and files, life after life."""

from __future__ import annotations

from kaltwisted.simulation.history import PoolChanged
from tests.unit.simulation_helpers import instance, pair, rehearsed_ready
from tests.unit.test_simulation_world import WorldCase

KNOWN = "bfd_instance far {\nneighbor_ip 10.9.9.9\n}\ntrack_file door {\nfile /run/door\nweight 0\n}\n"
POOL = (
    "virtual_server 192.168.200.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
    "real_server 10.1.0.1 80 {\nBFD_CHECK {\nname far\n}\n}\n"
    "real_server 10.1.0.2 80 {\nFILE_CHECK {\ntrack_file door\n}\n}\n}\n"
)


class HeardCheckTests(WorldCase):
    def setUp(self) -> None:
        self.make(KNOWN + instance(150) + POOL, instance(100))
        self.world.run(10)

    def pool(self) -> tuple[str, ...]:
        *_, last = self.happened(PoolChanged, "one")
        assert isinstance(last, PoolChanged)
        return last.servers

    def test_a_pool_follows_a_session_and_a_file(self) -> None:
        everybody = self.pool()
        self.assertEqual(len(everybody), 2)
        self.one.session("far", False)
        self.world.run(1)
        self.assertEqual(self.pool(), everybody[1:])
        self.one.file("door", 1)
        self.world.run(1)
        self.assertEqual(self.pool(), ())
        self.one.session("far", True)
        self.one.file("door", 0)
        self.world.run(1)
        self.assertEqual(sorted(self.pool()), sorted(everybody))

    def test_a_file_is_what_it_was_for_the_next_life_and_the_last_one_hears_nothing(self) -> None:
        everybody = self.pool()
        self.one.file("door", 1)
        self.one.crash()
        self.one.file("door", 2)
        self.world.run(1)
        self.one.start()
        self.world.run(5)
        self.assertEqual(self.pool(), everybody[:1])


class ReadyTests(WorldCase):
    def test_what_only_checks_go_by_fails_once_too(self) -> None:
        directors = pair(KNOWN + instance(150) + POOL, KNOWN + instance(100) + POOL)
        for name in ("one-bfd-far-down", "one-file-door-is-1"):
            self.assertTrue(rehearsed_ready(name, directors))
