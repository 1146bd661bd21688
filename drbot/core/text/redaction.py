"""Secrets are masked before anything reaches the ledger, a log file or Slack: by value and by shape.

No library was found for this: the scanners (detect-secrets, gitleaks) find secrets in repositories by entropy, and
would mask half of every log. The table below has an example each in tests/unit/core/test_redaction.py.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from drbot.core.text.messages import Message, changed

MASK = "•••"
SHORTEST = 6  # a shorter value would mask half of every text

_WORDS = (
    r"(?:pass(?:word|wd|phrase|code)|secret(?:[_-]?(?:access[_-]?)?key)?|token|requirepass|masterauth|credentials?"
    r"|(?:api|access|private|account|signing|encryption|master)[_-]?key|(?<=[_.-])(?:pwd|pass|pw|cred))"
)
_NAMED = re.compile(rf"(?i){_WORDS}\d*$")
_PLAIN = r"(?!\$[{(]|\$[A-Z_]|<|•|\*{3}|(?:null|none|true|false|yes|no)\b)"
"""What stands there instead of a secret: a variable's name, a mask, nothing."""

# In each shape the group `secret` is masked and the rest stays. None takes more than linear time: lines may be long.
SHAPES: Mapping[str, re.Pattern[str]] = {
    "private key": re.compile(r"(?s)(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z))"),
    "url with a password": re.compile(r"(?<=://)(?P<secret>[^/\s:@\"']*:[^/\s\"']+)(?=@)"),
    "url with a token": re.compile(r"(?<=://)(?P<secret>[\w.~-]{20,100})(?=@)"),
    "signed url": re.compile(
        r"(?i)[?&](?:x-amz-(?:signature|security-token|credential)|sig|signature|key)=(?P<secret>[^&\s\"']+)"
    ),
    "webhook": re.compile(
        r"(?i)(?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
        r"|webhook\.office\.com/webhookb2|api\.telegram\.org|events\.pagerduty\.com/integration"
        r"|chat\.googleapis\.com/v1/spaces|logic\.azure\.com(?::\d+)?/workflows)/(?P<secret>[^\s\"'<>]+)"
    ),
    "authorization": re.compile(
        r"(?i)authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:bearer|basic|token|digest|apikey|aws4-hmac-sha256)\s+"
        r"(?P<secret>[^\s\"'\\]+(?:,\s*\w+=[^\s\"'\\]+)*)"
    ),
    "bearer": re.compile(r"(?i)\bbearer\s+(?P<secret>(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,})"),
    "cookie": re.compile(r"(?i)\b(?:set-)?cookie[\"'\\]*:\s*(?P<secret>[^\r\n]+)"),
    "quoted value": re.compile(
        rf"(?i){_WORDS}\d*\\*[\"']?[ \t]*(?:=>|:=|[:=])[ \t]*(?P<quote>\\*[\"']){_PLAIN}"
        r"(?P<secret>(?:(?!(?P=quote))(?:\\.|[^\\\r\n]))+)"
    ),
    "quoted auth": re.compile(r"(?i)[\"']_?auth\\*[\"']\s*:\s*\\*[\"'](?P<secret>[^\"'\\]+)"),
    "assignment": re.compile(rf"(?i){_WORDS}\d*\\*[\"']?[ \t]*(?:=>|:?=)(?!=)[ \t]*{_PLAIN}(?P<secret>[^\s\"'\\]\S*)"),
    "line of yaml": re.compile(
        rf"(?im)^[ \t]*(?:- )?[\"']?[\w.-]{{0,80}}?{_WORDS}\d*[\"']?:[ \t]+{_PLAIN}(?P<secret>[^\s\"'][^\r\n]*)"
    ),
    "field": re.compile(
        rf"(?im){_WORDS}\d*[\"']?:[ \t]*{_PLAIN}(?P<secret>[^\s\"':]\S*?)"
        r"(?=[ \t]*(?:[,;}\]#|]|$)|[ \t]+[\w.-]{1,80}[:=])"
    ),
    "option": re.compile(
        rf"(?i)(?<!-)--(?!no-)[\w-]{{0,40}}?(?:{_WORDS}|pass)[ \t\"',]+{_PLAIN}(?P<secret>[^\s\"',-][^\s\"',]*)"
    ),
    "redis.conf": re.compile(r"(?i)\b(?:requirepass|masterauth)[ \t\"',]+(?P<secret>[^\s\"',<-][^\s\"',]*)"),
    "redis acl": re.compile(r"(?i)\buser \S{1,80} on [^\r\n]{0,80}?>(?P<secret>\S+)"),
    "redis-cli -a": re.compile(r"redis-cli[^\r\n]{0,200}?[ \t\"',]-a[ \t\"',]+(?P<secret>[^\s\"',]+)"),
    "redis AUTH": re.compile(r"\bAUTH[ \t]+(?:\"\w+\"[ \t]+)?\"(?P<secret>[^\"]+)\""),
    "mysql -p": re.compile(r"\b(?:mysql|mysqldump|mysqladmin|sshpass)\b[^\r\n]{0,200}?\s-p ?(?P<secret>[^\s\"',-]\S*)"),
    "curl -u": re.compile(r"\bcurl\b[^\r\n]{0,200}?\s(?:-u|--user)[ =]\S{1,80}?:(?P<secret>[^\s\"']+)"),
    "sql": re.compile(r"(?i)(?:password|identified by)\s+E?'(?P<secret>(?:''|[^'])+)'"),
    "hash of a password": re.compile(
        r"(?P<secret>SCRAM-SHA-256\$[^\s'\"]+|\$2[aby]\$\d\d\$[./\w]{53}|\$(?:5|6|y)\$\S{20,})"
    ),
    "slack token": re.compile(r"(?P<secret>\bxox[a-z](?:\.xox[a-z])?-[\w-]{8,}|\bxapp-[\w-]{8,})"),
    "github or gitlab token": re.compile(r"(?P<secret>\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,})"),
    "aws key": re.compile(r"(?P<secret>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)"),
    "jwt": re.compile(r"(?P<secret>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"),
    "seed of a key": re.compile(r"(?i)\bseed\\*[\"']\s*:\s*\\*[\"'](?P<secret>[\w+/=-]{32,})"),
    "key of a service": re.compile(
        r"(?P<secret>\b[sr]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,}|\bnpm_\w{30,}|\bAIza[\w-]{30,}|\bSG\.[\w-]{16,}\.[\w-]{16,})"
    ),
}


