/*
 * layout.c - ABI v1 as it was given out: compiling it is the test. Frozen structs keep their size,
 * all others may only grow at the end, so what is written here never changes; new members get new
 * lines, and the last one of them is the TAIL: a struct that ended in padding would hide a new
 * member from the size that tells of it. Sizes and offsets are those of 64-bit systems, then those
 * of i386. Where a pointer is as short but 64-bit numbers lie on a multiple of 8, as on 32-bit
 * ARM, only the tails are looked at.
 */
#include <kith/plugin.h>

#if UINTPTR_MAX == UINT64_MAX
#define HERE(wide, i386, is) ((is) == (wide))
#elif defined(__i386__)
#define HERE(wide, i386, is) ((is) == (i386))
#else
#define HERE(wide, i386, is) 1
#endif

#define FROZEN(type, wide, i386) \
    _Static_assert(HERE(wide, i386, sizeof(struct type)), #type " is frozen")
#define AT(type, member, wide, i386) \
    _Static_assert(HERE(wide, i386, offsetof(struct type, member)), #type "." #member " has " \
                                                                          "moved")
#define TAIL(type, member) \
    _Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) == \
                       sizeof(struct type), \
                   #type " does not end with " #member)
#define VALUE(name, value) _Static_assert((name) == (value), #name " has changed")

FROZEN(kith_error, 508, 508);
AT(kith_error, code, 4, 4);
AT(kith_error, text, 8, 8);

FROZEN(kith_bytes, 16, 8);
AT(kith_bytes, len, 8, 4);

FROZEN(kith_pair, 32, 16);
AT(kith_pair, value, 16, 8);

FROZEN(kith_buf, 32, 16);
AT(kith_buf, data, 8, 4);
AT(kith_buf, len, 16, 8);
AT(kith_buf, cap, 24, 12);

FROZEN(kith_addr, 132, 132);
AT(kith_addr, len, 2, 2);
AT(kith_addr, bytes, 3, 3);

AT(kith_peer, provides, 4, 4);
AT(kith_peer, protocol_max, 8, 8);
AT(kith_peer, addr, 16, 12);
AT(kith_peer, name, 24, 16);
AT(kith_peer, identity, 40, 24);
TAIL(kith_peer, identity);

AT(kith_member, state, 4, 4);
AT(kith_member, incarnation, 8, 8);
AT(kith_member, flags, 12, 12);
AT(kith_member, versions, 16, 16);
AT(kith_member, addr, 24, 24);
AT(kith_member, name, 160, 156);
AT(kith_member, meta, 176, 164);
AT(kith_member, accuser, 192, 172);
AT(kith_member, since, 208, 180);
TAIL(kith_member, since);

AT(kith_key, len, 4, 4);
AT(kith_key, data, 8, 8);
TAIL(kith_key, data);

AT(kith_value, type, 4, 4);
AT(kith_value, number, 8, 8);
AT(kith_value, real, 16, 16);
AT(kith_value, text, 24, 24);
TAIL(kith_value, text);

AT(kith_host, abi_minor, 4, 4);
AT(kith_host, node, 8, 8);
AT(kith_host, uplink, 16, 12);
AT(kith_host, log, 24, 16);
AT(kith_host, post, 32, 20);
AT(kith_host, now, 40, 24);
AT(kith_host, wall, 48, 28);
AT(kith_host, world, 56, 32);
AT(kith_host, random, 64, 36);
AT(kith_host, watch, 72, 40);
AT(kith_host, watch_set, 80, 44);
AT(kith_host, watch_free, 88, 48);
AT(kith_host, timer, 96, 52);
AT(kith_host, timer_set, 104, 56);
AT(kith_host, timer_free, 112, 60);
AT(kith_host, counter, 120, 64);
AT(kith_host, gauge, 128, 68);
AT(kith_host, histogram, 136, 72);
AT(kith_host, observe, 144, 76);
AT(kith_host, degraded, 152, 80);
AT(kith_host, scratch, 160, 84);
AT(kith_host, keys, 168, 88);
AT(kith_host, setting, 176, 92);
AT(kith_host, resolve, 184, 96);
AT(kith_host, reply, 192, 100);
AT(kith_host, finish, 200, 104);
AT(kith_host, emit, 208, 108);
AT(kith_host, query, 216, 112);
AT(kith_host, offer, 224, 116);
TAIL(kith_host, offer);

FROZEN(kith_list, 16, 8);
AT(kith_list, count, 8, 4);

FROZEN(kith_map, 16, 8);
AT(kith_map, count, 8, 4);

