"""`enrol`: an authenticator for whoever approves. The secret is sealed for the workers at once, kept nowhere else."""

import pyotp

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request, text
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.proving import by_worker
from drbot.core.attestation import Claim, Origin, Proof, Purpose
from drbot.core.people import Person
from drbot.core.refusals import REFUSALS
from drbot.core.signing import roster_secret, seal_for
from drbot.store.records import codes


def enrol(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Without a word two new QR codes; with six digits the proof that they were read."""
    sites = workers(context)
    if not sites:
        raise Refusal(
            text("You asked to enrol.", "登録していません。"),
            text("No worker has been started yet; it keeps the secrets.", "ワーカーがまだ起動していません。"),
            text("Start one, then try again.", "起動してからやり直してください。"),
        )
    typed = "".join(words.rest)
    return _confirmed(context, sites, person, typed, request.origin) if typed else _offered(context, sites, person)


def workers(context: CommandContext) -> dict[str, str]:
    """A site of every different worker, and its public key."""
    with context.database.read() as conn:
        keys = {site: codes.worker_key(conn, site) for site in context.configuration.sites}
    different: dict[str, str] = {}
    for site, key in keys.items():
        if key is not None and key not in different.values():
            different[site] = key
    return different


def _offered(context: CommandContext, sites: dict[str, str], person: Person) -> Reply:
    secret = pyotp.random_base32()
    with context.database.write() as tx:
        for site, key in sites.items():
            codes.enrol(tx, site, person.id, seal_for(key, secret.encode()))
    issuer, second = f"drbot {context.configuration.system}", roster_secret(secret)
    return Reply(
        text=text(
            "Read both QR codes with your authenticator: the first is for approvals, the second for rosters. "
            "Then send the first one's code: enrol 123456. "
            f"Or type these in by hand and delete them afterwards: {secret}, {second}",
            "2 つの QR コードを認証アプリで読み取ってください。1 つ目は承認用、2 つ目は名簿への同意用です。"
            "次に 1 つ目のコードを送ってください: enrol 123456。"
            f"手入力する場合 (後で削除してください): {secret}、{second}",
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
            raise Refusal(text(f"Site {site}.", f"拠点 {site}。"), refused, code=problem)
    return Reply(
        text=text(
            "Enrolled. From now on an approval can be asked for a code of this authenticator.",
            "登録しました。以後、承認にこの認証アプリのコードを使えます。",
        )
    )
