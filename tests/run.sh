#!/bin/sh
# Every check and test: first on SQLite, then what touches the database again on PostgreSQL and Redis.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

have_chromium() { "$python" -c 'from tests.services.browser import find_chromium; find_chromium()' 2>/dev/null; }
if ! have_chromium && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
have_chromium || { echo "The browser tests need Chromium: install it, or set CHROMIUM to its path." >&2; exit 1; }

sh tests/check.sh

echo "On SQLite, a folder as the broker:"
"$python" -m pytest "$@"
echo "On PostgreSQL and Redis:"
TEST_DATABASE=postgresql "$python" -m pytest tests/accounts tests/billing tests/chat tests/e2e tests/knowledge tests/test_tenancy.py tests/site/test_deletion.py tests/site/test_export.py tests/site/test_pages.py tests/site/test_migrations.py tests/site/test_worker_pool.py "$@"