AT(kith_param, type, 8, 4);
AT(kith_param, flags, 12, 8);
AT(kith_param, offset, 16, 12);
AT(kith_param, width, 24, 16);
AT(kith_param, def, 32, 20);
AT(kith_param, def_wan, 40, 24);
AT(kith_param, def_local, 48, 28);
AT(kith_param, min, 56, 32);
AT(kith_param, max, 64, 36);
AT(kith_param, choices, 72, 40);
AT(kith_param, doc, 80, 44);
TAIL(kith_param, doc);

AT(kith_call, flags, 4, 4);
AT(kith_call, id, 8, 8);
AT(kith_call, deadline, 16, 16);
AT(kith_call, words, 24, 24);
AT(kith_call, count, 32, 28);
TAIL(kith_call, count);

AT(kith_plugin, abi_minor, 4, 4);
AT(kith_plugin, kind, 8, 8);
AT(kith_plugin, param_size, 12, 12);
AT(kith_plugin, must_know, 16, 16);
AT(kith_plugin, flags, 24, 24);
AT(kith_plugin, name, 32, 28);
AT(kith_plugin, version, 40, 32);
AT(kith_plugin, summary, 48, 36);
AT(kith_plugin, instance_size, 56, 40);
AT(kith_plugin, params, 64, 44);
AT(kith_plugin, ops, 72, 48);
AT(kith_plugin, init, 80, 52);
AT(kith_plugin, start, 88, 56);
AT(kith_plugin, adopt, 96, 60);
AT(kith_plugin, stop, 104, 64);
AT(kith_plugin, fini, 112, 68);
AT(kith_plugin, refresh, 120, 72);
AT(kith_plugin, command, 128, 76);
TAIL(kith_plugin, command);

AT(kith_frame, plane, 4, 4);
AT(kith_frame, ad, 8, 8);
AT(kith_frame, peer, 24, 16);
AT(kith_frame, protocol, 32, 20);
AT(kith_frame, limit, 40, 24);
AT(kith_frame, scratch, 48, 28);
AT(kith_frame, reserve, 56, 32);
AT(kith_frame, key, 64, 36);
AT(kith_frame, version, 68, 40);
TAIL(kith_frame, version);

FROZEN(kith_form, 4, 4);
AT(kith_form, first, 1, 1);
AT(kith_form, last, 2, 2);
AT(kith_form, tentative, 3, 3);

FROZEN(kith_room, 12, 12);
AT(kith_room, tail, 4, 4);
AT(kith_room, protocol, 8, 8);

AT(kith_codec_ops, provides, 4, 4);
AT(kith_codec_ops, packet, 8, 8);
AT(kith_codec_ops, stream, 12, 12);
AT(kith_codec_ops, room, 16, 16);
AT(kith_codec_ops, seal, 24, 20);
AT(kith_codec_ops, open, 32, 24);
AT(kith_codec_ops, extent, 40, 28);
AT(kith_codec_ops, sealed_size, 48, 32);
TAIL(kith_codec_ops, sealed_size);

AT(kith_uplink, packet_in, 8, 4);
AT(kith_uplink, stream_accepted, 16, 8);
AT(kith_uplink, stream_opened, 24, 12);
AT(kith_uplink, stream_data, 32, 16);
AT(kith_uplink, stream_writable, 40, 20);
AT(kith_uplink, stream_end, 48, 24);
AT(kith_uplink, stream_closed, 56, 28);
AT(kith_uplink, changed, 64, 32);
AT(kith_uplink, peer_unreachable, 72, 36);
TAIL(kith_uplink, peer_unreachable);

AT(kith_limits, provides, 4, 4);
AT(kith_limits, packet, 8, 8);
AT(kith_limits, stream_window, 16, 16);
AT(kith_limits, headroom, 24, 24);
AT(kith_limits, tailroom, 28, 28);
TAIL(kith_limits, tailroom);

AT(kith_transport_ops, default_port, 4, 4);
AT(kith_transport_ops, limits, 8, 8);
AT(kith_transport_ops, packet_limit, 16, 12);
AT(kith_transport_ops, advertise, 24, 16);
AT(kith_transport_ops, parse, 32, 20);
AT(kith_transport_ops, format, 40, 24);
AT(kith_transport_ops, send_packet, 48, 28);
AT(kith_transport_ops, flush, 56, 32);
AT(kith_transport_ops, stream_open, 64, 36);
AT(kith_transport_ops, stream_write, 72, 40);
AT(kith_transport_ops, stream_finish, 80, 44);
AT(kith_transport_ops, stream_reset, 88, 48);
AT(kith_transport_ops, stream_read, 96, 52);
AT(kith_transport_ops, member_gone, 104, 56);
TAIL(kith_transport_ops, member_gone);

