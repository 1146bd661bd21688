"""What a rented machine costs: an estimate by the price that dr.yml gives, for drbot itself knows none."""

from datetime import datetime

from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.core.text.words import ago

SECONDS_OF_AN_HOUR = 3600


def cost_of(configuration: Configuration, site: str) -> str | None:
    """The price of an hour, "0.0832 USD", as dr.yml says for this site."""
    known = configuration.sites.get(site)
    return known.provision.hourly if known is not None and known.provision is not None else None


def cost_text(hourly: str | None, since: datetime, now: datetime) -> str:
    if hourly is None:
        return phrase("cost unknown (no `hourly` in dr.yml)")
    price, currency = hourly.split()
    amount = float(price) * ago(since, now).total_seconds() / SECONDS_OF_AN_HOUR
    return phrase(
        "about {amount} {currency} so far ({hourly} an hour)", amount=f"{amount:,.2f}", currency=currency, hourly=hourly
    )
