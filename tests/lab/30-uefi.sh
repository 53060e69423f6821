#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# UEFI firmware: its own PXE fetches the loader by TFTP.
. "$(dirname "$0")/lib.sh"

fresh
answers "$lab/answers.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//'
up -f "$lab/answers.conf" --firmware uefi
ok $? 'a lab with UEFI nodes starts'
wait_ready
ok $? 'the node is ready'
is "$(ssh_node node01 -- "test -d /sys/firmware/efi && echo efi")" efi 'and was booted by UEFI'
finish
