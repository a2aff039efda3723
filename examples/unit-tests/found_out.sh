#!/bin/sh
# found_out - runs a test that breaks a promise: it must be aborted, and the file and line of the block be named.
#
# usage: found_out.sh PROGRAM CASE
said=$("$@" 2>&1 >/dev/null)
status=$?
[ $status = 77 ] && exit 77
printf '%s\n' "$said"
[ $status = 134 ] && printf '%s\n' "$said" | grep -q '^tracker: .*test_ring\.c:[0-9]*: '
