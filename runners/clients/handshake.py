"""Would a browser accept this certificate? A whole TLS handshake in memory says so: chain, name, dates and key."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase


def accepted_until(folder: Path, name: str, roots: Path | None) -> datetime:
    """Until when fullchain.pem and privkey.pem in `folder` are good for `name`. `roots`: the CA to trust instead of
    the system's. Raises PermanentError with what a browser would say.
    """
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs = ssl.create_default_context(cafile=str(roots) if roots else None)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ours.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
        server = ours.wrap_bio(to_server, to_client, server_side=True)
        client = theirs.wrap_bio(to_client, to_server, server_hostname=name)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                with suppress(ssl.SSLWantReadError):
                    server.do_handshake()
    except (OSError, ssl.SSLError) as error:
        raise PermanentError(
            phrase("the certificate for {name} in {folder}: {why}", name=name, folder=folder, why=error)
        ) from error
    seconds = ssl.cert_time_to_seconds(str((client.getpeercert() or {})["notAfter"]))
    return datetime.fromtimestamp(seconds, UTC)
