"""One settings file for every environment; what differs comes from environment variables.

The table of variables is in docs/operating.md. `loyalty_site.environment` says where a value is looked for.
What grows with every app stands beside: `registries` (what each contributes), `schedule` (what runs when) and
`look` (of the console).
"""

import json
from datetime import timedelta
from decimal import Decimal
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
import structlog
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from loyalty_site.environment import BASE_DIR, DATA_DIR, read, read_flag
from loyalty_site.logs import CodelessFormatter
from loyalty_site.look import *  # noqa: F403
from loyalty_site.registries import *  # noqa: F403
from loyalty_site.schedule import *  # noqa: F403

# --- Process ---
DEBUG = read_flag("DEBUG")
SECRET_KEY = read("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY, or start the embedded services with `make run`.")
ENVIRONMENT = read("ENVIRONMENT", "demo")  # production, sandbox or demo: shown as a badge in the console
ALLOWED_HOSTS = [host.strip() for host in read("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")]
CSRF_TRUSTED_ORIGINS = [origin for origin in read("CSRF_TRUSTED_ORIGINS").split(",") if origin]
PUBLIC_URL = read("PUBLIC_URL", f"http://127.0.0.1:{read('PORT', '8000')}").rstrip("/")
HTTPS = PUBLIC_URL.startswith("https://")

# --- Applications ---
INSTALLED_APPS = [
    "loyalty_site.apps.SiteConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "loyalty_site.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_countries",
    "django_celery_beat",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_structlog",
    "operations",
    "customers",
    "coupons",
    "loyalty",
    "referrals",
    "campaigns",
    "analytics",
]
AUTH_USER_MODEL = "operations.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "loyalty_site.urls"
WSGI_APPLICATION = "loyalty_site.wsgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "operations.middleware.UnavailableDatabaseMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "loyalty_site.api_calls.ApiCallMiddleware",  # What follows is for people's pages.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "loyalty_site.staff.language.StaffLanguageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "operations.middleware.NulCharacterMiddleware",
    "loyalty_site.staff.sessions.SessionLimitMiddleware",
    "loyalty_site.staff.second_factor.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]
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
                "loyalty_site.console.staff_page_context",
            ],
        },
    }
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # So that templates/ may replace a widget's.

# --- Services ---
env = environ.Env()
DATABASE_URL = read("DATABASE_URL")
if not DATABASE_URL:
    raise ImproperlyConfigured("Set DATABASE_URL, or start the embedded services with `make run`.")


def database_host(database_url: str, host: str) -> str:
    """Return the host; a percent-encoded one is a socket's folder, whose letters keep their case."""
    address = urlsplit(database_url).netloc.rpartition("@")[2]
    return unquote(address.partition(":")[0]) if address.upper().startswith("%2F") else host


DATABASE = env.db_url_config(DATABASE_URL)
DATABASES = {
    "default": DATABASE
    | {
        "ENGINE": "operations.postgresql",
        "HOST": database_host(DATABASE_URL, DATABASE["HOST"]),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            "application_name": "fidelio",
            # What is prepared (operations.statements) is prepared so as not to be planned again.
            "options": "-c plan_cache_mode=force_generic_plan",
        },
    }
}
CELERY_BROKER_URL = read("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")


def cache_url(broker_url: str) -> str:
    """Return the cache's address: database 1 of the broker's server."""
    parts = urlsplit(broker_url)
    if parts.scheme == "redis+socket":
        return f"unix://{parts.path}?db=1"
    return parts._replace(path="/1").geturl()


