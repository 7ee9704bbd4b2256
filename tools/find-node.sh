#!/bin/sh
# Prints the path of a Node that can run Teal's TypeScript as it is: the one that the lockfile pins, else the one of the PATH.
# Asking a Node for its version costs a tenth of starting it.
root=$(dirname "$(dirname "$(readlink -f "$0")")")

# Whether this is Node 22.18 or newer. A file for another platform, or one that npm has not filled yet, is none.
is_new_enough() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -gt 22 ] 2>/dev/null || { [ "$major" -eq 22 ] && [ "$minor" -ge 18 ]; } 2>/dev/null
}

for node in "$root/node_modules/node/bin/node" "$(command -v node)"; do
  if is_new_enough "$node"; then
    printf '%s\n' "$node"
    exit
  fi
done
cat >&2 <<EOF
Teal needs Node 22.18 or newer, and this machine has $(node --version 2>/dev/null || echo none). The npm package "node" would bring one, but npm has not run its install script: run "npm rebuild node --ignore-scripts=false", or install Node 24, and try again.
EOF
exit 1
