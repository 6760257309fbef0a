"""The verdict of ``-t`` beside that of C keepalived 2.2.7, for every keyword that is read.

Where the two differ, the reason stands here; a difference that is no more must be taken out.
"""

from __future__ import annotations

import re

import pytest

from kaltwisted.config.load import load_text
from tests.network import keepalived_verdicts
from tests.unit.config_cases import AROUND, CASES

pytestmark = pytest.mark.network

# So that keepalived has nothing to say of scripts but what is said of their keywords.
TRUSTED = "global_defs {\n    script_user root\n    enable_script_security\n}\n"

_ALL_RIGHT = "(?:bare|right .*|one word too many|twice)"
_CHECKS = "(?:TCP_CHECK|HTTP_GET|SSL_GET|MISC_CHECK|SMTP_CHECK|PING_CHECK|UDP_CHECK|DNS_CHECK|host)"
_CONNECTING = _CHECKS.replace("MISC_CHECK|", "")
_SCRIPTS = "(?:(?:vrrp_|lvs_)?notify(?:_\\w+)?|quorum_(?:up|down)|script|misc_path)"

# By reason: patterns of names of cases.
DIFFERENT: dict[str, tuple[str, ...]] = {
    "2.2.7 does not know it, 2.4.3 does": (
        f".* (?:json_version|(?:state|stats|json)_dump_file): (?:missing|{_ALL_RIGHT})",
        f"vrrp_instance (?:timer_expired_backup|thread_timer_expired): {_ALL_RIGHT}",
        f"global_defs vrrp_delay_after_boot: (?:missing|{_ALL_RIGHT})",
        f".* sni_name: {_ALL_RIGHT}",
        f"(?:SSL_GET|url) tls_compliant: {_ALL_RIGHT}",
        "global_defs include_check: (?:right (?:all|none)|twice)",
        f"vrrp_instance no_virtual_ipaddress: {_ALL_RIGHT}",
        f".* (?:vrrp_)?owner_ignore_adverts: {_ALL_RIGHT}",
        r"vrrp_instance use_vmac: right name vrrp\.51",
        f"vrrp_instance (?:old_unicast_checksum|native_ipv6): {_ALL_RIGHT}",
        f".* v3_checksum_as_v2: {_ALL_RIGHT}",
        f"bfd_instance multihop: {_ALL_RIGHT}",
        f"auth_hmac \\w+: (?:missing|{_ALL_RIGHT})",
        "vrrp_instance auth_hmac: (?:right|brace on a line of its own|one word too many)",
        # Whole seconds, up to 4294.
        f"vrrp_script (?:interval|timeout): {_ALL_RIGHT}",
    ),
    "2.2.7 takes more than 2.4.3 does": (
        rf"(?:virtual_server|real_server|{_CHECKS}) (?:delay_loop|delay_before_retry|warmup): wrong «4295",
        r".* (?:vrrp_)?garp_master_refresh: wrong «4295",
    ),
    "a keyword of ours": (
        rf"SSL_GET tls_(?:verify|ca_file): {_ALL_RIGHT}",
        rf"global_defs api_\w+: {_ALL_RIGHT}",
        "(?:vrrp_instance|vrrp_sync_group) track_virtual_server: (?:right|brace on a line of its own)",
    ),
    "a word of the 2002 guide, accepted": (
        f"global_defs lvs_id: {_ALL_RIGHT}",
        f".* (?:smtp_connection_timeout|lvs_sync_daemon_inteface): (?:missing|{_ALL_RIGHT})",
        f".* (?:lvs_sync_daemon_interface|nb_get_retry): {_ALL_RIGHT}",
        "virtual_server lb_algo: wrong «lbhc",
    ),
    "one interface twice in one group does no harm": ("garp_group interface: twice",),
    "said twice the last one counts, as there, and ours warns": (r"SSL \w+: twice",),
    "a word too many, of which ours warns": (".* (?:vrrp_)?garp_extra_if: one word too many",),
    "keepalived's old word, accepted": (
        f"vrrp_instance linkbeat_use_polling: {_ALL_RIGHT}",
        f".* (?:global_tracking|(?:vrrp_)?vmac_garp_intvl|vrrp_vmac_garp_intvl): {_ALL_RIGHT}",
    ),
    "what was closed too early is put where it belongs, with a warning": (
        "global_defs notification_email: in top level",
    ),
    "keepalived reads over it in silence; what is written is not what would be done": (
        # An empty word is 0 to keepalived, where 0 is allowed.
        r'global_defs (?:max_auto_priority|(?:vrrp|checker|bfd)_(?:priority|cpu_affinity)): wrong «""',
        r'.* (?:vrrp_)?garp_(?:master_delay|master_refresh|lower_prio_delay|lower_prio_repeat): wrong «""',
        r' instance: wrong «(?:a/b|\.\.|"")',
        r'(?:virtual_server|real_server) (?:delay_before_retry|warmup): wrong «""',
        r'virtual_server hysteresis: wrong «""',
        r'real_server (?:weight|uthreshold|lthreshold): wrong «""',
        rf'{_CHECKS} (?:retry|delay_before_retry|warmup): wrong «""',
        rf'{_CONNECTING} fwmark: wrong «""',
        r'MISC_CHECK misc_timeout: wrong «""',
        r'FILE_CHECK weight: wrong «""',
        r'UDP_CHECK (?:min|max)_reply_length: wrong «""',
        r'(?:vrrp_(?:script|track_process|track_file)|bfd_instance) weight: wrong «""',
        r'bfd_instance max_hops: wrong «""',
        r'garp_group (?:garp|gna)_interval: wrong «(?:""|\.)',
        r'vrrp_instance garp_extra_if: wrong «""',
        r'global_defs nftables_priority: wrong «""',
        r'global_defs lvs_sync_daemon: wrong «""',
        r'global_defs vmac_(?:addr_)?prefix: wrong «(?:longestthat|a/b|"")',
        r"vrrp_instance use_ipvlan: wrong 10\.0\.0\.5 «(?:a/b|group)",
        r'vrrp_track_process quorum_max: wrong «""',
        r'vrrp_instance (?:unicast_ttl|kernel_rx_buf_size): wrong «""',
        r'global_defs (?:vrrp_rx_bufs_policy|\w+_rcv_bufs): wrong «""',
        r'vrrp_instance preempt_delay: wrong «(?:""|\.)',
        r'authentication auth_pass: wrong «""',
        rf"(?:virtual_server|real_server|{_CHECKS}) (?:delay_before_retry|warmup): wrong «\.",
        # Anything is yes.
        r"global_defs (?:vrrp_skip_check_adv_addr|vrrp_strict|fifo_write_vrrp_states_on_reload): wrong .*",
        r"virtual_server persistence_granularity: wrong «(?:255\.0\.255\.0|0\.0\.0\.0|129|0)",
        r"virtual_server sorry_server: wrong 10\.0\.0\.3 «0",
        r".* (?:connect_ip|bindto|(?:unicast|mcast)_src_ip|neighbou?r_ip|source_ip): wrong «10\.0\.0\.7/24",
        rf".* {_SCRIPTS}: wrong /bin/true (?:«-x|root «/etc)",
        r"DNS_CHECK name: wrong «a{64}",
        r"global_defs smtp_helo_name: missing",
        r"vrrp_sync_group track_(?!virtual_server)\w+: without a block",
        r"url (?:status_code|regex): missing",
    ),
    "keepalived ends as at a missing parameter; here it is one mistake among others": (
        r" virtual_server_group: (?:without a block|one word too many)",
    ),
    "Debian's is built without regex": (r"url regex: wrong .*",),
    "keepalived 2.2.7 dies of a segmentation fault": (
        r"real_server (?:HTTP|SSL)_GET: without a block",
        r"(?:HTTP|SSL)_GET url: (?:without a block|in capitals)",
        r"url path: (?:in capitals|misspelt)",
        r"bfd_instance neighbou?r_ip: missing",
        r"""(?:vrrp_script script|MISC_CHECK misc_path): wrong «["']/bin/true""",
    ),
}
_REASONS = {re.compile(pattern): why for why, patterns in DIFFERENT.items() for pattern in patterns}


