/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dnsmasq runs for every lease and every file (dhcp-script): musterd under the name dhcp-event. */
#pragma once

#define DHCP_EVENT_NAME "dhcp-event"
#define EVENTS_SOCKET "events.sock"
#define RUN_DIR "/run/muster"

/*
 * Sends its words as one datagram to the socket events.sock in $MUSTER_RUN_DIR (/run/muster where it is not
 * set) and returns 0, always and at once: a daemon that is away or busy must not hold up DHCP.
 * The words, as dnsmasq gives them (dnsmasq(8)): "add|old|del MAC IP [HOST]", "tftp SIZE ADDRESS PATH".
 * What a firmware or loader asks for (DNSMASQ_VENDOR_CLASS begins with PXEClient or HTTPClient) is sent as
 * "add" also where its lease is an old one: a boot begins; another client's lease is always sent as "old".
 */
int dhcp_event(int argc, char **argv);
