"""What level 4 may ask for: a machine, its worker, names, a certificate, and the look from outside.

A file of its own so that core/runbooks/actions.py stays readable; that is where these are looked up.
"""

from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.text.messages import phrase

CENTRE_ACTIONS = (
    ActionDeclaration(
        name="host.provision",
        parameters={"site": "site"},
        effect="change",
        brings=True,
        touches=("site",),
        makes="site",
        sentence=phrase("Create the machine of a site: with Terraform, otherwise one EC2 instance"),
    ),
    ActionDeclaration(
        name="host.release",
        parameters={"site": "site"},
        effect="change",
        touches=("site",),
        takes_back="site",
        sentence=phrase("Give back the machine that this run created"),
    ),
    ActionDeclaration(
        name="worker.join",
        parameters={"site": "site", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence=phrase("Wait until the new machine's worker has joined with its one-time token"),
    ),
    ActionDeclaration(
        name="dns.change",
        parameters={"site": "site", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="destroy",
        touches=("site",),
        sentence=phrase("Point DNS at a site and wait until every name server says so"),
    ),
    ActionDeclaration(
        name="dns.change_back",
        parameters={"site": "site"},
        optional=frozenset({"site"}),
        effect="destroy",
        touches=("site",),
        sentence=phrase("Point DNS back to where it pointed when the plan was made"),
    ),
    ActionDeclaration(
        name="dns.look",
        parameters={},
        effect="none",
        sentence=phrase("Look up where DNS points and what answers there"),
    ),
    ActionDeclaration(
        name="dns.lead_back",
        parameters={"names": "names", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="destroy",
        touches=("names",),
        sentence=phrase("Point DNS back to where it pointed before, exactly as in the plan"),
    ),
    ActionDeclaration(
        name="machine.look",
        parameters={"machine": "machine"},
        effect="none",
        sentence=phrase("Look at a rented machine: whose it is, and whether any DNS name points at it"),
    ),
    ActionDeclaration(
        name="machine.give_back",
        parameters={"machine": "machine"},
        effect="destroy",
        for_good=True,
        touches=("machine",),
        sentence=phrase("Give a rented machine back with everything on it, exactly the one in the plan"),
    ),
    ActionDeclaration(
        name="certificate.issue",
        parameters={"site": "site"},
        effect="change",
        brings=True,
        touches=("site",),
        sentence=phrase("Get a certificate for the names and install it"),
    ),
    ActionDeclaration(
        name="outside.check",
        parameters={"within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence=phrase("Open the system as its users do: by name, over HTTPS"),
    ),
)

CENTRE_PROBES = (
    ProbeDeclaration(
        name="host.can_provision",
        parameters={"site": "site"},
        sentence=phrase("a machine can be made"),
    ),
    ProbeDeclaration(
        name="host.running",
        parameters={"site": "site"},
        sentence=phrase("the site's machine is running"),
    ),
    ProbeDeclaration(
        name="worker.joined",
        parameters={"site": "site"},
        sentence=phrase("the site's worker has joined"),
    ),
    ProbeDeclaration(
        name="dns.changeable",
        parameters={},
        sentence=phrase("the zone is ours and may be changed"),
    ),
    ProbeDeclaration(
        name="dns.quick",
        parameters={"ttl": "seconds"},
        sentence=phrase("a DNS change reaches users soon"),
    ),
    ProbeDeclaration(
        name="dns.points_to",
        parameters={"site": "site"},
        sentence=phrase("the names point to the site"),
    ),
    ProbeDeclaration(
        name="dns.led_back",
        parameters={},
        sentence=phrase("DNS points where the plan says"),
    ),
    ProbeDeclaration(
        name="machine.unled",
        parameters={"machine": "machine"},
        sentence=phrase("no DNS name points at the machine, and it holds no copy that is needed"),
    ),
    ProbeDeclaration(
        name="machine.gone",
        parameters={"machine": "machine"},
        sentence=phrase("the machine was given back"),
    ),
    ProbeDeclaration(
        name="certificate.possible",
        parameters={},
        sentence=phrase("certbot is there and the ACME server answers"),
    ),
    ProbeDeclaration(
        name="certificate.installed",
        parameters={},
        sentence=phrase("the certificate is installed and valid"),
    ),
    ProbeDeclaration(
        name="outside.answers",
        parameters={},
        sentence=phrase("the system answers its users from outside"),
    ),
)
