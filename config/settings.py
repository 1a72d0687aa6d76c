"""Concord's settings. Every value comes from the environment or has a safe default for one machine.

`CONCORD_MODE=local` (default) serves 127.0.0.1 from SQLite with nothing to install; `production` refuses to
start without a strong SECRET_KEY and its ALLOWED_HOSTS, or with debug. docs/deployment.md lists the variables.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """The variable `name`, one of `allowed`; raises ImproperlyConfigured with the list otherwise."""
    value: str = env.str(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def number(name: str, default: float, low: float, high: float) -> float:
    """The variable `name` as a number in [low, high]; raises ImproperlyConfigured otherwise."""
    raw = env.str(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {raw!r}; it must be a number.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} is {raw}; it must lie between {low} and {high}.")
    return value


def database_of(url: str) -> dict[str, Any]:
    """The database at an address; raises ImproperlyConfigured for one that names no kind of database."""
    if "://" not in url:
        raise ImproperlyConfigured(
            "DATABASE_URL is no address of a database; write one such as postgres://user:password@host:5432/name, "
            "or leave it empty for a file of this machine."
        )
    return dict(env.db_url_config(url))


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """The variable `name`, addresses or networks with commas; raises ImproperlyConfigured otherwise."""
    try:
        return [ip_network(block.strip()) for block in env.list(name, default=[]) if block.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list addresses or networks, such as 10.0.0.0/8: {error}.") from None


def refuse_unsafe(secret: str, hosts: list[str], debug: bool) -> None:
    """Raise ImproperlyConfigured for what no server that others reach may run with."""
    if len(secret) < 50 or len(set(secret)) < 5 or secret.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"SECRET_KEY is {'weak' if secret else 'not set'}; production needs its own: {MAKE_KEY}."
        )
    if not hosts or any(host.strip() in ("*", ".", "") for host in hosts):
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS is {'too wide' if hosts else 'not set'}; name the hosts this server answers for, "
            "e.g. concord.example.org."
        )
    if debug:
        raise ImproperlyConfigured("CONCORD_DEBUG shows settings and data to visitors; unset it in production.")


def keep_private(path: Path, *, folder: bool = False) -> None:
    """Make a folder or file that is its owner's only; of one that is there already, shut others out but for its group.

    What is not ours, or cannot be made, stays as it is: whoever needs it will say so.
    """
    with suppress(OSError):
        if not path.exists():
            path.mkdir(mode=0o700, parents=True) if folder else path.touch(mode=0o600)
        elif path.stat().st_uid == os.geteuid() and path.stat().st_mode & 0o007:
            path.chmod(path.stat().st_mode & 0o770)


def local_secret(path: Path) -> str:
    """A secret key made once for this machine and kept readable by its owner only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


MAKE_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
MODE = choice("CONCORD_MODE", "local", ("local", "production"))
PRODUCTION = MODE == "production"
DEBUG = env.bool("CONCORD_DEBUG", False)
VAR_DIR = Path(env.str("CONCORD_VAR", str(BASE_DIR / "var")))
keep_private(VAR_DIR, folder=True)
SECRET_KEY = env.str("SECRET_KEY", "") or ("" if PRODUCTION else local_secret(VAR_DIR / "secret_key"))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if PRODUCTION:
    refuse_unsafe(SECRET_KEY, ALLOWED_HOSTS, DEBUG)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "channels",
    "django_htmx",
    "template_partials",
    "django_tasks",
    "django_tasks_db",
    "labeling",
    "reviewers",
    "fairness",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.wellformed.Wellformed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.form_addresses.FormAddresses",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {name: f"labeling.web.templatetags.{name}" for name in ("concord", "drawing", "markdown")},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

WATCHES = ["fairness.alarms.look"]
"""What workers look for after every weighing of a batch: functions that take it and raise alarms."""
SWEEPS = ["fairness.audit.jobs.wake_all"]
"""What the sweep brings back to work beyond batches: functions without arguments."""

# --- data -------------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_of(env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'concord.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Its journals take over the rights of the file.
    if DATABASES["default"]["NAME"] not in ("", ":memory:"):
        keep_private(Path(DATABASES["default"]["NAME"]))
    # Readers never wait for writers, and writers queue instead of failing with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 16, "timeout": 5}}
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = VAR_DIR / "files"
FILE_UPLOAD_PERMISSIONS = 0o600
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Pictures may lie elsewhere, for example in S3; a picture written again is the same picture.
    "pictures": {
        "BACKEND": env.str("CONCORD_PICTURES_STORAGE", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("CONCORD_PICTURES_OPTIONS", {"allow_overwrite": True}),
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # two hundred labels have a thousand fields
MAX_UPLOAD_BYTES = int(number("CONCORD_MAX_UPLOAD_BYTES", 500_000_000, 1_000_000, 50_000_000_000))
MAX_PICTURE_BYTES = int(number("CONCORD_MAX_PICTURE_BYTES", 20_000_000, 10_000, 500_000_000))

# --- background work and live pages -------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "")
BROKER_URL = env.str("CELERY_BROKER_URL", "")
QUEUE = env.str("CONCORD_QUEUE", "concord")
WORKERS = int(number("CONCORD_WORKERS", 1, 1, 64))
CHUNK_SIZE = int(number("CONCORD_CHUNK", 64, 1, 256))
LEASE_SECONDS = number("CONCORD_LEASE_SECONDS", 30, 1, 3600)
TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "config.celery.CeleryBackend" if BROKER_URL else "django_tasks_db.DatabaseBackend",
        "QUEUES": [],
    }
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
# Without a shared layer the web process looks once a second for what the workers changed.
WATCH_SECONDS = number("CONCORD_WATCH_SECONDS", 0 if REDIS_URL else 1, 0, 60)

# --- people and sessions ------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "config.signing_in.Handler"
AXES_CLIENT_IP_CALLABLE = "config.signing_in.address_of"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
PROXIES = networks("CONCORD_PROXIES")
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
AXES_VERBOSE = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION and env.bool("CONCORD_HTTPS", True)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("CONCORD_BEHIND_PROXY", False) else None
# Subdomains and browsers' preload lists are a matter of the whole domain, which is not ours alone to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- static files, language, time ---------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = not PRODUCTION
SERVESTATIC_AUTOREFRESH = DEBUG
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TZ_NAME", "UTC")
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

# --- money and the outside ----------------------------------------------------------------------------------------
ANNOTATORS_FILE = env.str("CONCORD_ANNOTATORS", "")
MAX_TEXT_BYTES = int(number("CONCORD_MAX_TEXT_BYTES", 1_000_000, 1000, 50_000_000))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"brief": {"()": "config.away.Brief"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["brief"]}},
    "root": {"handlers": ["console"], "level": env.str("CONCORD_LOG_LEVEL", "WARNING")},
}
