"""What operators override, as facts that the supervisor tells the roles: kinds, and what values mean.

The names of these facts are servers as ``config.identity`` writes them, instances and sync groups.
A fact without a value (None) is an override that was taken back.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

SERVICE_OF_SERVER: Final = "service_of_server"
"""A real server's share of the clients: a ``ServiceState``."""
WEIGHT_OF_SERVER: Final = "weight_of_server"
"""The weight that a real server has, whatever the configuration and its checks say."""
CHECKS_PAUSED: Final = "checks_paused"
"""1: the checks of a real server, or of all of a virtual server, stand still."""
ELECTION_OF_INSTANCE: Final = "election_of_instance"
"""How a VRRP instance takes part in the election: an ``Election``."""
ELECTION_OF_GROUP: Final = "election_of_group"
"""Likewise all members of a sync group."""


class ServiceState(IntEnum):
    """Why a real server gets no new clients."""

    DISABLED = 0
    """It is out of the table."""
    DRAINED = 1
    """It has weight 0: its connections live on."""


class Election(IntEnum):
    """What an operator wants of an election."""

    YIELD = 0
    """Leave it to any other router that is there."""
    PREFER = 1
    """Win it, and at once."""
