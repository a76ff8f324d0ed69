/*
 * layout.c - ABI v1 as it was given out: compiling it is the test. Frozen structs keep their size,
 * all others may only grow at the end, so what is written here never changes; new members get new
 * lines. Offsets are those of 64-bit systems.
 */
#include <kith/plugin.h>

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " is frozen")
#define AT(type, member, offset) \
    _Static_assert(offsetof(struct type, member) == (offset), #type "." #member " has moved")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has changed")

#if UINTPTR_MAX == UINT64_MAX
SIZE(kith_bytes, 16);
AT(kith_bytes, len, 8);
SIZE(kith_buf, 32);
AT(kith_buf, data, 8);
AT(kith_buf, len, 16);
AT(kith_buf, cap, 24);
SIZE(kith_addr, 132);
AT(kith_addr, len, 2);
AT(kith_addr, bytes, 3);
SIZE(kith_form, 4);
SIZE(kith_room, 12);
SIZE(kith_strings, 16);

AT(kith_error, code, 4);
AT(kith_error, text, 8);
AT(kith_key, len, 4);
AT(kith_key, data, 8);
AT(kith_sink, ctx, 8);
AT(kith_sink, write, 16);

AT(kith_host, abi_minor, 4);
AT(kith_host, log, 8);
AT(kith_host, post, 16);
AT(kith_host, now, 24);
AT(kith_host, wall, 32);
AT(kith_host, random, 40);
AT(kith_host, watch, 48);
AT(kith_host, watch_set, 56);
AT(kith_host, watch_free, 64);
AT(kith_host, timer, 72);
AT(kith_host, timer_set, 80);
AT(kith_host, timer_free, 88);
AT(kith_host, counter, 96);
AT(kith_host, keys, 104);
AT(kith_host, query, 112);

AT(kith_param, type, 8);
AT(kith_param, flags, 12);
AT(kith_param, offset, 16);
AT(kith_param, def, 24);
AT(kith_param, def_wan, 32);
AT(kith_param, def_local, 40);
AT(kith_param, min, 48);
AT(kith_param, max, 56);
AT(kith_param, choices, 64);
AT(kith_param, doc, 72);

AT(kith_plugin, abi_minor, 4);
AT(kith_plugin, kind, 8);
AT(kith_plugin, param_size, 12);
AT(kith_plugin, requires, 16);
AT(kith_plugin, name, 24);
AT(kith_plugin, version, 32);
AT(kith_plugin, summary, 40);
AT(kith_plugin, instance_size, 48);
AT(kith_plugin, params, 56);
AT(kith_plugin, ops, 64);
AT(kith_plugin, init, 72);
AT(kith_plugin, adopt, 80);
AT(kith_plugin, start, 88);
AT(kith_plugin, stop, 96);
AT(kith_plugin, fini, 104);
AT(kith_plugin, command, 112);

AT(kith_frame, plane, 4);
AT(kith_frame, ad, 8);
AT(kith_frame, peer_pmax, 24);
AT(kith_frame, protocol, 25);
AT(kith_frame, limit, 32);
AT(kith_frame, scratch, 40);
AT(kith_frame, reserve, 48);
AT(kith_frame, key, 56);
AT(kith_frame, version, 60);

AT(kith_codec_ops, provides, 4);
AT(kith_codec_ops, flags, 8);
AT(kith_codec_ops, packet, 12);
AT(kith_codec_ops, stream, 16);
AT(kith_codec_ops, room, 24);
AT(kith_codec_ops, seal, 32);
AT(kith_codec_ops, open, 40);
AT(kith_codec_ops, extent, 48);
AT(kith_codec_ops, rekey, 56);
AT(kith_codec_ops, sealed, 64);

AT(kith_uplink, ctx, 8);
AT(kith_uplink, packet_in, 16);
AT(kith_uplink, stream_accepted, 24);
AT(kith_uplink, stream_opened, 32);
AT(kith_uplink, stream_data, 40);
AT(kith_uplink, stream_writable, 48);
AT(kith_uplink, stream_end, 56);
AT(kith_uplink, stream_closed, 64);
AT(kith_uplink, limits_changed, 72);

AT(kith_limits, flags, 4);
AT(kith_limits, packet, 8);
AT(kith_limits, headroom, 16);
AT(kith_limits, tailroom, 20);
AT(kith_transport_setup, uplink, 8);
AT(kith_transport_setup, tcp_timeout, 16);
AT(kith_transport_setup, buffer_size, 24);

AT(kith_transport_ops, default_port, 4);
AT(kith_transport_ops, attach, 8);
AT(kith_transport_ops, limits, 16);
AT(kith_transport_ops, packet_limit, 24);
AT(kith_transport_ops, advertise, 32);
AT(kith_transport_ops, parse, 40);
AT(kith_transport_ops, format, 48);
AT(kith_transport_ops, send_packet, 56);
AT(kith_transport_ops, flush, 64);
AT(kith_transport_ops, stream_open, 72);
AT(kith_transport_ops, stream_write, 80);
AT(kith_transport_ops, stream_finish, 88);
AT(kith_transport_ops, stream_reset, 96);
AT(kith_transport_ops, stream_read, 104);

AT(kith_member, state, 4);
AT(kith_member, incarnation, 8);
AT(kith_member, versions, 12);
AT(kith_member, name, 24);
AT(kith_member, meta, 40);
AT(kith_member, addr, 56);
AT(kith_member, since, 192);
AT(kith_member, accuser, 200);

AT(kith_stat, kind, 4);
AT(kith_stat, name, 8);
AT(kith_stat, help, 16);
AT(kith_stat, label, 24);
AT(kith_stat, label_value, 32);
AT(kith_stat, value, 40);
AT(kith_stat, count, 48);
AT(kith_stat, bounds, 56);
AT(kith_stat, counts, 64);
AT(kith_stat, n, 72);

AT(kith_node, members, 8);
AT(kith_node, member, 16);
AT(kith_node, local, 24);
AT(kith_node, stats, 32);
AT(kith_node, format, 40);
AT(kith_node, resolve, 48);
AT(kith_node, join, 56);
AT(kith_node, leave, 64);
AT(kith_node, set_meta, 72);
AT(kith_node, broadcast, 80);
AT(kith_node, send, 88);
AT(kith_node, ping, 96);

AT(kith_delegate_ops, attach, 8);
AT(kith_delegate_ops, node_meta, 16);
AT(kith_delegate_ops, notify_msg, 24);
AT(kith_delegate_ops, get_broadcasts, 32);
AT(kith_delegate_ops, local_state, 40);
AT(kith_delegate_ops, merge_remote_state, 48);
AT(kith_delegate_ops, notify_join, 56);
AT(kith_delegate_ops, notify_leave, 64);
AT(kith_delegate_ops, notify_update, 72);
AT(kith_delegate_ops, notify_suspect, 80);
AT(kith_delegate_ops, notify_conflict, 88);
AT(kith_delegate_ops, notify_merge, 96);
AT(kith_delegate_ops, notify_alive, 104);
AT(kith_delegate_ops, ack_payload, 112);
AT(kith_delegate_ops, ping_complete, 120);
#endif

VALUE(KITH_PASS, 1);
VALUE(KITH_EINVAL, 1);
VALUE(KITH_ENOMEM, 2);
VALUE(KITH_ETOOBIG, 3);
VALUE(KITH_EMALFORMED, 4);
VALUE(KITH_EAUTH, 5);
VALUE(KITH_ECHECKSUM, 6);
VALUE(KITH_EPOLICY, 7);
VALUE(KITH_ENAME, 19);
VALUE(KITH_PARAM_BOOL, 1);
VALUE(KITH_PARAM_UINT, 2);
VALUE(KITH_PARAM_SIZE, 3);
VALUE(KITH_PARAM_DURATION, 4);
VALUE(KITH_PARAM_STRING, 5);
VALUE(KITH_PARAM_ENUM, 6);
VALUE(KITH_PARAM_STRINGS, 7);
VALUE(KITH_PARAM_PATH, 8);
VALUE(KITH_PARAM_FLOAT, 9);
VALUE(KITH_TRANSPORT, 1);
VALUE(KITH_CODEC, 2);
VALUE(KITH_DELEGATE, 3);
VALUE(KITH_ADDR_MAX, 128);
VALUE(KITH_LEFT, 3);
