"""`enrol`: an authenticator for whoever approves. The secret is sealed for the workers at once, kept nowhere else."""

import pyotp

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.proving import by_worker
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.base.signing import roster_secret
from drbot.core.ledger.attestation import Claim, Origin, Proof, Purpose
from drbot.core.site.people import Person
from drbot.core.text.messages import phrase
from drbot.store.records import codes


def enrol(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Without a word two new QR codes; with six digits the proof that they were read."""
    sites = workers(context)
    if not sites:
        raise Refusal(
            phrase("You asked to enrol."),
            phrase("No worker has been started yet; it keeps the secrets."),
            phrase("Start one, then try again."),
        )
    typed = "".join(words.rest)
    return _confirmed(context, sites, person, typed, request.origin) if typed else _offered(context, sites, person)


def workers(context: CommandContext) -> dict[str, str]:
    """A site of every different worker that this host knows, and its public key."""
    known = context.rosters.workers
    with context.database.write() as tx:
        known.learn(tx, context.configuration.sites)
        keys = {site: known.key(tx.connection, site) for site in context.configuration.sites}
    different: dict[str, str] = {}
    for site, key in keys.items():
        if key is not None and key not in different.values():
            different[site] = key
    return different


def _offered(context: CommandContext, sites: dict[str, str], person: Person) -> Reply:
    secret = pyotp.random_base32()
    with context.database.write() as tx:
        for site, key in sites.items():
            codes.enrol(tx, site, person.id, key, secret)
    issuer, second = f"drbot {context.configuration.system}", roster_secret(secret)
    return Reply(
        text=phrase(
            "Read both QR codes with your authenticator: the first is for approvals, the second for "
            "rosters. Then send the first one's code: /dr enrol 123456. Or type these in by hand and "
            "delete them afterwards: {secret}, {second}",
            secret=secret,
            second=second,
        ),
        qrs=(
            pyotp.TOTP(secret).provisioning_uri(name=person.id, issuer_name=issuer),
            pyotp.TOTP(second).provisioning_uri(name=f"{person.id} roster", issuer_name=issuer),
        ),
    )


def _confirmed(context: CommandContext, sites: dict[str, str], person: Person, code: str, origin: Origin) -> Reply:
    claim = Claim(purpose=Purpose.ENROL, person=person.id, decision=Purpose.ENROL.value)
    for site in sites:
        _, problem = by_worker(context, site, Proof.CODE, claim, code, origin)
        if problem:
            refused = REFUSALS.get(problem, REFUSALS["unchecked"])
            raise Refusal(phrase("Site {site}.", site=site), refused, code=problem)
    return Reply(text=phrase("Enrolled. From now on an approval can be asked for a code of this authenticator."))