AT(kith_message, flags, 4, 4);
AT(kith_message, priority, 8, 8);
AT(kith_message, bytes, 16, 12);
AT(kith_message, peer, 32, 20);
AT(kith_message, key, 40, 24);
AT(kith_message, channel, 56, 32);
TAIL(kith_message, channel);

AT(kith_event, kind, 4, 4);
AT(kith_event, wall, 8, 8);
AT(kith_event, number, 16, 16);
AT(kith_event, member, 24, 24);
AT(kith_event, other, 32, 28);
AT(kith_event, peer, 40, 32);
AT(kith_event, data, 48, 36);
AT(kith_event, by, 64, 44);
AT(kith_event, name, 80, 52);
AT(kith_event, fields, 96, 60);
AT(kith_event, field_count, 104, 64);
AT(kith_event, id, 112, 68);
AT(kith_event, deadline, 120, 76);
TAIL(kith_event, deadline);

AT(kith_claim, kind, 4, 4);
AT(kith_claim, members, 8, 8);
AT(kith_claim, count, 16, 12);
AT(kith_claim, stride, 24, 16);
AT(kith_claim, from, 32, 20);
TAIL(kith_claim, from);

AT(kith_stat, kind, 4, 4);
AT(kith_stat, name, 8, 8);
AT(kith_stat, help, 16, 12);
AT(kith_stat, labels, 24, 16);
AT(kith_stat, label_count, 32, 20);
AT(kith_stat, value, 40, 24);
AT(kith_stat, count, 48, 32);
AT(kith_stat, bounds, 56, 40);
AT(kith_stat, counts, 64, 44);
AT(kith_stat, bound_count, 72, 48);
TAIL(kith_stat, bound_count);

AT(kith_sink, write, 8, 4);
TAIL(kith_sink, write);

AT(kith_node, members, 8, 4);
AT(kith_node, member, 16, 8);
AT(kith_node, local, 24, 12);
AT(kith_node, stats, 32, 16);
AT(kith_node, format, 40, 20);
AT(kith_node, fits, 48, 24);
AT(kith_node, join, 56, 28);
AT(kith_node, leave, 64, 32);
AT(kith_node, stop, 72, 36);
AT(kith_node, set_meta, 80, 40);
AT(kith_node, send, 88, 44);
AT(kith_node, ping, 96, 48);
AT(kith_node, key, 104, 52);
TAIL(kith_node, key);

AT(kith_delegate_ops, flags, 4, 4);
AT(kith_delegate_ops, judges, 8, 8);
AT(kith_delegate_ops, event, 16, 16);
AT(kith_delegate_ops, message, 24, 20);
AT(kith_delegate_ops, remote_state, 32, 24);
AT(kith_delegate_ops, judge, 40, 28);
AT(kith_delegate_ops, node_meta, 48, 32);
AT(kith_delegate_ops, seal_meta, 56, 36);
AT(kith_delegate_ops, get_broadcasts, 64, 40);
AT(kith_delegate_ops, local_state, 72, 44);
AT(kith_delegate_ops, ack_payload, 80, 48);
AT(kith_delegate_ops, before_leave, 88, 52);
TAIL(kith_delegate_ops, before_leave);

VALUE(KITH_OK, 0);
VALUE(KITH_EINVAL, 1);
VALUE(KITH_ENOMEM, 2);
VALUE(KITH_ETOOBIG, 3);
VALUE(KITH_EMALFORMED, 4);
VALUE(KITH_EAUTH, 5);
VALUE(KITH_ECHECKSUM, 6);
VALUE(KITH_EPOLICY, 7);
VALUE(KITH_EUNSUPPORTED, 8);
VALUE(KITH_EADDRINUSE, 9);
VALUE(KITH_EACCES, 10);
VALUE(KITH_ENOTFOUND, 11);
VALUE(KITH_EEXIST, 12);
VALUE(KITH_EAGAIN, 13);
VALUE(KITH_ETIMEOUT, 14);
VALUE(KITH_EREFUSED, 15);
VALUE(KITH_ECLOSED, 16);
VALUE(KITH_EIO, 17);
VALUE(KITH_EUNREACHABLE, 18);
VALUE(KITH_ENAME, 19);
VALUE(KITH_PASS, 256);
VALUE(KITH_LATER, 257);

