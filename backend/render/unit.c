/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/render/unit.h"

#include "backend/render/quote.h"

void unit_begin(struct strbuf *b, const char *description, const char *documentation, const char *after)
{
	strbuf_addf(b,
		    RENDER_BANNER "[Unit]\n"
				  "Description=%s\n"
				  "Documentation=%s\n"
				  "After=%s\n",
		    description, documentation, after);
}

void unit_harden(struct strbuf *b)
{
	static const char *const lines[] = {
		"NoNewPrivileges=yes",
		"ProtectSystem=strict",
		"ProtectHome=yes",
		"PrivateTmp=yes",
		"PrivateDevices=yes",
		"ProtectKernelTunables=yes",
		"ProtectKernelModules=yes",
		"ProtectKernelLogs=yes",
		"ProtectControlGroups=yes",
		"ProtectClock=yes",
		"ProtectHostname=yes",
		"ProtectProc=invisible",
		"RestrictNamespaces=yes",
		"RestrictRealtime=yes",
		"RestrictSUIDSGID=yes",
		"LockPersonality=yes",
		"MemoryDenyWriteExecute=yes",
		"SystemCallArchitectures=native",
		"SystemCallFilter=@system-service",
		"SystemCallErrorNumber=EPERM",
		"UMask=0022",
		/* Strangers on the nodes' network cause lines: dnsmasq has one for each who asks for an address. */
		"LogRateLimitIntervalSec=30s",
		"LogRateLimitBurst=2000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		strbuf_addf(b, "%s\n", lines[i]);
}

void unit_writable(struct strbuf *b, const struct render_env *env, const char *path)
{
	strbuf_adds(b, "ReadWritePaths=");
	quote_unit(b, render_prefix(env), path, false);
	strbuf_addc(b, '\n');
}

void unit_end(struct strbuf *b)
{
	strbuf_adds(b, "\n[Install]\n"
		       "WantedBy=multi-user.target\n");
}