CACHE_URL = read("CACHE_URL") or cache_url(CELERY_BROKER_URL)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}}
EMAIL_URL = read("EMAIL_URL", "smtp://127.0.0.1:2525")
vars().update(env.email_url_config(EMAIL_URL))
DEFAULT_FROM_EMAIL = read("DEFAULT_FROM_EMAIL", "Fidelio <no-reply@fidelio.example>")
EMAIL_TIMEOUT = 10
# Mails by a provider's API in place of SMTP: its name in django-anymail (postmark, mailgun, brevo ...), and
# anymail's settings for it, as JSON.
EMAIL_ESP = read("EMAIL_ESP").lower()
ANYMAIL = {"IGNORE_UNSUPPORTED_FEATURES": True, "REQUESTS_TIMEOUT": EMAIL_TIMEOUT} | json.loads(
    read("ANYMAIL", "{}")
)
# Under which names the keys that sign our mails are published; and whom to ask instead of the machine's own
# name servers.
DKIM_SELECTORS = [name for name in read("DKIM_SELECTORS").replace(" ", "").split(",") if name]
DNS_SERVERS = [name for name in read("DNS_SERVERS").replace(" ", "").split(",") if name]
CHANNEL_FAULTS = json.loads(read("CHANNEL_FAULTS", "{}"))  # For tests: campaigns/channels/faults.py.
# Who carries SMS: twilio://SID:TOKEN@api.twilio.com?from=..., https://gateway/send?to={to}&text={text}, or
# inbox: for the demo's own, where nothing leaves.
SMS_URL = read("SMS_URL", "inbox:" if ENVIRONMENT == "demo" else "")
SMS_METHOD = read("SMS_METHOD", "POST").upper()
SMS_HEADERS = json.loads(read("SMS_HEADERS", "{}"))
SMS_HOOK_SECRET = read("SMS_HOOK_SECRET")
# Whom a push service writes to when our notifications trouble it; the service account that sends to apps.
PUSH_CONTACT = read("PUSH_CONTACT", f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}")
FCM_CREDENTIALS = read("FCM_CREDENTIALS")
FCM_URL = "https://fcm.googleapis.com"
# Whether addresses typed into the console may lead to this machine, by http too: for development only.
ALLOW_LOOPBACK_WEBHOOKS = read_flag("ALLOW_LOOPBACK_WEBHOOKS")
# How long a process holds the messages it claimed; four times that for the one it is sending, which is longer
# than a send can take with every time-out.
MESSAGE_LEASE_SECONDS = float(read("MESSAGE_LEASE_SECONDS", "30"))
MESSAGE_PUMPS_PER_LANE = int(read("MESSAGE_PUMPS_PER_LANE", "2"))
# Connections of one pump to the database and to the provider: one sends while another waits.
MESSAGE_CONNECTIONS = int(read("MESSAGE_CONNECTIONS", "2"))