_NAMES = ("pass", "secret", "token", "auth", "key", "cred", "pw")
HINTS: Mapping[str, tuple[str, ...]] = {
    "url with a password": ("://",),
    "url with a token": ("://",),
    "signed url": ("sig", "token", "credential", "key"),
    "webhook": ("hooks.slack", "discord", "webhook", "telegram", "pagerduty", "chat.google", "logic.azure"),
    "authorization": ("authorization",),
    "bearer": ("bearer",),
    "cookie": ("cookie",),
    "quoted value": _NAMES,
    "quoted auth": ("auth",),
    "assignment": _NAMES,
    "line of yaml": _NAMES,
    "field": _NAMES,
    "option": _NAMES,
    "redis.conf": ("requirepass", "masterauth"),
    "redis acl": ("user ",),
    "redis-cli -a": ("redis-cli",),
    "redis AUTH": ("auth",),
    "mysql -p": ("mysql", "sshpass"),
    "curl -u": ("curl",),
    "sql": ("password", "identified by"),
    "hash of a password": ("scram", "$2", "$5$", "$6$", "$y$"),
    "slack token": ("xox", "xapp"),
    "github or gitlab token": ("gh", "github_pat", "glpat"),
    "aws key": ("akia", "asia"),
    "jwt": ("eyj",),
    "seed of a key": ("seed",),
    "key of a service": ("k_", "sk-", "npm_", "aiza", "sg."),
}
"""What a line holds, in small letters, before its shape is looked for at all: most lines hold none of it."""


class Redactor:
    """Masks the given values and everything that looks like a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without secrets; a message stays one, unless its secret lies between its words."""
        if not isinstance(text, Message):
            return self._masked(text)
        masked = changed(text, self._masked)
        plain = self._masked(f"{masked}")
        return masked if masked == plain else plain

    def _masked(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        if "PRIVATE KEY" in text:
            text = _KEY.sub(_masked, text)
        return "".join(_line_masked(line) for line in text.splitlines(keepends=True))


class LineByLine:
    """The same for a text that arrives in lines: the body of a private key is not recognised by a line alone."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._inside = False

    def __call__(self, line: str) -> str:
        if self._inside and _KEY_LINE.fullmatch(line):
            return MASK
        opened, closed = line.rfind("PRIVATE KEY-----"), line.rfind("-----END ")
        self._inside = opened >= 0 and closed < 0 and "-----BEGIN " in line
        return self._redact(line)


_KEY_LINE = re.compile(r"\s*(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info): .*)\s*")


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret: POSTGRES_PASSWORD does, POSTGRES_PASSWORD_FILE does not."""
    return _NAMED.search(name) is not None


def secret_values(named: Mapping[str, str]) -> tuple[str, ...]:
    """Values whose names say that they are secret, and the passwords inside of URLs, as written and decoded."""
    found = [value for name, value in named.items() if is_secret_name(name)]
    found += [hit["secret"].partition(":")[2] for value in named.values() for hit in _IN_URL.finditer(value)]
    return tuple(dict.fromkeys(one for value in found if value for one in (value, unquote(value))))


_IN_URL, _KEY = SHAPES["url with a password"], SHAPES["private key"]


def _line_masked(line: str) -> str:
    small = line.lower()
    for shape, hints in HINTS.items():
        if any(hint in small for hint in hints):
            line = SHAPES[shape].sub(_masked, line)
    return line


def _masked(hit: re.Match[str]) -> str:
    start, end = hit.span("secret")
    return f"{hit.string[hit.start() : start]}{MASK}{hit.string[end : hit.end()]}"
