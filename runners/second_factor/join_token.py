"""A new machine's worker proves with its one-time token that it is the machine that was asked for, before it serves."""

import socket

from drbot.core.base.errors import UserError
from drbot.core.base.signing import join_key, join_proof
from drbot.core.text.messages import phrase
from drbot.store.base.database import Database
from drbot.store.records import invitations


def join_site(database: Database, token: str, site: str, process: int, public_key: str) -> str:
    """The site this worker serves from now on; what it signs there is believed by its key. Raises UserError; a refusal
    of a token we know is told to people.
    """
    owner = f"{socket.gethostname()}/{process}"
    try:
        with database.write() as tx:
            found = invitations.find(tx.connection, token)
            proof = join_proof(join_key(token), found.site, public_key) if found else ""
            invitation = invitations.join(tx, token, owner, public_key=public_key, proof=proof)
            if site and site != invitation.site:
                raise UserError(
                    phrase('Joining the site "{site}".', site=site),
                    phrase("The token is for the site {site}.", site=invitation.site),
                    phrase("Name that one, or none."),
                )
    except UserError:
        with database.write() as tx:
            invitations.refuse(tx, token, owner)
        raise
    return invitation.site
