"""Route 53, where names lead, and a name server, where users are told so. Only `change` changes anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dns.exception
import dns.resolver
from botocore.exceptions import ClientError

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.site import Dns
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients import aws
from drbot.runners.clients.cloud_errors import REFUSED, cloud_errors, code_of
from drbot.runners.foundation.permit import Permit
from drbot.runners.foundation.permit import name as name_subject

ASK_SECONDS = 3.0
LEAD_TOO = frozenset({"AAAA", "CNAME", "HTTPS", "SVCB"})
"""Records beside A that say where a service is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    addresses: tuple[str, ...]
    ttl: int  # seconds


class NameService:
    """The zone of `settings`. Connects at the first use."""

    def __init__(self, settings: Dns) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> Any:  # boto3 makes its clients at run time
        return aws.client_at("route53", self.settings, 20)

    def zone(self) -> str:
        """The zone's id. Raises PermanentError when this account has none of that name."""
        name = self.settings.zone.rstrip(".") + "."
        with cloud_errors("route53:ListHostedZonesByName", phrase("the zone {zone}", zone=name)):
            found = self.client.list_hosted_zones_by_name(DNSName=name)["HostedZones"]
        for zone in found:
            if zone["Name"] == name and not zone.get("Config", {}).get("PrivateZone"):
                return str(zone["Id"]).removeprefix("/hostedzone/")
        raise PermanentError(phrase("this Route 53 account has no public zone {name}", name=name))

    def records(self) -> Mapping[str, Record]:
        """The A records of our names, as Route 53 has them; a name without one is missing. Raises PermanentError for a
        name that leads some users in another way: whoever follows that one would stay where they are.
        """
        zone, found = self.zone(), {}
        for name in self.settings.names:
            with cloud_errors("route53:ListResourceRecordSets", phrase("the records of {name}", name=name)):
                sets = self.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName=name)
            for one in sets["ResourceRecordSets"]:
                if one["Name"].rstrip(".") != name.rstrip("."):
                    continue
                if one["Type"] in LEAD_TOO:
                    raise PermanentError(
                        phrase(
                            "{name} also has {kind} records, but drbot changes only A records: users who follow "
                            "the others would not be moved. Remove them before users are moved",
                            name=name,
                            kind=one["Type"],
                        )
                    )
                if one["Type"] == "A":
                    found[name] = _record(name, one)
        return found

    def change(self, records: Mapping[str, Record], permit: Permit) -> str:
        """Let the names lead there, all of them or none. The id of the change."""
        permit.require(*(name_subject(name, record.addresses) for name, record in records.items()))
        changes = [
            {
                "Action": "UPSERT",
                "ResourceRecordSet": {
                    "Name": name,
                    "Type": "A",
                    "TTL": record.ttl,
                    "ResourceRecords": [{"Value": address} for address in record.addresses],
                },
            }
            for name, record in records.items()
        ]
        zone = self.zone()
        with cloud_errors("route53:ChangeResourceRecordSets", phrase("changing {names}", names=listed(records))):
            done = self.client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        return str(done["ChangeInfo"]["Id"]).removeprefix("/change/")

    def is_in_sync(self, change: str) -> bool:
        """Whether all of Route 53's servers answer it."""
        with cloud_errors("route53:GetChange", phrase("the change {change}", change=change)):
            return bool(self.client.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC")

    def require_right_to_change(self) -> None:
        """Ask for something that no zone would do, to learn whether we may ask at all. Raises PermanentError.

        A record that does not exist cannot be removed: Route 53 looks at the permission first, and changes nothing.
        """
        zone, name = self.zone(), f"drbot-asks-for-its-rights.{self.settings.zone.rstrip('.')}."
        absent = {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"nothing"'}]}
        with cloud_errors(
            "route53:ChangeResourceRecordSets", phrase("changing the zone {zone}", zone=self.settings.zone)
        ):
            try:
                self.client.change_resource_record_sets(
                    HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": absent}]}
                )
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if code_of(error) in REFUSED or status != 400:
                    raise

    def ask(self, name: str) -> tuple[str, ...]:
        """Where a name server says that the name leads; empty when it knows no such name. Raises TemporaryError."""
        resolver = dns.resolver.Resolver(configure=self.settings.server is None)
        if self.settings.server:
            host, _, port = self.settings.server.rpartition(":")
            resolver.nameservers, resolver.port = [host], int(port)
        try:
            return tuple(sorted(str(one) for one in resolver.resolve(name, "A", lifetime=ASK_SECONDS)))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            raise TemporaryError(
                phrase("asking for {name}: {why}", name=name, why=str(error) or type(error).__name__)
            ) from error

    def led(self) -> frozenset[str]:
        """Every address that our names lead users to, by Route 53 and by the name server. Raises PermanentError,
        TemporaryError when one of them cannot say.
        """
        recorded = [address for record in self.records().values() for address in record.addresses]
        return frozenset(recorded).union(*map(self.ask, self.settings.names))

    def told(self, name: str) -> tuple[str, ...] | None:
        """The same; None while no name server answers."""
        try:
            return self.ask(name)
        except TemporaryError:
            return None


def _record(name: str, one: Mapping[str, Any]) -> Record:
    if "AliasTarget" in one or "SetIdentifier" in one:
        raise PermanentError(
            phrase("{name} is an alias or has a routing policy; drbot only changes plain A records", name=name)
        )
    addresses = tuple(sorted(str(value["Value"]) for value in one["ResourceRecords"]))
    return Record(addresses=addresses, ttl=int(one["TTL"]))
