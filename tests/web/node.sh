#!/bin/sh
# node.sh SCRIPT ARGUMENT...: runs it; without node that is a failure in CI and a skip elsewhere.
if ! command -v node >/dev/null; then
	echo "no node is installed (Debian: apt-get install nodejs)"
	[ -n "$CI" ] && exit 1
	exit 77
fi
exec node "$@"
