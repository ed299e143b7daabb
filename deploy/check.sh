#!/usr/bin/env bash
# Checks what is deployed without a container engine: docker-compose.yml, the Dockerfile, Prometheus's rules, Grafana's
# dashboard, the systemd unit, and the configuration in this folder. Installs what it needs from Debian, PyPI and npm; the
# Python tools go to target/deploy-check.
#
#   deploy/check.sh            all of it; builds the binary to check deploy/wensheng.yaml
#   WENSHENG_BIN=path …        the same with a binary that is there already
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # command package, command package, …
  local missing=()
  while [ $# -gt 1 ]; do command -v "$1" >/dev/null 2>&1 || missing+=("$2"); shift 2; done
  [ ${#missing[@]} -eq 0 ] && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need python3 python3 promtool prometheus shellcheck shellcheck npm npm systemd-analyze systemd docker-compose docker-compose
tools="${CARGO_TARGET_DIR:-target}/deploy-check"
if ! [ -x "$tools/bin/check-jsonschema" ]; then
  python3 -m venv "$tools" 2>/dev/null || { need '' python3-venv; python3 -m venv "$tools"; }
  "$tools/bin/pip" install --quiet check-jsonschema==0.39.0 yamllint==1.38.0
fi

echo '- shell scripts'
shellcheck deploy/check.sh deploy/wensheng-ready

echo '- YAML'
"$tools/bin/yamllint" --strict --config-data \
  '{extends: default, rules: {document-start: disable, line-length: {max: 130}, braces: {max-spaces-inside: 1}, truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}}}' \
  docker-compose.yml deploy

echo '- docker-compose.yml: the Compose Specification, and the roles, files and names it speaks of'
"$tools/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec docker-compose.yml
# Debian's docker-compose resolves anchors and variables; it is older than the key `name`.
sed '/^name: /d' docker-compose.yml |
  WENSHENG_DB_PASSWORD=a WENSHENG_PSEUDONYM_KEY=b WENSHENG_WEBHOOK_TOKEN=c WENSHENG_GRAFANA_PASSWORD=d \
    docker-compose --project-directory . --file - config --quiet

echo '- Prometheus: configuration, rules and their tests'
promtool check config deploy/prometheus/prometheus.yml >/dev/null
promtool test rules deploy/prometheus/alerts.test.yml >/dev/null

echo '- Grafana: the dashboard; every metric named anywhere is one that the code has'
queries="$(mktemp --suffix .yml)"
unit="$(mktemp --directory)"
trap 'rm -rf "$queries" "$unit"' EXIT
"$tools/bin/python" deploy/check.py "$queries"
promtool check rules "$queries" >/dev/null

echo '- Dockerfile'
npx --yes dockerfile-utils@0.16.3 lint deploy/Dockerfile

echo '- systemd unit'
# Its program is not installed here.
sed 's|^ExecStart=.*|ExecStart=/bin/true|; s|^User=.*|User=root|; s|^Group=.*|Group=root|' \
  deploy/systemd/wensheng.service > "$unit/wensheng.service"
systemd-analyze verify --man=no "$unit/wensheng.service"

echo '- readiness script'
"$tools/bin/python" deploy/check.py --readiness deploy/wensheng-ready

echo '- configuration'
wensheng() { if [ -n "${WENSHENG_BIN:-}" ]; then "$WENSHENG_BIN" "$@"; else cargo run --quiet --package wensheng -- "$@"; fi; }
WENSHENG_DB_PASSWORD=a WENSHENG_PSEUDONYM_KEY=0123456789abcdef WENSHENG_WEBHOOK_TOKEN=0123456789abcdef \
  wensheng validate --config deploy/wensheng.yaml

echo 'deployment files are in order'
