"""The kinds of advice: names that stay, what each says, and why one would want to know.

An operator filters by these names; docs/advice.md lists them.
"""

from __future__ import annotations

from typing import Final

from kaltwisted.config.findings import Rule, Severity

_ADVICE, _WARNING = Severity.ADVICE, Severity.WARNING


def _kind(id_: str, severity: Severity, brief: str, full: str) -> Rule:
    return Rule(id_, "".join(map(str.title, id_.split("-"))), severity, brief, full)


# --- LVS ---------------------------------------------------------------------------------

UNREACHABLE_QUORUM: Final = _kind(
    "unreachable-quorum",
    _WARNING,
    "A quorum that all servers together do not reach",
    "A quorum that was lost is gained with `quorum` and `hysteresis` together. Where all weights are"
    " less, the sorry server answers for ever.",
)
UNCHECKED_SERVER: Final = _kind(
    "unchecked-server",
    _ADVICE,
    "A real server without a check",
    "It is never down to the director, so that clients are sent to it when it is dead, and a sorry server"
    " may never get its turn.",
)
SORRY_IN_POOL: Final = _kind(
    "sorry-in-pool",
    _WARNING,
    "A sorry server that is one of the servers it stands in for",
    "It stands in when all servers are down, and then it is down itself.",
)
SLOW_CHECK: Final = _kind(
    "slow-check",
    _ADVICE,
    "A check that may take longer than the time to the next one",
    "While a server does not answer, it is asked as often as the time limit of one attempt allows, which is"
    " less often than `delay_loop` says.",
)
SAME_CHECK: Final = _kind(
    "same-check",
    _WARNING,
    "The same check, or the same url, twice",
    "The second asks what the first has asked. One url with two digests can never be good.",
)
UNHELD_ADDRESS: Final = _kind(
    "unheld-address",
    _ADVICE,
    "A virtual_server on an address that no vrrp_instance holds",
    "Other addresses move to the director that works, and this one would stay where it is, or be nowhere.",
)

# --- VRRP --------------------------------------------------------------------------------

CLAMPED_PRIORITY: Final = _kind(
    "clamped-priority",
    _ADVICE,
    "Weights that lift a priority above 254",
    "254 is the highest priority that weights can make; what is above is cut off, and with it what a failure"
    " was to take away.",
)
UNTRACKED_SCRIPT: Final = _kind(
    "untracked-script",
    _ADVICE,
    "A vrrp_script that no instance tracks",
    "Its result changes nothing: it takes a line in `track_script`.",
)
SLOW_SCRIPT: Final = _kind(
    "slow-script",
    _ADVICE,
    "A vrrp_script that notices late",
    "A run longer than `interval` holds up the next one; and `interval` times `fall` is how long a failure"
    " stays unnoticed, when a dead director is noticed within seconds.",
)
OWN_PEER: Final = _kind(
    "own-peer",
    _WARNING,
    "A unicast_peer that is this router itself",
    "`unicast_peer` names the other routers; `unicast_src_ip` is not among them.",
)
SHARED_ADDRESS: Final = _kind(
    "shared-address",
    _WARNING,
    "One virtual address in two instances",
    "When one of them becomes backup it takes the address away from the other, which is master.",
)
MIXED_GROUP: Final = _kind(
    "mixed-group",
    _ADVICE,
    "Members of a sync group that authenticate in different ways",
    "They change together, so the weakest of them decides about all.",
)
FIRST_ADDRESS: Final = _kind(
    "first-address",
    _ADVICE,
    "An IPv6 virtual router whose first address is not link-local",
    "keepalived takes its adverts, as do we. The RFC has a link-local address come first, so that another"
    " maker's router may not; and who is to have the virtual router for a gateway needs one.",
)
WEAK_KEY: Final = _kind(
    "weak-key",
    _WARNING,
    "A key of auth_hmac that can be guessed",
    "Who hears one advert can try keys on it for as long as he likes. 32 random bytes are beyond that.",
)
HMAC_VERSION: Final = _kind(
    "hmac-version",
    _ADVICE,
    "auth_hmac with VRRP version 2",
    "keepalived 2.4 does it, as do we. The published Internet-Draft has it for version 3 alone, so that"
    " another maker's router may not.",
)
FOREIGN_ADDRESS: Final = _kind(
    "foreign-address",
    _ADVICE,
    "A virtual address outside all networks of its interface",
    "Neighbours on that interface look for it behind their router. Often `dev` is missing, or a"
    " digit is wrong.",
)

