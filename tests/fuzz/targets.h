/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every target, X(name, folders): its file is fuzz-NAME.c with '-' for '_', its kept inputs are the folder corpus/NAME, and
 * `folders`, with blanks between and seen from the top of the source, are others whose files are given to it as well. The
 * agent's are apart: some of its functions have the names of others of the house.
 */
#pragma once

#define FUZZ_HOUSE(X)                                   \
	X(answers, "tests/good tests/bad doc/examples") \
	X(archives, "")                                 \
	X(cluster, "")                                  \
	X(control, "")                                  \
	X(elf, "")                                      \
	X(events, "")                                   \
	X(http, "")                                     \
	X(journal, "")                                  \
	X(kconfig, "")                                  \
	X(macs, "")                                     \
	X(osrelease, "")                                \
	X(packets, "")                                  \
	X(pci, "")                                      \
	X(profiles, "profiles/distro profiles/cluster") \
	X(ranges, "")                                   \
	X(recipes, "kernel/recipes profiles/parts")     \
	X(report, "")                                   \
	X(text, "")

#define FUZZ_AGENT(X)        \
	X(agent_answer, "")  \
	X(agent_conf, "")    \
	X(agent_http, "")    \
	X(agent_modules, "") \
	X(agent_system, "tests/recorded/kerrighed-3.0")
