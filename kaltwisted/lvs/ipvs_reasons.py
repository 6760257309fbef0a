"""Why the kernel's IPVS refused something, in words.  Pure."""

from __future__ import annotations

import errno

from kaltwisted.config.model import Forwarding
from kaltwisted.kernel.messages import NetlinkError
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Service,
    SetDestination,
    SetService,
    Step,
)


def describe(step: Step) -> str:
    """A step in words: ``add service [10.0.0.1]:tcp:80``."""
    match step:
        case AddService(service):
            return f"add service {service.key}"
        case SetService(service):
            return f"set service {service.key}"
        case DeleteService(key):
            return f"delete service {key}"
        case AddDestination(service=key, destination=destination):
            return f"add destination {destination.key} to {key}"
        case SetDestination(service=key, destination=destination):
            return f"set destination {destination.key} of {key}"
        case DeleteDestination(service=key, key=destination_key):
            return f"delete destination {destination_key} of {key}"


def is_surprise(step: Step, error: NetlinkError) -> bool:
    """Whether the refusal only means that the table is not as we believed.

    Somebody else added or deleted it before us, or an answer was lost: looking
    again tells what is left to do.
    """
    if error.answer_lost:
        return True
    match step, error.errno:
        case AddService() | AddDestination(), errno.EEXIST:
            return True
        case _, errno.ESRCH:  # no such service
            return True
        case SetDestination() | DeleteDestination(), errno.ENOENT:
            return True
    return False


def reason(step: Step, error: NetlinkError) -> str:
    """Why the step was refused, for the log."""
    match step, error.errno:
        case AddService(service) | SetService(service), errno.ENOENT:
            return _unknown_module(service)
        case AddDestination(service=key, destination=destination) | SetDestination(
            service=key, destination=destination
        ), errno.EINVAL if (
            destination.key.address.version == 6
        ) != key.ipv6 and destination.forwarding.method is not Forwarding.TUN:
            return "a real server of the other address family is reached by lb_kind TUN only"
        case AddDestination(destination=destination) | SetDestination(destination=destination), errno.ERANGE:
            if destination.lthreshold > destination.uthreshold:
                return f"lthreshold {destination.lthreshold} is above uthreshold {destination.uthreshold}"
            return f"weight {destination.weight} is out of range"
        case _, errno.EPERM:
            return "not permitted: the daemon needs CAP_NET_ADMIN"
        case _, errno.ENOMEM | errno.ENOBUFS:
            return "the kernel is out of memory"
    return str(NetlinkError(error.errno, message=error.message))


def _unknown_module(service: Service) -> str:
    """ENOENT stands for the scheduler and for the persistence engine alike."""
    missing = f"no scheduler '{service.scheduler}'"
    if service.persistence_engine:
        missing += f" or no persistence engine '{service.persistence_engine}'"
    return f"{missing} in this kernel"
