"""All settings, each from the environment (docs/settings.md lists them).

DEBUG has three states. Unset: this machine alone, everything else defaults and is kept in var/.
true: the same with Django's debug pages. false: production, and the secrets must be given.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from chatbot_saas import queues
from chatbot_saas.lib.env import (
    env_bool,
    env_email,
    env_int,
    env_list,
    env_loopback,
    env_names,
    env_prices,
    env_rates,
    env_str,
    env_url,
    env_urls,
    kept_secret,
)
from chatbot_saas.lib.storage_url import Keys, folder_of, storage_of
from chatbot_saas.schedule import schedule

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env_str("VAR_DIR", str(BASE_DIR / "var"))).resolve()

DEBUG = env_bool("DEBUG", default=False)
PRODUCTION = "DEBUG" in os.environ and not DEBUG

SITE_NAME = env_str("SITE_NAME", "Chatbot SaaS")
SITE_URL = env_url("SITE_URL", f"http://localhost:{env_int('PORT', 8000, least=1, most=65535)}")
SECURE = SITE_URL.startswith("https://")

if PRODUCTION:
    missing = [name for name in ("SECRET_KEY", "SITE_URL") if not env_str(name)]
    if missing:
        raise ImproperlyConfigured(f"DEBUG=false needs {' and '.join(missing)}")

SECRET_KEY = env_str("SECRET_KEY") or kept_secret(VAR_DIR / "secret_key", secrets.token_urlsafe(64))
ALLOWED_HOSTS = env_list(
    "ALLOWED_HOSTS",
    (urlsplit(SITE_URL).hostname or "",)
    if PRODUCTION
    else (urlsplit(SITE_URL).hostname or "", "localhost", "127.0.0.1", "[::1]"),
)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 0, most=10)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "chatbot_saas",  # its templates for the admin go before Django's
    "chatbot_saas.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "rest_framework",
    "djstripe",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.usersessions",
    "django_htmx",
    "hijack",
    "accounts",
    "billing",
    "knowledge",
    "chat",
]

MIDDLEWARE = [
    "chatbot_saas.middleware.Security",
    "chatbot_saas.middleware.Compression",
    "chatbot_saas.middleware.ContentSecurityPolicy",
    "chatbot_saas.middleware.Session",
    "chatbot_saas.middleware.Common",
    "chatbot_saas.middleware.Csrf",
    "chatbot_saas.middleware.Authentication",
    "chatbot_saas.middleware.Messages",
    "chatbot_saas.middleware.ClickJacking",
    "chatbot_saas.middleware.Impersonation",
    "allauth.account.middleware.AccountMiddleware",
    "chatbot_saas.middleware.SessionList",
    "django_htmx.middleware.HtmxMiddleware",
    "chatbot_saas.middleware.CallerErrors",
]

ROOT_URLCONF = "chatbot_saas.urls"
ASGI_APPLICATION = "chatbot_saas.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatbot_saas.pages.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database -------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    # A writer takes the lock at BEGIN and waits for it: a read that turns into a write in the
    # middle of a transaction would be refused at once, whatever the time-out.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
        "PRAGMA cache_size=-16000; PRAGMA mmap_size=268435456; "
        # Ingestion writes the same pages again and again: the log is written back every 16 MB.
        "PRAGMA wal_autocheckpoint=4000;"
    ),
}
DATABASES = {
    "default": dj_database_url.parse(
        env_str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}"),
        conn_max_age=0,  # what a pool of connections wants
    )
}
ON_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if ON_SQLITE:
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # A new connection reads the whole schema, and the last one that is closed writes back the log.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
else:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env_int("DATABASE_POOL", 12, least=2, most=200),
    }
# dj-stripe's migrations take a minute on SQLite: the tests' tables are made from the models, and
# one test compares them with the migrations. Several processes share them: a file, not memory.
TEST_FILE = str(VAR_DIR / "test.sqlite3") if ON_SQLITE else None
DATABASES["default"]["TEST"] = {"MIGRATE": False, "NAME": TEST_FILE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache, broker, index -------------------------------------------------------------------

REDIS_URL = env_url("REDIS_URL", schemes=("redis", "rediss", "unix"))
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
# Without Redis `make run` starts one web process, and its memory is all there is to share.
SILENCED_SYSTEM_CHECKS = [
    "django_ratelimit.W001",
    *([] if REDIS_URL else ["django_ratelimit.E003"]),
]
# They look for the names of Django's classes; ours are subclasses (chatbot_saas.middleware).
SILENCED_SYSTEM_CHECKS += ["security.W001", "security.W002", "security.W003"]

CHROMA_URL = env_url("CHROMA_URL", "http://127.0.0.1:8100")
CHROMA_SHARDS = env_urls("CHROMA_SHARDS")
CHROMA_TIMEOUT = 5.0  # seconds; Chroma's own client has none and would wait for ever

CELERY_BROKER_URL = env_str("CELERY_BROKER_URL", REDIS_URL or "filesystem://")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "chatbot_saas.worker_pool:WorkerPool"
# After so long without work a process gives its memory back, and the next one begins afresh.
WORKER_IDLE_SECONDS = env_int("WORKER_IDLE_SECONDS", 60, least=1)
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = queues.SHORT
CELERY_TASK_ROUTES = queues.ROUTES
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL.startswith("filesystem:"):
    BROKER_DIR = VAR_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "processed_folder": str(BROKER_DIR / "taken"),
        "store_processed": False,
        # Seconds between looks into the folder; the default of 1 makes it one task a second.
        "polling_interval": 0.05,
    }
    for folder in ("queue", "control", "taken"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
elif CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 5}

INGEST_LEASE_SECONDS = env_int("INGEST_LEASE_SECONDS", 60, least=2)
INGEST_SLICE_SECONDS = env_int("INGEST_SLICE_SECONDS", 20, least=1)
INGEST_GATHER_MILLISECONDS = env_int("INGEST_GATHER_MILLISECONDS", 200, least=0)
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 15, least=1)
CELERY_BEAT_SCHEDULE = schedule(sweep_seconds=SWEEP_SECONDS)

# --- Files ----------------------------------------------------------------------------------

STORAGE_URL = env_str("STORAGE_URL", f"file://{VAR_DIR / 'media'}")
STORAGE_KEYS = Keys(
    env_str("AWS_ACCESS_KEY_ID"), env_str("AWS_SECRET_ACCESS_KEY"), env_str("AWS_SESSION_TOKEN")
)
MEDIA_ROOT = folder_of(STORAGE_URL, VAR_DIR / "media")
# Beside the storage: a finished upload is moved there by renaming, not copied.
FILE_UPLOAD_TEMP_DIR = MEDIA_ROOT / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
MAX_UPLOAD_BYTES = env_int("MAX_UPLOAD_BYTES", 500 * 1024 * 1024)
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
STORAGES = {
    "default": storage_of(STORAGE_URL, STORAGE_KEYS, env_str("AWS_REGION")),
    "staticfiles": {"BACKEND": "chatbot_saas.static.HashedStatic"},
}
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", VAR_DIR / "joined"]
(VAR_DIR / "joined").mkdir(parents=True, exist_ok=True)

# --- Models ---------------------------------------------------------------------------------

OPENAI_API_KEY = env_str("OPENAI_API_KEY")
OPENAI_BASE_URL = env_url("OPENAI_BASE_URL")
CHAT_MODEL = env_str("CHAT_MODEL", "gpt-4o-mini")
CHAT_FALLBACK_MODEL = env_str("CHAT_FALLBACK_MODEL")
EMBEDDING_MODEL = env_str("EMBEDDING_MODEL", "local")
EMBEDDING_SERVERS = env_urls("EMBEDDING_SERVERS")  # by the name of the model there
EMBEDDING_KEYS = env_names("EMBEDDING_KEYS")
MODEL_SILENCE_SECONDS = env_int("MODEL_SILENCE_SECONDS", 60, least=1, most=600)
STREAM_THREADS = env_int("STREAM_THREADS", 8, least=1, most=64)

# --- Other people's websites ----------------------------------------------------------------

# The name under which we come, in robots.txt too, and where it says more about us.
CRAWLER_NAME = env_str("CRAWLER_NAME", "ChatbotSaasBot")
if not re.fullmatch(r"[A-Za-z_-]{1,60}", CRAWLER_NAME):
    raise ImproperlyConfigured("CRAWLER_NAME must be a word of letters, - and _")
FETCH_USER_AGENT = f"{CRAWLER_NAME}/1.0 (+{SITE_URL}/)"
# The least time between two calls to the same website; its robots.txt may ask for more.
CRAWL_DELAY_MILLISECONDS = env_int("CRAWL_DELAY_MILLISECONDS", 1000, most=60_000)
# Names that stand for a server on this machine: how tests put up websites of their own.
FETCH_ALLOWED_PRIVATE = env_loopback("FETCH_ALLOWED_PRIVATE")
if FETCH_ALLOWED_PRIVATE and PRODUCTION:
    raise ImproperlyConfigured("FETCH_ALLOWED_PRIVATE is for tests: unset it where DEBUG=false")

# --- Limits ---------------------------------------------------------------------------------

RATE_LIMITS = env_rates(
    "RATE_LIMITS",
    {
        "session_address": "60/m",
        "chat_address": "40/m",
        "chat_visitor": "20/m",
        "chat_bot": "1200/m",
        "chat_client": "1800/m",
        "api_client": "1200/m",
        "key_link_address": "20/h",
        "key_link_account": "5/h",
        "invitation_client": "200/d",
        "csp_report_address": "60/m",
        "export_client": "10/d",
    },
)
VISITOR_TOKEN_SECONDS = env_int("VISITOR_TOKEN_SECONDS", 15 * 60, least=1)
MAX_QUESTION_CHARACTERS = 4000

# --- People and pages -----------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "landing"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# A code is typed into the page that waits for it: whoever signs up never leaves it.
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# Not SUPPORTS_CHANGE: allauth offers it only to those whose address has no account yet, which
# would tell everybody whether it has one.
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
# Passkeys need https; browsers make an exception of localhost, and so do we.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_PROVIDERS = {
    provider: {"APPS": [{"client_id": client_id, "secret": secret}]}
    for provider, client_id, secret in (
        ("google", env_str("GOOGLE_CLIENT_ID"), env_str("GOOGLE_CLIENT_SECRET")),
        ("github", env_str("GITHUB_CLIENT_ID"), env_str("GITHUB_CLIENT_SECRET")),
    )
    if client_id and secret
}
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {"disconnect": "accounts.forms.connections.ConnectionsForm"}
SOCIALACCOUNT_EMAIL_VERIFICATION = "mandatory"
SOCIALACCOUNT_LOGIN_ON_GET = False

HIJACK_PERMISSION_CHECK = "accounts.impersonation.may_impersonate"
HIJACK_INSERT_BEFORE = None  # our base template shows the banner

# Staff without a second factor are led to set one up before they see the admin.
STAFF_NEED_SECOND_FACTOR = env_bool("STAFF_NEED_SECOND_FACTOR", default=PRODUCTION)

INVITATION_DAYS = 7
KEY_LINK_MINUTES = 15
DELETION_DAYS = env_int("DELETION_DAYS", 14, most=365)
EXPORT_DAYS = 7
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]

# Notices may name members and documents: not into a cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_FAILURE_VIEW = "chatbot_saas.pages.stale_form"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 86400 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "img-src": [SELF, "data:"],
        "report-uri": "/csp-report",
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.KeyAuthentication",
        "accounts.api.MemberAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.HasClient"],
    "DEFAULT_THROTTLE_CLASSES": ["billing.api_calls.ApiCalls"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "accounts.api.error_response",
    "UNAUTHENTICATED_USER": None,
}

# --- Payments -------------------------------------------------------------------------------

STRIPE_SECRET_KEY = env_str("STRIPE_SECRET_KEY")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
STRIPE_WEBHOOK_SECRETS = env_list("STRIPE_WEBHOOK_SECRET")  # two while one replaces the other
STRIPE_API_BASE = env_url("STRIPE_API_BASE")
# What the code was written and tested against; an account's own default may be another one.
STRIPE_API_VERSION = "2026-05-27.dahlia"
# Pages of Stripe's to which a form of ours may lead.
STRIPE_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com"]
if STRIPE_API_BASE:
    STRIPE_API_HOST = STRIPE_API_BASE  # dj-stripe's name for it
    STRIPE_PAGES.append(STRIPE_API_BASE)
STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY if STRIPE_LIVE_MODE else ""
STRIPE_TEST_SECRET_KEY = "" if STRIPE_LIVE_MODE else STRIPE_SECRET_KEY
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
# Who a customer belongs to stands in our own table: metadata at Stripe must not decide it.
DJSTRIPE_SUBSCRIBER_CUSTOMER_KEY = None
# Dollars for a million tokens in and out, by which the cost of answers is counted.
CHAT_MODEL_PRICES = env_prices("CHAT_MODEL_PRICES", "0.15/0.60")
# Asked by accounts before somebody is invited or anything is changed; billing lies above it.
EDIT_CHECK = "billing.gate.require_edit"
SEAT_CHECK = "billing.limits.require_seat"
# Asked by billing how much of its plan a client has filled; they lie above it.
HOLDINGS = ["knowledge.holdings.of", "chat.holdings.of"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_links": {"()": "chatbot_saas.lib.logs.HideLinks"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"filters": ["hide_links"]},
        "uvicorn.access": {"filters": ["hide_links"]},
        # They would tell of each call that we make.
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "chromadb": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# Every mail is a row first and sent by the worker: no request waits for a mail server, and none
# tells by its time whether it sent something.
for _name, _value in env_email("EMAIL_URL").items():
    globals()[_name] = _value
MAIL_DELIVERY_BACKEND = globals()["EMAIL_BACKEND"]
EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env_str(
    "EMAIL_FROM", f"{SITE_NAME} <no-reply@{urlsplit(SITE_URL).hostname}>"
)