# --- Celery: the clock and the doorbell ---
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- The programme ---
# A pair of customers weighs at least this to be shown to somebody, and this to merge by itself.
DUPLICATE_REVIEW_WEIGHT = Decimal(read("DUPLICATE_REVIEW_WEIGHT", "14"))
DUPLICATE_MERGE_WEIGHT = Decimal(read("DUPLICATE_MERGE_WEIGHT", "30"))
PROGRAMME_NAME = read("PROGRAMME_NAME", "Fidelio")
PROGRAMME_CURRENCY = read("PROGRAMME_CURRENCY", "EUR")
PROGRAMME_TIME_ZONE = read("PROGRAMME_TIME_ZONE", "Europe/Rome")
PROGRAMME_COUNTRY = read("PROGRAMME_COUNTRY", "IT")
# Where a refund goes first when a return does not say: CARD_FIRST, CASH_FIRST or PROPORTIONAL; and whether
# the last unit returned gives back the uses of codes and budgets: FULL_ONLY or NEVER.
RETURN_POLICY = read("RETURN_POLICY", "CARD_FIRST")
RETURN_RESTORES_USAGE = read("RETURN_RESTORES_USAGE", "FULL_ONLY")
# Points that a return should take back and that were spent: ZERO_FLOOR forgets them, DEBT takes them from the
# next earnings, WRITE_OFF gives them up and writes that down.
POINTS_SHORTFALL = read("POINTS_SHORTFALL", "ZERO_FLOOR")
# For how many days an order can be returned: rules may keep its points pending until then.
RETURN_WINDOW_DAYS = int(read("RETURN_WINDOW_DAYS", "14"))
# What makes a profile complete, for the event profile.completed: names of a customer's own fields, and email,
# phone or loyalty_card for having one.
COMPLETE_PROFILE = read("COMPLETE_PROFILE", "first_name last_name email birth_date postcode").split()
# After how many months without activity profiling and marketing end (GDPR, article 5); 0 for never. Durable
# goods need longer. The demo's year is in the past.
RETENTION_PROFILING_MONTHS = int(
    read("RETENTION_PROFILING_MONTHS", "12" if ENVIRONMENT == "production" else "0")
)
RETENTION_MARKETING_MONTHS = int(
    read("RETENTION_MARKETING_MONTHS", "24" if ENVIRONMENT == "production" else "0")
)
# At most one offer to a household in so many days, whichever member it goes to; 0 writes to everybody.
HOUSEHOLD_CAP_DAYS = int(read("HOUSEHOLD_CAP_DAYS", "0"))
# How members' cards are numbered: the first digits, and how many in all, the last one a check digit. With 13
# and a prefix from 20 to 29 they are EAN-13; longer ones are drawn as Code 128.
CARD_NUMBER_PREFIX = read("CARD_NUMBER_PREFIX", "29")
CARD_NUMBER_DIGITS = int(read("CARD_NUMBER_DIGITS", "16"))
# Passes for Apple Wallet: PEM, or the path of its file, of the certificate of the pass type with its key, and
# of Apple's intermediate certificate.
WALLET_APPLE_CERTIFICATE = read("WALLET_APPLE_CERTIFICATE")
WALLET_APPLE_PASSWORD = read("WALLET_APPLE_PASSWORD")
WALLET_APPLE_AUTHORITY = read("WALLET_APPLE_AUTHORITY")
WALLET_APPLE_PUSH_URL = "https://api.push.apple.com"
# Passes for Google Wallet: the issuer's number, and the service account's JSON or the path of its file.
WALLET_GOOGLE_ISSUER = read("WALLET_GOOGLE_ISSUER")
WALLET_GOOGLE_CREDENTIALS = read("WALLET_GOOGLE_CREDENTIALS")
WALLET_GOOGLE_URL = "https://walletobjects.googleapis.com"
# How long a link opens the page of a member.
MEMBER_LINK_DAYS = int(read("MEMBER_LINK_DAYS", "365"))
# How long the link of a double opt-in confirms.
DOUBLE_OPT_IN_DAYS = int(read("DOUBLE_OPT_IN_DAYS", "7"))
# What one point pays at the till, in minor units of the programme's currency; and how many incentives one
# order takes in all (empty: any number).
POINT_VALUE_AMOUNT = int(read("POINT_VALUE_AMOUNT", "1"))
# How many points a person of the staff may give or take by hand a day before somebody else has to agree; and
# whether the members of a household who both agreed may give each other points.
POINTS_DAILY_LIMIT = int(read("POINTS_DAILY_LIMIT", "5000"))
POINTS_TRANSFERS = read("POINTS_TRANSFERS", "household")
if POINTS_TRANSFERS not in ("household", "off"):
    raise ImproperlyConfigured("POINTS_TRANSFERS is household or off.")
