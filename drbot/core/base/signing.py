"""A key pair from 32 random bytes: what its owner signs, what is sealed for the owner, and codes two owners share.

A person has one (`drbot dr key new`, its public part in dr.yml) and every worker has one. Pure: files are the callers'.
"""

import base64
import hashlib
import hmac
import secrets
from binascii import Error as NoBase64

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "drbot1:"
BYTES = 32
PHONE_LETTERS = 10  # of base32: 50 bits, two groups that can be read over the phone
_ONCE = b"\0" * 12  # the nonce may be constant: every sealed text has a key of its own


class KeyPair:
    """The private half; `public` may be shown to anybody."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != BYTES:
            raise ValueError("a key has 32 bytes")
        self.seed = seed
        self._signing = Ed25519PrivateKey.from_private_bytes(_derived(seed, b"drbot signing"))
        self._exchange = X25519PrivateKey.from_private_bytes(_derived(seed, b"drbot exchange"))

    @classmethod
    def new(cls) -> "KeyPair":
        return cls(secrets.token_bytes(BYTES))

    @property
    def public(self) -> str:
        """One line of text, for dr.yml and for the workers' table."""
        halves = (self._signing.public_key(), self._exchange.public_key())
        return PREFIX + _text(b"".join(half.public_bytes_raw() for half in halves))

    @property
    def text(self) -> str:
        """All of it, as it lies in its file: nobody is ever shown that."""
        return base64.b64encode(self.seed).decode()

    def sign(self, statement: bytes) -> str:
        return _text(self._signing.sign(statement))

    def open(self, sealed: str, about: bytes) -> bytes:
        """What somebody sealed for the owner, and for `about` alone. Raises ValueError for anything else."""
        try:
            raw = _bytes(sealed)
            shared = self._exchange.exchange(X25519PublicKey.from_public_bytes(raw[:BYTES]))
            return ChaCha20Poly1305(_derived(shared, raw[:BYTES])).decrypt(_ONCE, raw[BYTES:], about)
        except InvalidTag as error:
            raise ValueError("it was not sealed for this key, or not for this") from error

    def phone_code(self, other: str, statement: bytes) -> str:
        """The short code for a statement that only this owner and the owner of `other` can work out."""
        shared = self._exchange.exchange(X25519PublicKey.from_public_bytes(halves_of(other)[1]))
        digest = hmac.digest(_derived(shared, b"drbot phone"), statement, "sha256")
        letters = base64.b32encode(digest).decode()[:PHONE_LETTERS]
        return f"{letters[:5]}-{letters[5:]}"


def is_public(text: str) -> bool:
    try:
        return all(len(half) == BYTES for half in halves_of(text))
    except ValueError:
        return False


def verify(public: str, statement: bytes, signature: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(halves_of(public)[0]).verify(_bytes(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def seal_for(public: str, secret: bytes, about: bytes) -> str:
    """Text that only the owner of `public` can open, and only as said about this. Raises ValueError for what is no
    public key.
    """
    once = X25519PrivateKey.generate()
    own = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(halves_of(public)[1]))
    return _text(own + ChaCha20Poly1305(_derived(shared, own)).encrypt(_ONCE, secret, about))


def fingerprint(public: str) -> str:
    """A short name of a public key, for people to compare."""
    letters = base64.b32encode(hashlib.sha256(public.encode()).digest()).decode()
    return f"{letters[:4]}-{letters[4:8]}"


def roster_secret(secret: str) -> str:
    """The authenticator's second secret, in base32 like the first: its codes accept rosters and nothing else."""
    return base64.b32encode(_derived(secret.encode(), b"drbot roster")).decode().rstrip("=")


def join_key(token: str) -> bytes:
    """What whoever made a one-time token keeps of it: by it a key is known that the token's user names."""
    return _derived(token.encode(), b"drbot join")


def join_proof(key: bytes, site: str, public: str) -> str:
    """Proof that the user of the token named this public key; for which incident, whoever made the token remembers."""
    return _text(hmac.digest(key, f"{site}\n{public}".encode(), "sha256"))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=BYTES, salt=None, info=purpose).derive(secret)


def halves_of(public: str) -> tuple[bytes, bytes]:
    """What signs and what is sealed for: who shares either with another may act as them, however the text is spelt.
    Raises ValueError for what is no public key.
    """
    raw = _bytes(public.removeprefix(PREFIX)) if public.startswith(PREFIX) else b""
    if len(raw) != 2 * BYTES:
        raise ValueError("not the public part of a drbot key")
    return raw[:BYTES], raw[BYTES:]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except NoBase64 as error:
        raise ValueError("not base64") from error
