"""What operators have overridden of real servers, whether these are configured now or not.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kaltwisted.config.identity import GroupName, ServerId
from kaltwisted.lvs.table import DestinationKey, GroupKey, PoolKey, ServiceKey
from kaltwisted.ports import SERVICE_OF_SERVER, WEIGHT_OF_SERVER, Fact, ServiceState

STEER: Final = frozenset({SERVICE_OF_SERVER, WEIGHT_OF_SERVER})
"""The kinds of facts that are steering."""


@attrs.frozen
class Steering:
    """What is overridden of one server.

    ``service``: why it gets no new clients; ``weight``: its weight, whatever configuration and checks say.
    """

    service: ServiceState | None = None
    weight: int | None = None

    @property
    def is_disabled(self) -> bool:
        """It has no place in the table."""
        return self.service is ServiceState.DISABLED

    @property
    def is_drained(self) -> bool:
        """It keeps its connections and gets no others."""
        return self.service is ServiceState.DRAINED

    def weight_of(self, weight: int) -> int:
        """The weight of a server that would have ``weight`` by its configuration and its checks."""
        if self.service is not None:
            return 0
        return weight if self.weight is None else self.weight

    def but_for(self, fact: Fact) -> Steering:
        """With what a fact says in place of what was known of that."""
        if fact.kind == SERVICE_OF_SERVER:
            return attrs.evolve(self, service=None if fact.value is None else ServiceState(fact.value))
        assert fact.kind == WEIGHT_OF_SERVER, fact
        return attrs.evolve(self, weight=fact.value)


UNSTEERED: Final = Steering()
"""Nothing is overridden."""


class Steerings:
    """Those of all pools."""

    def __init__(self) -> None:
        self._pools: dict[PoolKey, dict[DestinationKey, Steering]] = {}

    def of(self, service: PoolKey) -> Mapping[DestinationKey, Steering]:
        """Those of one pool, as they are at any time from now on."""
        return self._pools.setdefault(service, {})

    def learn(self, fact: Fact) -> tuple[PoolKey, DestinationKey]:
        """Know an override, or that it was taken back; whose it is."""
        service, server = keys_of(ServerId.parse(fact.name))
        assert server is not None, fact
        pool = self._pools.setdefault(service, {})
        steering = pool.get(server, UNSTEERED).but_for(fact)
        if steering == UNSTEERED:
            pool.pop(server, None)
        else:
            pool[server] = steering
        return service, server


def keys_of(name: ServerId) -> tuple[PoolKey, DestinationKey | None]:
    """The keys of a server's pool, and of itself."""
    listen = name.listen
    service: PoolKey
    if isinstance(listen, GroupName):
        service = GroupKey(listen.name, name.protocol)
    else:
        service = ServiceKey.of(listen, name.protocol)
    return service, None if name.real is None else DestinationKey(*name.real)