# --- two directors -----------------------------------------------------------------------

PEER_PRIORITY: Final = _kind(
    "peer-priority",
    _WARNING,
    "Two directors with one priority",
    "Who becomes master is left to their addresses, and with it to chance.",
)
PEER_STATE: Final = _kind(
    "peer-state",
    _ADVICE,
    "Two directors that are both to begin as MASTER",
    "The priority alone decides; `state MASTER` on both only takes `nopreempt` and `preempt_delay` away.",
)
PEER_AUTHENTICATION: Final = _kind(
    "peer-authentication",
    _WARNING,
    "Two directors that authenticate differently",
    "Each drops the other's adverts, and both become master.",
)
PEER_VERSION: Final = _kind(
    "peer-version",
    _WARNING,
    "Two directors with different versions of VRRP",
    "Each drops the other's adverts, and both become master.",
)
PEER_INTERVAL: Final = _kind(
    "peer-interval",
    _WARNING,
    "Two directors with different advert_int",
    "Version 2 asks for the same on all routers: adverts with another interval are dropped, and both become"
    " master.",
)
PEER_ADDRESSES: Final = _kind(
    "peer-addresses",
    _WARNING,
    "Two directors with different virtual addresses",
    "What only one of them has is gone when the other is master, and adverts with other addresses may be"
    " dropped.",
)
PEER_UNICAST: Final = _kind(
    "peer-unicast",
    _WARNING,
    "A director that does not send its adverts to the other",
    "The other never hears it, and becomes master beside it.",
)
PEER_GROUP: Final = _kind(
    "peer-group",
    _WARNING,
    "Two directors whose sync groups have different members",
    "What moves together on one would stay apart on the other.",
)
PEER_WEIGHT: Final = _kind(
    "peer-weight",
    _WARNING,
    "Weights too small to hand over",
    "With everything failed that it tracks, the master's priority is still not below the backup's: the backup"
    " takes over only from a lower one.",
)
PEER_NOPREEMPT: Final = _kind(
    "peer-nopreempt",
    _WARNING,
    "Weights on one director, nopreempt on the other",
    "With `nopreempt` a backup does not mind the master's priority, so weights never hand over to it. Without"
    " a weight a failure means FAULT, and that does.",
)
PEER_NAME: Final = _kind(
    "peer-name",
    _ADVICE,
    "Two directors with one router_id",
    "It stands in the subject of their mails, which are to tell who writes.",
)

# --- the rest ----------------------------------------------------------------------------

UNSENT_MAIL: Final = _kind(
    "unsent-mail",
    _ADVICE,
    "Mail that nobody sends or nobody gets",
    "It takes `notification_email`, `smtp_server`, and something that has `smtp_alert`.",
)
SHELL_WORDS: Final = _kind(
    "shell-words",
    _WARNING,
    "A command that needs a shell, which it does not get",
    "Commands run without a shell: `|`, `>`, `&&` and `;` are handed to the program as arguments. Put"
    " them into a script of its own.",
)
READABLE_SECRET: Final = _kind(
    "readable-secret",
    _WARNING,
    "A password in a file that others can read or change",
    "Whoever knows it can send adverts in the directors' name. Only root, and who runs the daemon,"
    " need read it.",
)

KINDS: Final = tuple(kind for kind in list(globals().values()) if isinstance(kind, Rule))
