" keepalived.conf, made from the keyword tables by `make keywords`.
if exists("b:current_syntax") | finish | endif
syntax case match
syntax sync fromstart

syntax match ka_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ nextgroup=kaRest,kaSkipped
highlight default link ka_Unknown kaUnknown
syntax match ka_Keyword /\%(instance\|use_pid_dir\|linkbeat_use_polling\|net_namespace\|net_namespace_ipvs\|namespace_with_ipsets\|child_wait_time\)\%([[:space:]{}\"#!]\|$\)\@=/ nextgroup=kaRest,kaSkipped
highlight default link ka_Keyword kaKeyword
syntax region ka_global_defs matchgroup=kaBlock start=/\%(global_defs\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_global_defs
syntax region ka_virtual_server matchgroup=kaBlock start=/\%(virtual_server\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_virtual_server
syntax region ka_virtual_server_group matchgroup=kaBlock start=/\%(virtual_server_group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_virtual_server_group
syntax region ka_vrrp_instance matchgroup=kaBlock start=/\%(vrrp_instance\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_instance
syntax region ka_vrrp_script matchgroup=kaBlock start=/\%(vrrp_script\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_script
syntax region ka_vrrp_sync_group matchgroup=kaBlock start=/\%(vrrp_sync_group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_sync_group
syntax region ka_vrrp_track_process matchgroup=kaBlock start=/\%(vrrp_track_process\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_track_process
syntax region ka_track_file matchgroup=kaBlock start=/\%(track_file\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_track_file
syntax region ka_vrrp_track_file matchgroup=kaObsolete start=/\%(vrrp_track_file\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_track_file
syntax region ka_vrrip_instance matchgroup=kaObsolete start=/\%(vrrip_instance\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_instance
syntax region ka_vrrip_sync_group matchgroup=kaObsolete start=/\%(vrrip_sync_group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_vrrp_sync_group
syntax region ka_bfd_instance matchgroup=kaBlock start=/\%(bfd_instance\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_bfd_instance
syntax region ka_garp_group matchgroup=kaBlock start=/\%(garp_group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_garp_group
syntax region ka_track_group matchgroup=kaBlock start=/\%(track_group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_track_group
syntax region ka_SSL matchgroup=kaBlock start=/\%(SSL\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_SSL
syntax region ka_static_ipaddress matchgroup=kaBlock start=/\%(static_ipaddress\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_static_ipaddress
syntax region ka_static_routes matchgroup=kaBlock start=/\%(static_routes\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_static_routes
syntax region ka_static_rules matchgroup=kaBlock start=/\%(static_rules\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_static_rules
syntax region ka_interface_up_down_delays matchgroup=kaBlock start=/\%(interface_up_down_delays\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_interface_up_down_delays
syntax region ka_linkbeat_interfaces matchgroup=kaBlock start=/\%(linkbeat_interfaces\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ fold transparent contains=@ka_linkbeat_interfaces
syntax cluster ka contains=kaComment,kaDirective,kaUse,ka_Unknown,ka_Keyword,ka_global_defs,ka_virtual_server,ka_virtual_server_group,ka_vrrp_instance,ka_vrrp_script,ka_vrrp_sync_group,ka_vrrp_track_process,ka_track_file,ka_vrrp_track_file,ka_vrrip_instance,ka_vrrip_sync_group,ka_bfd_instance,ka_garp_group,ka_track_group,ka_SSL,ka_static_ipaddress,ka_static_routes,ka_static_rules,ka_interface_up_down_delays,ka_linkbeat_interfaces

syntax match ka_global_defs_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_global_defs_Unknown kaUnknown
syntax match ka_global_defs_Keyword /\%(router_id\|notification_email_from\|smtp_server\|smtp_connect_timeout\|smtp_helo_name\|smtp_alert\|smtp_alert_checker\|smtp_alert_vrrp\|no_checker_emails\|no_email_faults\|disable_local_igmp\|log_unknown_vrids\|checker_log_all_failures\|rs_init_notifies\|script_user\|enable_script_security\|dynamic_interfaces\|vrrp_version\|default_interface\|notify_fifo\|notify_fifo_script\|vrrp_notify_fifo\|vrrp_notify_fifo_script\|lvs_notify_fifo\|lvs_notify_fifo_script\|fifo_write_vrrp_states_on_reload\|vrrp_startup_delay\|vrrp_delay_after_boot\|vmac_prefix\|vmac_addr_prefix\|include_check\|vrrp_garp_master_delay\|vrrp_garp_master_repeat\|vrrp_garp_master_refresh\|vrrp_garp_master_refresh_repeat\|vrrp_garp_lower_prio_delay\|vrrp_garp_lower_prio_repeat\|vrrp_lower_prio_no_advert\|vrrp_higher_prio_send_advert\|vrrp_down_timer_adverts\|vrrp_check_unicast_src\|vrrp_skip_check_adv_addr\|vrrp_owner_ignore_adverts\|vrrp_notify_priority_changes\|v3_checksum_as_v2\|vrrp_strict\|vrrp_mcast_group4\|vrrp_mcast_group6\|vrrp_min_garp\|vrrp_garp_extra_if\|vrrp_garp_interval\|vrrp_gna_interval\|vrrp_netlink_cmd_rcv_bufs\|vrrp_netlink_cmd_rcv_bufs_force\|vrrp_netlink_monitor_rcv_bufs\|vrrp_netlink_monitor_rcv_bufs_force\|process_monitor_rcv_bufs\|process_monitor_rcv_bufs_force\|vrrp_rx_bufs_policy\|vrrp_rx_bufs_multiplier\|nftables\|nftables_priority\|nftables_counters\|vrrp_priority\|vrrp_no_swap\|vrrp_rt_priority\|vrrp_cpu_affinity\|vrrp_rlimit_rttime\|vrrp_process_name\|checker_priority\|checker_no_swap\|checker_rt_priority\|checker_cpu_affinity\|checker_rlimit_rttime\|checker_process_name\|bfd_priority\|bfd_no_swap\|bfd_rt_priority\|bfd_cpu_affinity\|bfd_rlimit_rttime\|bfd_process_name\|process_names\|process_name\|max_auto_priority\|min_auto_priority_delay\|umask\|json_version\|state_dump_file\|stats_dump_file\|json_dump_file\|reload_check_config\|startup_script\|startup_script_timeout\|shutdown_script\|shutdown_script_timeout\|data_use_instance\|lvs_flush\|lvs_flush_on_stop\|lvs_sync_daemon\|lvs_timeouts\|api_listen\|api_certificate\|api_key\|api_tokens\|api_public\|api_names\|use_symlink_paths\|set_supplementary_groups\|vrrp_iptables\|vrrp_ipsets\|nftables_ifindex\|nftables_ipvs\|nftables_ipvs_priority\|nftables_ipvs_start_fwmark\|snmp_socket\|enable_traps\|enable_snmp_vrrp\|enable_snmp_keepalived\|enable_snmp_rfc\|enable_snmp_rfcv2\|enable_snmp_rfcv3\|enable_snmp_checker\|snmp_vs_stats_update_interval\|snmp_rs_stats_update_interval\|enable_dbus\|dbus_service_name\|dbus_no_interface_name\|lvs_netlink_cmd_rcv_bufs\|lvs_netlink_cmd_rcv_bufs_force\|lvs_netlink_monitor_rcv_bufs\|lvs_netlink_monitor_rcv_bufs_force\|random_seed\|reload_time_file\|reload_repeat\|reload_file\|config_save_dir\|tmp_config_directory\|iproute_usr_dir\|iproute_etc_dir\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_global_defs_Keyword kaKeyword
syntax match ka_global_defs_Obsolete /\%(lvs_id\|smtp_connection_timeout\|vrrp_vmac_garp_intvl\|vrrp_rlimit_rtime\|checker_rlimit_rtime\|bfd_rlimit_rtime\|lvs_process_name\|lvs_flush_onstop\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_global_defs_Obsolete kaObsolete
syntax region ka_global_defs_notification_email matchgroup=kaBlock start=/\%(notification_email\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_global_defs_notification_email
syntax cluster ka_global_defs contains=kaComment,kaDirective,kaUse,ka_global_defs_Unknown,ka_global_defs_Keyword,ka_global_defs_Obsolete,ka_global_defs_notification_email

syntax cluster ka_global_defs_notification_email contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_virtual_server_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_Unknown kaUnknown
syntax match ka_virtual_server_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|connect_timeout\|virtualhost\|smtp_alert\|snmp_name\|ip_family\|lb_algo\|lvs_sched\|lb_kind\|lvs_method\|inhibit_on_failure\|ops\|flag-1\|flag-2\|flag-3\|hashed\|sh-port\|sh-fallback\|mh-port\|mh-fallback\|persistence_timeout\|persistence_granularity\|persistence_engine\|protocol\|alpha\|omega\|ha_suspend\|quorum\|hysteresis\|quorum_up\|quorum_down\|weight\|sorry_server\|sorry_server_inhibit\|sorry_server_lvs_method\|nat_mask\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_Keyword kaKeyword
syntax match ka_virtual_server_Obsolete /\%(Virtualhost\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_Obsolete kaObsolete
syntax region ka_virtual_server_real_server matchgroup=kaBlock start=/\%(real_server\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server
syntax cluster ka_virtual_server contains=kaComment,kaDirective,kaUse,ka_virtual_server_Unknown,ka_virtual_server_Keyword,ka_virtual_server_Obsolete,ka_virtual_server_real_server

syntax match ka_virtual_server_real_server_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_Unknown kaUnknown
syntax match ka_virtual_server_real_server_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|connect_timeout\|virtualhost\|smtp_alert\|snmp_name\|weight\|lvs_method\|uthreshold\|lthreshold\|inhibit_on_failure\|alpha\|notify_up\|notify_down\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_Keyword kaKeyword
syntax match ka_virtual_server_real_server_Obsolete /\%(Weight\|Virtualhost\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_Obsolete kaObsolete
syntax region ka_virtual_server_real_server_TCP_CHECK matchgroup=kaBlock start=/\%(TCP_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_TCP_CHECK
syntax region ka_virtual_server_real_server_HTTP_GET matchgroup=kaBlock start=/\%(HTTP_GET\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_HTTP_GET
syntax region ka_virtual_server_real_server_SSL_GET matchgroup=kaBlock start=/\%(SSL_GET\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_SSL_GET
syntax region ka_virtual_server_real_server_MISC_CHECK matchgroup=kaBlock start=/\%(MISC_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_MISC_CHECK
syntax region ka_virtual_server_real_server_FILE_CHECK matchgroup=kaBlock start=/\%(FILE_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_FILE_CHECK
syntax region ka_virtual_server_real_server_BFD_CHECK matchgroup=kaBlock start=/\%(BFD_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_BFD_CHECK
syntax region ka_virtual_server_real_server_SMTP_CHECK matchgroup=kaBlock start=/\%(SMTP_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_SMTP_CHECK
syntax region ka_virtual_server_real_server_PING_CHECK matchgroup=kaBlock start=/\%(PING_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_PING_CHECK
syntax region ka_virtual_server_real_server_UDP_CHECK matchgroup=kaBlock start=/\%(UDP_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_UDP_CHECK
syntax region ka_virtual_server_real_server_DNS_CHECK matchgroup=kaBlock start=/\%(DNS_CHECK\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_DNS_CHECK
syntax cluster ka_virtual_server_real_server contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_Unknown,ka_virtual_server_real_server_Keyword,ka_virtual_server_real_server_Obsolete,ka_virtual_server_real_server_TCP_CHECK,ka_virtual_server_real_server_HTTP_GET,ka_virtual_server_real_server_SSL_GET,ka_virtual_server_real_server_MISC_CHECK,ka_virtual_server_real_server_FILE_CHECK,ka_virtual_server_real_server_BFD_CHECK,ka_virtual_server_real_server_SMTP_CHECK,ka_virtual_server_real_server_PING_CHECK,ka_virtual_server_real_server_UDP_CHECK,ka_virtual_server_real_server_DNS_CHECK

syntax match ka_virtual_server_real_server_TCP_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_TCP_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_TCP_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_TCP_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_TCP_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_TCP_CHECK_Unknown,ka_virtual_server_real_server_TCP_CHECK_Keyword

syntax match ka_virtual_server_real_server_HTTP_GET_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_Unknown kaUnknown
syntax match ka_virtual_server_real_server_HTTP_GET_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\|virtualhost\|http_protocol\|fast_recovery\|enable_sni\|sni_name\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_Keyword kaKeyword
syntax match ka_virtual_server_real_server_HTTP_GET_Obsolete /\%(nb_get_retry\|Virtualhost\|Nb_get_retry\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_Obsolete kaObsolete
syntax region ka_virtual_server_real_server_HTTP_GET_url matchgroup=kaBlock start=/\%(url\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_HTTP_GET_url
syntax cluster ka_virtual_server_real_server_HTTP_GET contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_HTTP_GET_Unknown,ka_virtual_server_real_server_HTTP_GET_Keyword,ka_virtual_server_real_server_HTTP_GET_Obsolete,ka_virtual_server_real_server_HTTP_GET_url

syntax match ka_virtual_server_real_server_HTTP_GET_url_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_url_Unknown kaUnknown
syntax match ka_virtual_server_real_server_HTTP_GET_url_Keyword /\%(path\|digest\|status_code\|virtualhost\|regex\|regex_no_match\|tls_compliant\|regex_options\|regex_min_offset\|regex_max_offset\|regex_stack\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_url_Keyword kaKeyword
syntax match ka_virtual_server_real_server_HTTP_GET_url_Obsolete /\%(Path\|Digest\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_HTTP_GET_url_Obsolete kaObsolete
syntax cluster ka_virtual_server_real_server_HTTP_GET_url contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_HTTP_GET_url_Unknown,ka_virtual_server_real_server_HTTP_GET_url_Keyword,ka_virtual_server_real_server_HTTP_GET_url_Obsolete

syntax match ka_virtual_server_real_server_SSL_GET_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SSL_GET_Unknown kaUnknown
syntax match ka_virtual_server_real_server_SSL_GET_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\|virtualhost\|http_protocol\|fast_recovery\|enable_sni\|sni_name\|tls_verify\|tls_ca_file\|tls_compliant\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SSL_GET_Keyword kaKeyword
syntax match ka_virtual_server_real_server_SSL_GET_Obsolete /\%(nb_get_retry\|Virtualhost\|Nb_get_retry\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SSL_GET_Obsolete kaObsolete
syntax region ka_virtual_server_real_server_SSL_GET_url matchgroup=kaBlock start=/\%(url\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_HTTP_GET_url
syntax cluster ka_virtual_server_real_server_SSL_GET contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_SSL_GET_Unknown,ka_virtual_server_real_server_SSL_GET_Keyword,ka_virtual_server_real_server_SSL_GET_Obsolete,ka_virtual_server_real_server_SSL_GET_url

syntax match ka_virtual_server_real_server_MISC_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_MISC_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_MISC_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|misc_path\|misc_timeout\|misc_dynamic\|user\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_MISC_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_MISC_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_MISC_CHECK_Unknown,ka_virtual_server_real_server_MISC_CHECK_Keyword

syntax match ka_virtual_server_real_server_FILE_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_FILE_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_FILE_CHECK_Keyword /\%(track_file\|weight\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_FILE_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_FILE_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_FILE_CHECK_Unknown,ka_virtual_server_real_server_FILE_CHECK_Keyword

syntax match ka_virtual_server_real_server_BFD_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_BFD_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_BFD_CHECK_Keyword /\%(name\|alpha\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_BFD_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_BFD_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_BFD_CHECK_Unknown,ka_virtual_server_real_server_BFD_CHECK_Keyword

syntax match ka_virtual_server_real_server_SMTP_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SMTP_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_SMTP_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\|helo_name\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SMTP_CHECK_Keyword kaKeyword
syntax region ka_virtual_server_real_server_SMTP_CHECK_host matchgroup=kaBlock start=/\%(host\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_virtual_server_real_server_SMTP_CHECK_host
syntax cluster ka_virtual_server_real_server_SMTP_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_SMTP_CHECK_Unknown,ka_virtual_server_real_server_SMTP_CHECK_Keyword,ka_virtual_server_real_server_SMTP_CHECK_host

syntax match ka_virtual_server_real_server_SMTP_CHECK_host_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SMTP_CHECK_host_Unknown kaUnknown
syntax match ka_virtual_server_real_server_SMTP_CHECK_host_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_SMTP_CHECK_host_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_SMTP_CHECK_host contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_SMTP_CHECK_host_Unknown,ka_virtual_server_real_server_SMTP_CHECK_host_Keyword

syntax match ka_virtual_server_real_server_PING_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_PING_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_PING_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_PING_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_PING_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_PING_CHECK_Unknown,ka_virtual_server_real_server_PING_CHECK_Keyword

syntax match ka_virtual_server_real_server_UDP_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_UDP_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_UDP_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\|payload\|require_reply\|min_reply_length\|max_reply_length\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_UDP_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_UDP_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_UDP_CHECK_Unknown,ka_virtual_server_real_server_UDP_CHECK_Keyword

syntax match ka_virtual_server_real_server_DNS_CHECK_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_DNS_CHECK_Unknown kaUnknown
syntax match ka_virtual_server_real_server_DNS_CHECK_Keyword /\%(delay_loop\|retry\|delay_before_retry\|warmup\|alpha\|log_all_failures\|connect_ip\|connect_port\|connect_timeout\|bindto\|bind_port\|bind_if\|fwmark\|type\|name\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_virtual_server_real_server_DNS_CHECK_Keyword kaKeyword
syntax cluster ka_virtual_server_real_server_DNS_CHECK contains=kaComment,kaDirective,kaUse,ka_virtual_server_real_server_DNS_CHECK_Unknown,ka_virtual_server_real_server_DNS_CHECK_Keyword

syntax cluster ka_virtual_server_group contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_vrrp_instance_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_Unknown kaUnknown
syntax match ka_vrrp_instance_Keyword /\%(notify\|notify_master\|notify_backup\|notify_fault\|notify_stop\|garp_master_delay\|garp_master_repeat\|garp_master_refresh\|garp_master_refresh_repeat\|garp_lower_prio_delay\|garp_lower_prio_repeat\|garp_extra_if\|notify_master_rx_lower_pri\|notify_deleted\|unicast_src_ip\|unicast_ttl\|unicast_fault_no_peer\|old_unicast_checksum\|v3_checksum_as_v2\|mcast_dst_ip\|native_ipv6\|accept\|no_accept\|strict_mode\|check_unicast_src\|dont_track_primary\|lower_prio_no_advert\|higher_prio_send_advert\|down_timer_adverts\|skip_check_adv_addr\|owner_ignore_adverts\|timer_expired_backup\|state\|interface\|mcast_src_ip\|virtual_router_id\|priority\|advert_int\|version\|use_vmac\|use_vmac_addr\|use_ipvlan\|vmac_xmit_base\|track_src_ip\|no_virtual_ipaddress\|promote_secondaries\|notify_priority_changes\|nopreempt\|preempt\|preempt_delay\|smtp_alert\|lvs_sync_daemon_interface\|kernel_rx_buf_size\|linkbeat_use_polling\|vrf\|debug\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_Keyword kaKeyword
syntax match ka_vrrp_instance_Obsolete /\%(vmac_garp_intvl\|thread_timer_expired\|lvs_sync_daemon_inteface\|State\|Interface\|Virtual_router_id\|Priority\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_Obsolete kaObsolete
syntax region ka_vrrp_instance_unicast_peer matchgroup=kaBlock start=/\%(unicast_peer\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_unicast_peer
syntax region ka_vrrp_instance_track_interface matchgroup=kaBlock start=/\%(track_interface\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_interface
syntax region ka_vrrp_instance_track_script matchgroup=kaBlock start=/\%(track_script\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_script
syntax region ka_vrrp_instance_track_process matchgroup=kaBlock start=/\%(track_process\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_process
syntax region ka_vrrp_instance_track_file matchgroup=kaBlock start=/\%(track_file\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_file
syntax region ka_vrrp_instance_track_virtual_server matchgroup=kaBlock start=/\%(track_virtual_server\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_virtual_server
syntax region ka_vrrp_instance_track_bfd matchgroup=kaBlock start=/\%(track_bfd\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_bfd
syntax region ka_vrrp_instance_authentication matchgroup=kaBlock start=/\%(authentication\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_authentication
syntax region ka_vrrp_instance_auth_hmac matchgroup=kaBlock start=/\%(auth_hmac\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_auth_hmac
syntax region ka_vrrp_instance_virtual_ipaddress matchgroup=kaBlock start=/\%(virtual_ipaddress\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_virtual_ipaddress
syntax region ka_vrrp_instance_virtual_ipaddress_excluded matchgroup=kaBlock start=/\%(virtual_ipaddress_excluded\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_virtual_ipaddress_excluded
syntax region ka_vrrp_instance_virtual_routes matchgroup=kaBlock start=/\%(virtual_routes\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_virtual_routes
syntax region ka_vrrp_instance_virtual_rules matchgroup=kaBlock start=/\%(virtual_rules\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_virtual_rules
syntax cluster ka_vrrp_instance contains=kaComment,kaDirective,kaUse,ka_vrrp_instance_Unknown,ka_vrrp_instance_Keyword,ka_vrrp_instance_Obsolete,ka_vrrp_instance_unicast_peer,ka_vrrp_instance_track_interface,ka_vrrp_instance_track_script,ka_vrrp_instance_track_process,ka_vrrp_instance_track_file,ka_vrrp_instance_track_virtual_server,ka_vrrp_instance_track_bfd,ka_vrrp_instance_authentication,ka_vrrp_instance_auth_hmac,ka_vrrp_instance_virtual_ipaddress,ka_vrrp_instance_virtual_ipaddress_excluded,ka_vrrp_instance_virtual_routes,ka_vrrp_instance_virtual_rules

syntax cluster ka_vrrp_instance_unicast_peer contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_interface contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_script contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_process contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_file contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_virtual_server contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_track_bfd contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_vrrp_instance_authentication_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_authentication_Unknown kaUnknown
syntax match ka_vrrp_instance_authentication_Keyword /\%(auth_type\|auth_pass\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_authentication_Keyword kaKeyword
syntax cluster ka_vrrp_instance_authentication contains=kaComment,kaDirective,kaUse,ka_vrrp_instance_authentication_Unknown,ka_vrrp_instance_authentication_Keyword

syntax match ka_vrrp_instance_auth_hmac_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_auth_hmac_Unknown kaUnknown
syntax match ka_vrrp_instance_auth_hmac_Keyword /\%(key\|active_key\|time_window\|anti_replay\|mode\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_instance_auth_hmac_Keyword kaKeyword
syntax cluster ka_vrrp_instance_auth_hmac contains=kaComment,kaDirective,kaUse,ka_vrrp_instance_auth_hmac_Unknown,ka_vrrp_instance_auth_hmac_Keyword

syntax cluster ka_vrrp_instance_virtual_ipaddress contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_virtual_ipaddress_excluded contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_virtual_routes contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_vrrp_instance_virtual_rules contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_vrrp_script_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_script_Unknown kaUnknown
syntax match ka_vrrp_script_Keyword /\%(script\|interval\|timeout\|weight\|rise\|fall\|user\|init_fail\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_script_Keyword kaKeyword
syntax cluster ka_vrrp_script contains=kaComment,kaDirective,kaUse,ka_vrrp_script_Unknown,ka_vrrp_script_Keyword

syntax match ka_vrrp_sync_group_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_sync_group_Unknown kaUnknown
syntax match ka_vrrp_sync_group_Keyword /\%(notify\|notify_master\|notify_backup\|notify_fault\|notify_stop\|smtp_alert\|sync_group_tracking_weight\|notify_priority_changes\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_sync_group_Keyword kaKeyword
syntax match ka_vrrp_sync_group_Obsolete /\%(global_tracking\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_sync_group_Obsolete kaObsolete
syntax region ka_vrrp_sync_group_group matchgroup=kaBlock start=/\%(group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_sync_group_group
syntax region ka_vrrp_sync_group_track_interface matchgroup=kaBlock start=/\%(track_interface\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_interface
syntax region ka_vrrp_sync_group_track_script matchgroup=kaBlock start=/\%(track_script\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_script
syntax region ka_vrrp_sync_group_track_process matchgroup=kaBlock start=/\%(track_process\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_process
syntax region ka_vrrp_sync_group_track_file matchgroup=kaBlock start=/\%(track_file\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_file
syntax region ka_vrrp_sync_group_track_virtual_server matchgroup=kaBlock start=/\%(track_virtual_server\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_virtual_server
syntax region ka_vrrp_sync_group_track_bfd matchgroup=kaBlock start=/\%(track_bfd\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_instance_track_bfd
syntax cluster ka_vrrp_sync_group contains=kaComment,kaDirective,kaUse,ka_vrrp_sync_group_Unknown,ka_vrrp_sync_group_Keyword,ka_vrrp_sync_group_Obsolete,ka_vrrp_sync_group_group,ka_vrrp_sync_group_track_interface,ka_vrrp_sync_group_track_script,ka_vrrp_sync_group_track_process,ka_vrrp_sync_group_track_file,ka_vrrp_sync_group_track_virtual_server,ka_vrrp_sync_group_track_bfd

syntax cluster ka_vrrp_sync_group_group contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_vrrp_track_process_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_track_process_Unknown kaUnknown
syntax match ka_vrrp_track_process_Keyword /\%(process\|param_match\|weight\|quorum\|quorum_max\|delay\|terminate_delay\|fork_delay\|full_command\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_vrrp_track_process_Keyword kaKeyword
syntax cluster ka_vrrp_track_process contains=kaComment,kaDirective,kaUse,ka_vrrp_track_process_Unknown,ka_vrrp_track_process_Keyword

syntax match ka_track_file_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_track_file_Unknown kaUnknown
syntax match ka_track_file_Keyword /\%(file\|weight\|init_file\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_track_file_Keyword kaKeyword
syntax cluster ka_track_file contains=kaComment,kaDirective,kaUse,ka_track_file_Unknown,ka_track_file_Keyword

syntax match ka_bfd_instance_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_bfd_instance_Unknown kaUnknown
syntax match ka_bfd_instance_Keyword /\%(neighbor_ip\|neighbour_ip\|source_ip\|min_rx\|min_tx\|idle_tx\|multiplier\|passive\|ttl\|hoplimit\|max_hops\|multihop\|weight\|vrrp\|checker\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_bfd_instance_Keyword kaKeyword
syntax cluster ka_bfd_instance contains=kaComment,kaDirective,kaUse,ka_bfd_instance_Unknown,ka_bfd_instance_Keyword

syntax match ka_garp_group_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_garp_group_Unknown kaUnknown
syntax match ka_garp_group_Keyword /\%(garp_interval\|gna_interval\|interface\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_garp_group_Keyword kaKeyword
syntax region ka_garp_group_interfaces matchgroup=kaBlock start=/\%(interfaces\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_garp_group_interfaces
syntax cluster ka_garp_group contains=kaComment,kaDirective,kaUse,ka_garp_group_Unknown,ka_garp_group_Keyword,ka_garp_group_interfaces

syntax cluster ka_garp_group_interfaces contains=kaComment,kaDirective,kaUse,@kaValues

syntax match ka_track_group_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_track_group_Unknown kaUnknown
syntax region ka_track_group_group matchgroup=kaBlock start=/\%(group\)\%([[:space:]{}\"#!]\|$\)\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*\%({\|\%(\%(\n\s*\%([#!].*\)\?\)*\n\s*{\)\@=\)/ end=/}/ contained fold transparent contains=@ka_vrrp_sync_group_group
syntax cluster ka_track_group contains=kaComment,kaDirective,kaUse,ka_track_group_Unknown,ka_track_group_group

syntax match ka_SSL_Unknown /[^[:space:]{}#!$@~][^[:space:]{}#!]*/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_SSL_Unknown kaUnknown
syntax match ka_SSL_Keyword /\%(certificate\|key\|password\|ca\)\%([[:space:]{}\"#!]\|$\)\@=/ contained nextgroup=kaRest,kaSkipped
highlight default link ka_SSL_Keyword kaKeyword
syntax cluster ka_SSL contains=kaComment,kaDirective,kaUse,ka_SSL_Unknown,ka_SSL_Keyword

syntax cluster ka_static_ipaddress contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_static_routes contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_static_rules contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_interface_up_down_delays contains=kaComment,kaDirective,kaUse,@kaValues

syntax cluster ka_linkbeat_interfaces contains=kaComment,kaDirective,kaUse,@kaValues

syntax match kaRest /[^{}]\@=\%(\\[#!]\|[#!].*\|\$\%({[^{}\"]*}\|\h\w*\)\|\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$\|[^{}\"]\)*/ contained contains=@kaValues nextgroup=kaSkipped
syntax region kaSkipped start=/{/ end=/}/ contained contains=kaSkipped,@kaValues
syntax match kaNumber /[^[:space:],({]\@1<![+-]\?\d[0-9a-fA-F.]*\%([:/-][0-9a-fA-F.:/]*\)\?\%([[:space:]{}\"#!]\|$\)\@=/ contained
syntax match kaUse /\$\%({[^{}\"]*}\|\h\w*\)/
syntax match kaText /\"\%(\\.\|[^\"\\]\)*\"\|\"[^\"]*\"\|\".*$/ contained contains=kaUse
syntax match kaComment /\\\@1<![#!].*$/
syntax match kaDirective /@^\?\S\+\ze\s/
syntax match kaDirective /\~\%(SEQx\?\|LST\)\s*([^)]*)/ contains=kaUse
syntax match kaDirective /\%(include\|includer\|includem\|includew\|includeb\|includea\)\%([[:space:]{}\"#!]\|$\)\@=/ nextgroup=kaRest
syntax region kaDirective start=/\$\h\w*=/ skip=/\\$/ end=/$/ contains=kaUse
syntax cluster kaValues contains=kaNumber,kaUse,kaText,kaComment

highlight default link kaComment Comment
highlight default link kaUse Identifier
highlight default link kaText String
highlight default link kaNumber Number
highlight default link kaDirective PreProc
highlight default link kaBlock Structure
highlight default link kaKeyword Statement
highlight default link kaObsolete Todo
highlight default link kaUnknown Error
let b:current_syntax = "keepalived"