def reason(name: str) -> str | None:
    """Why a case is expected to differ."""
    return next((why for pattern, why in _REASONS.items() if pattern.fullmatch(name)), None)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Exit status of ``keepalived -t`` by the name of the case."""
    texts = {case.name: TRUSTED + case.plain for case in CASES}
    return keepalived_verdicts.of_texts(tmp_path_factory.mktemp("each"), texts)


@pytest.mark.parametrize("block", AROUND)
def test_verdict_is_keepalived_s(block: str, verdicts: dict[str, int]) -> None:
    ours = {
        case.name: load_text(TRUSTED + case.plain, "x.conf").exit_status
        for case in CASES
        if case.block == block
    }
    differ = {name: (verdicts[name], status) for name, status in ours.items() if verdicts[name] != status}
    unexplained = [f"{name}: theirs and ours {both}" for name, both in differ.items() if not reason(name)]
    no_more = [
        f"{name} differs no more: {why}" for name in ours if name not in differ and (why := reason(name))
    ]
    assert not unexplained + no_more, "\n".join(unexplained + no_more)


@pytest.mark.parametrize("pattern", [pattern.pattern for pattern in _REASONS])
def test_every_reason_is_of_some_case(pattern: str) -> None:
    assert any(re.fullmatch(pattern, case.name) for case in CASES)