# What the programme costs beside its incentives, in minor units: a thousand messages, a thousand
# text messages, and a month of it.
THOUSAND_MESSAGES_AMOUNT = int(read("THOUSAND_MESSAGES_AMOUNT", "0"))
THOUSAND_SMS_AMOUNT = int(read("THOUSAND_SMS_AMOUNT", "0"))
PROGRAMME_FIXED_MONTHLY_AMOUNT = int(read("PROGRAMME_FIXED_MONTHLY_AMOUNT", "0"))
# A promotion redeemed so often in an hour, and so many times more than in its busiest hour of a week, is an
# alert; and so is a public code used by so many people in an hour who never bought before.
UNUSUAL_REDEMPTIONS_AN_HOUR = int(read("UNUSUAL_REDEMPTIONS_AN_HOUR", "30"))
UNUSUAL_NEWCOMERS_AN_HOUR = int(read("UNUSUAL_NEWCOMERS_AN_HOUR", "15"))
UNUSUAL_TIMES_FASTER = int(read("UNUSUAL_TIMES_FASTER", "5"))
MOST_INCENTIVES_PER_ORDER = int(read("MOST_INCENTIVES_PER_ORDER", "0")) or None
# What an agent may give in apologies a day where no allowance says otherwise, and the most that one by
# percent takes off when no order is named; minor units of the programme's currency.
APOLOGY_DAILY_AMOUNT = int(read("APOLOGY_DAILY_AMOUNT", "5000"))
# What one customer may get in apologies within 30 days, from anybody, before another person has to agree.
APOLOGY_CUSTOMER_AMOUNT = int(read("APOLOGY_CUSTOMER_AMOUNT", "15000"))
APOLOGY_PERCENT_LIMIT = int(read("APOLOGY_PERCENT_LIMIT", "2000"))
# What a person may put on gift cards by hand a day before somebody else has to agree; minor units.
GIFT_CARD_DAILY_AMOUNT = int(read("GIFT_CARD_DAILY_AMOUNT", "20000"))
# A campaign that can write to more people than this needs the agreement of another person; 0: none does.
CAMPAIGN_APPROVAL_RECIPIENTS = int(read("CAMPAIGN_APPROVAL_RECIPIENTS", "10000"))
# Hours after its last change without an order in which a cart is left behind.
CART_ABANDONED_HOURS = float(read("CART_ABANDONED_HOURS", "4"))
# How many proxies of ours stand in front and write X-Forwarded-For: limits per address count what they saw.
PROXIES_IN_FRONT = int(read("PROXIES_IN_FRONT", "0"))
# How often one address may ask for a code on landing pages within ten minutes, and what makes a leak: so many
# visits within a day from a site that was never seen before and that is not among these.
LANDING_REQUESTS_PER_ADDRESS = int(read("LANDING_REQUESTS_PER_ADDRESS", "20"))
UNUSUAL_VISITS_A_DAY = int(read("UNUSUAL_VISITS_A_DAY", "30"))
KNOWN_REFERRERS = [host.strip().lower() for host in read("KNOWN_REFERRERS").split(",") if host.strip()]
# How many whole months of events are kept; all of them when empty.
EVENT_RETENTION_MONTHS = int(read("EVENT_RETENTION_MONTHS", "0")) or None

# --- Language and time ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("it", _("Italian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["loyalty_site.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = PROGRAMME_TIME_ZONE

# --- Files ---
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "loyalty_site.static_files.StaticFiles"},
}
MEDIA_ROOT = DATA_DIR / "media"
# Who was erased, by public id: kept apart from the database, so that a restored dump can forget them again.
ERASURE_LEDGER = Path(read("ERASURE_LEDGER") or DATA_DIR / "erasures.ndjson")
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Staff login ---
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
SESSION_COOKIE_AGE = 8 * 3600
# A message may show a new API key once: it stays on the server, never in a cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_IDLE_SECONDS = 30 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "loyalty_site.error_pages.csrf_failure"
LOGIN_URL = "/console/account/login/"
LOGIN_REDIRECT_URL = "/console/"
AXES_LOCKOUT_CALLABLE = "loyalty_site.staff.login.locked_out"
AXES_ENABLE_ADMIN = False
ACCOUNT_ADAPTER = "loyalty_site.staff.adapters.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False  # The cookie goes with the browser; SessionLimitMiddleware is stricter.
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_REAUTHENTICATION_TIMEOUT = (
    900  # Seconds for which who gives money away need not prove again who they are.
)
MFA_ADAPTER = "loyalty_site.staff.adapters.StaffMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
REQUIRE_SECOND_FACTOR = read_flag("REQUIRE_SECOND_FACTOR", ENVIRONMENT == "production")
SECOND_FACTOR_GROUPS = ["Marketer", "Agent", "Supervisor", "Analyst", "Administrator"]
SECRET_KEY_FALLBACKS = [key for key in read("SECRET_KEY_FALLBACKS").split(",") if key]
# What the codes of gift cards are hashed with, the one in use first: without it no card is found any more.
GIFT_CARD_PEPPERS = [pepper for pepper in read("GIFT_CARD_PEPPERS").split(",") if pepper] or [
    f"gift cards\n{key}" for key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)
]

# --- Browser security ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"

