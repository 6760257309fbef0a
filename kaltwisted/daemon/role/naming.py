"""What our processes are called where processes are listed: ``keepalived``, unless the configuration says.

The name is the kernel's (``comm``), which ``pgrep -x keepalived``, ``pidof
keepalived``, ``killall`` and ``ps -C`` go by: monitoring that looks for
keepalived finds us, though the program is a Python interpreter.
"""

from __future__ import annotations

from kaltwisted.config.model import GlobalDefs
from kaltwisted.daemon.role.libc import prctl

PLAIN = "keepalived"
# ``process_names``: keepalived 2.2.7's, of which the balancer's is "lvs".
_APART = {"vrrp": "keepalived_vrrp", "checker": "keepalived_lvs", "bfd": "keepalived_bfd"}
_PR_SET_NAME = 15
# TASK_COMM_LEN without the zero at its end; the kernel cuts off the rest.
_LONGEST = 15


def parent_name(global_defs: GlobalDefs) -> str:
    """The first process's."""
    return global_defs.process_name or PLAIN


def role_name(global_defs: GlobalDefs, role: str) -> str:
    """That of the process of a role, ``vrrp``, ``checker`` or ``bfd``; keywords count as with keepalived."""
    settings = {
        "vrrp": global_defs.vrrp_process,
        "checker": global_defs.checker_process,
        "bfd": global_defs.bfd_process,
    }[role]
    if settings.process_name:
        return settings.process_name
    return _APART[role] if global_defs.process_names else parent_name(global_defs)


def name_process(name: str) -> None:
    """Call the present process so; to be done by its main thread.  A system without names is left alone."""
    try:
        prctl(_PR_SET_NAME, name.encode(errors="surrogateescape")[:_LONGEST])
    except OSError:
        pass
