"""What looks like a secret is masked; what people need at night to understand a log stays as it is."""

import string
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.commands.speech.event_texts import EVENT_TEXTS
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.files.runbook_file import find_runbooks, runbook_folders
from drbot.core.text.catalogue import languages
from drbot.core.text.messages import Phrase, Series, phrase, say, sentences
from drbot.core.text.redaction import HINTS, MASK, SHAPES, LineByLine, Redactor, is_secret_name, secret_values

REDACT = Redactor()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

EXAMPLES = (
    # each a shape of SHAPES, a line with {} where the secret is, and the secret
    ("url with a password", "connecting to redis://{}@cache:6379/0", ":geheim77"),
    ("url with a password", "postgresql://app:{}@db:5432/x", "geh@im77"),
    ("url with a password", '"DATABASE_URL=postgresql+psycopg://app:{}@db/x"', "geheim77"),
    ("url with a token", "fatal: unable to access 'https://{}@git.example/a.git/'", "Zk3vP9sQ1mX7tR5wY2bN"),
    ("signed url", "GET https://b.example/x.gz?X-Amz-Signature={}&a=1", "f0e1d2c3b4a5"),
    ("webhook", "POST https://hooks.slack.com/services/{}", "T01234567/B01234567/abcdefghijklmnop"),
    ("webhook", "https://discord.com/api/webhooks/{}", "1234567890/AbCdEf-123"),
    ("webhook", "https://acme.webhook.office.com/webhookb2/{}", "aa-bb@cc-dd/IncomingWebhook/ee/ff"),
    ("webhook", "https://prod-1.westeurope.logic.azure.com:443/workflows/{}", "0a1b/triggers/manual?sig=xyz"),
    ("authorization", "Authorization: Bearer {}", "geheim77"),
    ("authorization", '"Authorization": "Basic {}"', "YXBwOmdlaGVpbQ=="),
    ("authorization", "> authorization: token {}", "geheim77"),
    ("bearer", "retrying with Bearer {}", "abcdef0123456789abcdef"),
    ("cookie", "Set-Cookie: {}", "session=geheim77; Path=/"),
    ("quoted value", '{{"user": "app", "password": "{}"}}', 'geh"eim'.replace('"', '\\"')),
    ("quoted value", '{{\\"password\\":\\"{}\\"}}', "geheim77"),
    ("quoted value", '"clientSecret":"{}"', "geheim 77"),
    ("quoted value", "password: '{}'", "mit leer zeichen"),
    ("quoted auth", '"auths": {{"registry.example": {{"auth": "{}"}}}}', "YXBwOmdlaGVpbQ=="),
    ("assignment", "AWS_SECRET_ACCESS_KEY={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("assignment", "+ export PGPASSWORD={} && pg_dump", "geheim77"),
    ("assignment", "--password={}", "geheim77"),
    ("assignment", "MYSQL_PWD={}", "geheim77"),
    ("assignment", "db_pass = {}", "geheim77"),
    ("assignment", "aws_session_token={}", "geheim77"),
    ("line of yaml", "      POSTGRES_PASSWORD: {}", "correct horse battery staple"),
    ("line of yaml", "  - api_key: {}", "geheim77"),
    ("field", "postgres-1  | password: {}", "geheim77"),
    ("field", "time=1 user: app password: {} host: db", "geheim77"),
    ("option", "mongo --username app --password {} --quiet", "geheim77"),
    ("option", "restic --api-key {} ls", "geheim77"),
    ("redis.conf", "requirepass {}", "geheim77"),
    ("redis.conf", '["redis-server", "--requirepass", "{}"]', "geheim77"),
    ("redis.conf", "masterauth {}", "geheim77"),
    ("redis acl", "user default on ~* >{} +@all", "geheim77"),
    ("redis-cli -a", "redis-cli -h cache -a {} ping", "geheim77"),
    ("redis AUTH", '1700000000.1 [0 10.0.0.1:1] "AUTH" "x" AUTH "{}"', "geheim77"),
    ("mysql -p", "mysqldump -u root -p{} shop", "geheim77"),
    ("mysql -p", "sshpass -p {} ssh host", "geheim77"),
    ("curl -u", "curl -s -u app:{} https://x.example", "geheim77"),
    ("sql", "ALTER ROLE app WITH LOGIN PASSWORD '{}'", "it''s geheim"),
    ("sql", "CREATE USER app IDENTIFIED BY '{}'", "geheim77"),
    ("hash of a password", "rolpassword | {}", "SCRAM-SHA-256$4096:c2FsdA==$stored:server"),
    ("hash of a password", "hash {}", "$2b$12$" + "a" * 53),
    ("slack token", "started with {}", "xoxb-1234567890-abcdef"),
    ("slack token", "started with {}", "xapp-1-A0123-456-abcdef"),
    ("slack token", "started with {}", "xoxe.xoxp-1-Mi0yLT"),
    ("github or gitlab token", "remote: {} is not valid", "ghp_" + "a1" * 18),
    ("github or gitlab token", "remote: {} is not valid", "github_pat_" + "a1" * 20),
    ("aws key", "The AWS Access Key Id {} does not exist", "AKIAIOSFODNN7EXAMPLE"),
    ("jwt", "cannot verify {}", JWT),
    ("seed of a key", 'name "{{\\"person\\": \\"ben\\", \\"seed\\": \\"{}\\"}}"', "a1+/" * 10 + "abc="),
    ("key of a service", "stripe {}", "sk_live_" + "a1" * 10),
)

ORDINARY = (
    'FATAL:  password authentication failed for user "app"',
    "FATAL:  no pg_hba.conf entry for host 10.0.0.7, user app, database authdb, no encryption",
    "pg_dumpall --no-password --globals-only",
    "pg_dump --no-password --format directory --jobs 4 --file /dump/databases/authdb",
    "2026-11-26 03:12:05.123 UTC [1] LOG:  database system is ready to accept connections",
    "LOG:  checkpoint complete: wrote 3 buffers (0.0%); 0 WAL file(s) added; write=0.2 s, sync=0.01 s",
    "PANIC:  could not locate a valid checkpoint record at 0/1500B28",
    'ERROR:  relation "tokens" does not exist at character 15',
    "1:M 26 Nov 2026 03:12:05.001 * Ready to accept connections tcp",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "Container ai-micro-postgres-postgres-1  Started",
    "open /run/secrets/db_password: no such file or directory",
    "POSTGRES_PASSWORD_FILE=/run/secrets/db_password",
    "PWD=/home/drbot OLDPWD=/root SHLVL=1 PATH=/usr/bin:/bin",
    "environment: POSTGRES_PASSWORD=${POSTGRES_PASSWORD} PGPASSWORD=$PGPASSWORD",
    "  password: ${DB_PASSWORD}",
    '"password": null, "token": "", "secret": "***"',
    "password_encryption = scram-sha-256",
    "ssh://git@git.example:22/ops/system.git",
    "postgresql://app@db:5432/authdb?sslmode=verify-full",
    "https://registry.example/v2/library/postgres/manifests/15",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Restored all_databases_20261126_020000.sql.gz: 13 MB, 14 checks passed",
    "r7-20261126-031200-q1 is bound to seal 7K3F-Q2MD",
    "fe80::1ff:fe23:4567:890a is up, 12:34:56:78:9a:bc",
    "if token == expected: return secret != other",
    "basic authentication is off; bearer authentication is on",
    "SELECT passwd_changed_at FROM users WHERE id = 7",
    "max_tokens=5 retries=3 keys=507 expires=3",
    "The secret of the authenticator is kept by the worker.",
    "Type the one-time code of your authenticator, then the reason.",
    "redis-cli -h 127.0.0.1 --rdb /dump/dump.rdb",
    "mysqldump --host db --port 3306 shop",
    "curl -sS --fail https://api.example/health",
    "パスワード認証に失敗しました。トークンの期限切れです。",
)


@pytest.mark.parametrize(("shape", "line", "secret"), EXAMPLES)
def test_a_secret_of_each_shape_is_masked_and_the_rest_can_be_read(shape: str, line: str, secret: str) -> None:
    masked = REDACT(line.format(secret))

    assert secret not in masked and secret.strip(":") not in masked
    assert MASK in masked
    assert masked.startswith(line.format("\0").partition("\0")[0].partition("://")[0])


def test_every_shape_has_an_example_that_needs_it() -> None:
    shown = {shape for shape, line, secret in EXAMPLES if SHAPES[shape].search(line.format(secret))}

    assert shown | {"private key"} == set(SHAPES) == set(HINTS) | {"private key"}


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert REDACT(line) == line


PASSWORD = "geheim77"
URL = f"redis://cache:{PASSWORD}@cache:6379/0"
MASKED_URL = f"redis://{MASK}@cache:6379/0"


def copied(what: str) -> Phrase:
    return phrase("Not in a dump, copied from the old volume: {files}.", files=what)


def test_a_message_stays_one_in_every_language_while_what_it_names_is_masked() -> None:
    masked = REDACT(copied(URL))

    assert isinstance(masked, Phrase)
    assert masked.template == copied(URL).template and masked.values == {"files": MASKED_URL}
    assert all(say(masked, language) == say(copied(MASKED_URL), language) for language in languages())


def test_a_message_within_messages_is_masked_where_it_stands() -> None:
    masked = REDACT(sentences(copied(copied(URL)), copied("pg_hba.conf")))

    assert isinstance(masked, Series)
    assert masked == sentences(copied(copied(MASKED_URL)), copied("pg_hba.conf"))
    assert all(PASSWORD not in say(masked, language) for language in languages())


def test_a_secret_between_a_sentence_and_its_value_is_masked_though_the_message_becomes_plain() -> None:
    masked = REDACT(phrase("the worker was started with password={value}", value=PASSWORD))

    assert masked == f"the worker was started with password={MASK}"
    assert type(masked) is str


def test_a_known_secret_is_masked_where_one_message_ends_and_the_next_begins() -> None:
    redact = Redactor(["hunter2 hunter2"])

    assert redact(sentences("it said hunter2", "hunter2 again")) == f"it said {MASK} again"


def test_a_message_without_secrets_is_the_same_message() -> None:
    assert say(REDACT(copied("pg_hba.conf")), "ja") == say(copied("pg_hba.conf"), "ja")


def test_everything_drbot_says_itself_stays_as_it_is() -> None:
    texts = [path.read_text() for path in find_runbooks(runbook_folders(None)).values()]
    said = [*(one.text for one in EVENT_TEXTS.values()), *REFUSALS.values()]
    texts += [say(text, language) for text in said for language in languages()]

    assert [text for text in texts if REDACT(text) != text] == []


TALK = """postgres redis started stopped in 12 0.3 s of 4711 rows /var/lib/x.sql.gz error: at LOG: user app db-1 | (3/7)
2026-11-26T03:12:05Z -> id=7 level=info host=10.0.0.7:5432 'quoted' "both" 100% the a is not ready"""
WORDS = st.sampled_from(TALK.split())


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_lines_of_ordinary_words_stay_as_they_are(words: list[str]) -> None:
    assert REDACT(" ".join(words)) == " ".join(words)


LETTERS = string.ascii_letters + string.digits + "!#$%&()*+-./:;<=>?@[]^_`{|}~"


@given(
    st.sampled_from(("PGPASSWORD={}", 'x "password": "{}"', "  password: {}", "--requirepass {} x", "a_token={} b")),
    st.text(LETTERS, min_size=8, max_size=40).map(lambda text: f"Q{text}"),
)
def test_no_letter_of_a_password_saves_it(line: str, secret: str) -> None:
    assert secret not in REDACT(line.format(secret))


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert REDACT(REDACT(text)) == REDACT(text)


PIECES = (
    "a",
    "-",
    "--",
    "password",
    "token:",
    "://",
    "secret=",
    "redis-cli ",
    "mysql -",
    "eyJ",
    "curl ",
    " user x on ",
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_very_long_line_takes_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    started = time.monotonic()

    REDACT(text)

    assert time.monotonic() - started < 20  # seconds; a quadratic shape would take hours


def test_a_private_key_is_masked_whole_and_line_by_line() -> None:
    body = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7", "VJTUt9Us8cKjMzEfYyjiWA4R4"]
    kind = "RSA PRIVATE KEY-----"
    lines = ["before", f"-----BEGIN {kind}", "Proc-Type: 4,ENCRYPTED", *body, f"-----END {kind}"]

    whole = REDACT("\n".join([*lines, "after it"]))
    by_line = LineByLine(REDACT)
    apart = [by_line(line) for line in [*lines, "after it"]]

    assert whole == f"before\n{MASK}\nafter it"
    assert apart[0] == "before" and apart[-1] == "after it"
    assert not [line for line in apart for part in body if part in line]


def test_known_values_are_masked_wherever_they_stand() -> None:
    redact = Redactor(["hunter2hunter2", "short"])

    assert redact("ahunter2hunter2b short") == f"a{MASK}b short"


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("POSTGRES_PASSWORD", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("apiKey", True),
        ("MYSQL_PWD", True),
        ("SLACK_BOT_TOKEN", True),
        ("db-pass", True),
        ("POSTGRES_PASSWORD_FILE", False),
        ("PWD", False),
        ("TOKENIZERS", False),
        ("AWS_ACCESS_KEY_ID", False),
    ],
)
def test_a_name_says_whether_its_value_is_secret(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


def test_passwords_inside_of_urls_are_secret_values_too() -> None:
    found = secret_values({"DATABASE_URL": "postgresql://app:p%40ss%2Fword@db/x", "A_TOKEN": "t0ken77", "PORT": "5432"})

    assert set(found) == {"t0ken77", "p%40ss%2Fword", "p@ss/word"}


def test_documents_of_the_project_hold_nothing_that_is_masked_by_mistake() -> None:
    for name in ("levels.md", "runbooks.md", "reliability.md", "recovery-sites.md"):
        text = (Path(__file__).parents[3] / "docs" / name).read_text(encoding="utf-8")
        assert REDACT(text) == text