# --- The partner API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["operations.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["operations.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["operations.api.throttling.ClientRateThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["operations.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "operations.api.negotiation.OneFormatFirst",
    "DEFAULT_PAGINATION_CLASS": "operations.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "operations.api.problems.handle_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fidelio API",
    "DESCRIPTION": "What a shop, a till, a help desk or a data pipeline can rely on.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "CampaignLanguageEnum": "campaigns.api.campaign_input.LANGUAGES",
        "CampaignTriggerEnum": "campaigns.models.campaign.CampaignVersion.Trigger",
        "ConsentChannelEnum": "customers.models.consent.CONSENT_CHOICES",
        "ConsentStateEnum": "customers.models.consent.ConsentState",
        "CouponStatusEnum": "coupons.models.coupon.Coupon.Status",
        "ChallengeKindEnum": "loyalty.models.challenge.Challenge.Kind",
        "ChallengeMetricEnum": "loyalty.models.challenge.Challenge.Metric",
        "ChallengeWindowEnum": "loyalty.models.challenge.Challenge.Window",
        "DrawKindEnum": "loyalty.models.draw.Draw.Kind",
        "DrawPeriodEnum": "loyalty.models.draw.Period",
        "EarningRuleKindEnum": "loyalty.rules.terms.Kind",
        "GameSpanEnum": "loyalty.progress.Span",
        "GiftCardReasonEnum": "coupons.models.gift_card.GiftCard.Reason",
        "GiftCardStatusEnum": "coupons.models.gift_card.GiftCard.Status",
        "LeaderboardMetricEnum": "loyalty.models.leaderboard.Leaderboard.Metric",
        "LedgerEntryTypeEnum": "coupons.models.ledger.LedgerEntry.Kind",
        "MembershipPeriodEnum": "loyalty.models.membership.MembershipPlan.Period",
        "MilestoneMetricEnum": "loyalty.models.milestone.Milestone.Metric",
        "PartnerPostingKindEnum": "loyalty.models.partner.PartnerPosting.Kind",
        "RewardKindEnum": "loyalty.models.reward.Reward.Kind",
        "SiteLanguageEnum": "django.conf.settings.LANGUAGES",
        "TierMetricEnum": "loyalty.models.tier.TierLadder.Metric",
        "TierWindowEnum": "loyalty.models.tier.TierLadder.Window",
        "PromotionStatusEnum": "coupons.models.promotion.Promotion.Status",
        "RedemptionKindEnum": "coupons.models.redemption.Redemption.Kind",
        "CustomerKindEnum": "customers.models.customer.Customer.Kind",
        "CustomerStatusEnum": "customers.models.customer.Customer.Status",
        "DeliveryChannelEnum": "coupons.api.fields.DELIVERED_BY",
        "MessageChannelEnum": "customers.models.consent.Channel",
        "IdentityNamespaceEnum": "customers.models.identity.Namespace",
        "LeadStageEnum": "customers.models.lead.LeadStage",
        "LeadMoveEnum": "customers.api.prospects.SETTABLE",
        "SegmentMapKindEnum": "analytics.models.segment_map.RfmSegmentMap.Kind",
        "RunStatusEnum": "analytics.models.prediction.RunStatus",
        "RfmScheduleEnum": "analytics.models.rfm.RfmModel.Schedule",
        "ScheduleEnum": "analytics.models.prediction.Schedule",
        "SurveyKindEnum": "analytics.models.survey.Survey.Kind",
        "SurveyQuestionKindEnum": "analytics.models.survey.SurveyQuestion.Kind",
        "SurveyStatusEnum": "analytics.models.survey.Survey.Status",
        "SurveyOriginEnum": "analytics.models.survey.SurveyResponse.Origin",
        "SurveyRewardEnum": "analytics.models.survey.SurveyParticipation.Reward",
        "SegmentKindEnum": "customers.models.segment.Segment.Kind",
        "SegmentRefreshEnum": "customers.models.segment.Segment.Refresh",
        "OrderStatusEnum": "customers.models.order.Order.Status",
        "RedemptionStatusEnum": "coupons.models.redemption.RedemptionStatus",
        "StopModeEnum": "coupons.models.promotion.Promotion.StopMode",
    },
}

# --- Logs: structured, customer ids only ---
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # An address is a person's.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": CodelessFormatter,
            "processor": structlog.dev.ConsoleRenderer(colors=False)
            if DEBUG
            else structlog.processors.JSONRenderer(),
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": read("LOG_LEVEL", "WARNING")},
}
