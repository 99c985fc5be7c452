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

# How pages look has nothing to do with the database; what they ask of it, tests/test_tenancy.py and
# those of the site see.
database="tests/accounts tests/billing tests/chat tests/knowledge tests/test_tenancy.py
  tests/e2e/test_faq_pages.py tests/e2e/test_first_answer.py tests/e2e/test_keys_page.py
  tests/e2e/test_knowledge_pages.py tests/e2e/test_life_of_a_client.py tests/e2e/test_s3.py
  tests/e2e/test_widget.py tests/site/test_admin.py tests/site/test_deletion.py
  tests/site/test_export.py tests/site/test_migrations.py tests/site/test_pages.py
  tests/site/test_worker_pool.py"
echo "On PostgreSQL and Redis:"
# shellcheck disable=SC2086 # a list of words
TEST_DATABASE=postgresql "$python" -m pytest $database "$@"