VALUE(KITH_COMPRESSES, 1);
VALUE(KITH_CHECKS, 2);
VALUE(KITH_AUTHENTICATES, 4);
VALUE(KITH_ENCRYPTS, 8);

VALUE(KITH_ALIVE, 0);
VALUE(KITH_SUSPECT, 1);
VALUE(KITH_DEAD, 2);
VALUE(KITH_LEFT, 3);

VALUE(KITH_MEMBER_LOCAL, 1);

VALUE(KITH_LOG_ERROR, 0);
VALUE(KITH_LOG_WARN, 1);
VALUE(KITH_LOG_INFO, 2);
VALUE(KITH_LOG_DEBUG, 3);
VALUE(KITH_LOG_TRACE, 4);

VALUE(KITH_READABLE, 1);
VALUE(KITH_WRITABLE, 2);

VALUE(KITH_PARAM_BOOL, 1);
VALUE(KITH_PARAM_INT, 2);
VALUE(KITH_PARAM_UINT, 3);
VALUE(KITH_PARAM_SIZE, 4);
VALUE(KITH_PARAM_DURATION, 5);
VALUE(KITH_PARAM_FLOAT, 6);
VALUE(KITH_PARAM_STRING, 7);
VALUE(KITH_PARAM_PATH, 8);
VALUE(KITH_PARAM_ENUM, 9);
VALUE(KITH_PARAM_LIST, 10);
VALUE(KITH_PARAM_MAP, 11);

VALUE(KITH_PARAM_REQUIRED, 1);
VALUE(KITH_PARAM_SECRET, 2);
VALUE(KITH_PARAM_RESTART, 4);

VALUE(KITH_TRANSPORT, 1);
VALUE(KITH_CODEC, 2);
VALUE(KITH_DELEGATE, 3);

VALUE(KITH_KEYED, 1);
VALUE(KITH_RAW_KEYS, 2);
VALUE(KITH_OUTSIDE, 4);

VALUE(KITH_REFRESH_KEYS, 1);
VALUE(KITH_REFRESH_FILES, 2);

VALUE(KITH_CALL_JSON, 1);

VALUE(KITH_PACKET, 1);
VALUE(KITH_STREAM, 2);

VALUE(KITH_FRAMED, 0);
VALUE(KITH_OWN, 1);
VALUE(KITH_NONE, 2);

VALUE(KITH_CHANGED_LIMITS, 1);
VALUE(KITH_CHANGED_ADDRESS, 2);
VALUE(KITH_CHANGED_CROWDED, 4);

VALUE(KITH_RELIABLE, 1);
VALUE(KITH_RELAYED, 2);
VALUE(KITH_JOIN, 4);

VALUE(KITH_EVENT_JOIN, 1);
VALUE(KITH_EVENT_LEAVE, 2);
VALUE(KITH_EVENT_UPDATE, 3);
VALUE(KITH_EVENT_CONFLICT, 4);
VALUE(KITH_EVENT_PING, 5);
VALUE(KITH_EVENT_SUSPECT, 6);
VALUE(KITH_EVENT_LOST, 7);
VALUE(KITH_EVENT_STARTED, 16);
VALUE(KITH_EVENT_JOINED, 17);
VALUE(KITH_EVENT_REFUTED, 18);
VALUE(KITH_EVENT_RELOADED, 20);
VALUE(KITH_EVENT_KEYS, 21);
VALUE(KITH_EVENT_EMITTED, 32);

VALUE(KITH_CLAIM_ALIVE, 1);
VALUE(KITH_CLAIM_SUSPECT, 2);
VALUE(KITH_CLAIM_DEAD, 4);
VALUE(KITH_CLAIM_LEAVE, 8);
VALUE(KITH_CLAIM_MERGE, 16);

VALUE(KITH_COUNTER, 1);
VALUE(KITH_GAUGE, 2);
VALUE(KITH_HISTOGRAM, 3);

VALUE(KITH_FITS_PACKET, 1);
VALUE(KITH_FITS_STREAM, 2);
VALUE(KITH_FITS_BROADCAST, 3);
VALUE(KITH_FITS_META, 4);
VALUE(KITH_FITS_ACK, 5);
VALUE(KITH_FITS_RELAYED, 6);

VALUE(KITH_KEY_INSTALL, 1);
VALUE(KITH_KEY_USE, 2);
VALUE(KITH_KEY_REMOVE, 3);

VALUE(KITH_DELEGATE_SENDS, 1);
VALUE(KITH_DELEGATE_USER, 2);

VALUE(KITH_ADDR_MAX, 128);
VALUE(KITH_ABI_MAJOR, 1);
