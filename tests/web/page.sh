#!/bin/sh
# Runs page.js; without node that is a failure in CI and a skip elsewhere.
here=$(dirname "$0")
if ! command -v node >/dev/null; then
	echo "no node is installed (Debian: apt-get install nodejs)"
	[ -n "$CI" ] && exit 1
	exit 77
fi
exec node "$here/page.js" "$@"
