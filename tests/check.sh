#!/bin/sh
# Linters, types, layers, dependencies, templates, migrations. Stops at the first complaint.
set -eu
cd "$(dirname "$0")/.."
bin=$(dirname "${PYTHON:-.venv/bin/python}")
said=$(mktemp)
trap 'rm -f "$said"' EXIT
say() {
  printf '%-14s' "$1"
  shift
  "$@" >"$said" 2>&1 || { echo; cat "$said"; exit 1; }
  tail -1 "$said"
  [ -s "$said" ] || echo
}
say ruff "$bin/ruff" check .
say format "$bin/ruff" format --check .
say types "$bin/mypy" accounts billing knowledge chat chatbot_saas tests manage.py
say layers "$bin/lint-imports" --no-cache
say dependencies "$bin/deptry" .
say templates "$bin/djlint" templates --lint --quiet
say layout "$bin/djlint" templates --check --quiet
say migrations env VAR_DIR="${TMPDIR:-/tmp}/check-var" "$bin/python" manage.py makemigrations accounts billing knowledge chat --check --dry-run
rm -rf "${TMPDIR:-/tmp}/check-var"
