#!/bin/sh
# Asks for known vulnerabilities of all that is pinned: vulnerabilities.sh PIP_AUDIT CONSTRAINTS.
# Ends with 0 only when the service has answered about each of them and knows of none; with 1 when
# it knows of some; with 3 when it could not be asked, which is no good news and said as such.
set -u
said=$("$1" --strict --no-deps --disable-pip --progress-spinner off -r "$2" 2>&1)
code=$?
case $said in
*"Found "*" known vulnerabilit"*)
  echo "$said"
  echo "audit: known vulnerabilities: raise the versions in $2," \
    "and the least ones in tests/operations/safe_versions.toml" >&2
  exit 1
  ;;
esac
if [ "$code" -eq 0 ]; then
  echo "audit: no known vulnerability in $2"
  exit 0
fi
echo "$said" | grep -v '^WARNING' | tail -n 1 >&2
echo "audit: NOTHING IS KNOWN about vulnerabilities: their service (https://pypi.org) could not be" \
  "asked from this machine; bandit has nothing to say; run make audit where it can be reached" >&2
exit 3
