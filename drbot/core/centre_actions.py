"""What level 4 may ask for: a machine, its worker, names, a certificate, and the look from outside.

A file of its own so that core/actions.py stays readable; that is where these are looked up.
"""

from drbot.core.declarations import ActionDeclaration, ProbeDeclaration

CENTRE_ACTIONS = (
    ActionDeclaration(
        name="host.provision",
        parameters={"site": "site"},
        effect="change",
        brings=True,
        touches=("site",),
        makes="site",
        sentence={
            "en": "Have the machine of a site made: by Terraform, else one EC2 instance",
            "ja": "拠点のマシンを用意する (Terraform、なければ EC2)",
        },
    ),
    ActionDeclaration(
        name="host.release",
        parameters={"site": "site"},
        effect="change",
        touches=("site",),
        takes_back="site",
        sentence={"en": "Give back the machine this run had made", "ja": "この実行が作ったマシンを返却する"},
    ),
    ActionDeclaration(
        name="worker.join",
        parameters={"site": "site", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence={
            "en": "Wait until the new machine's worker has joined with its one-time token",
            "ja": "新しいマシンのワーカーが使い捨てトークンで参加するのを待つ",
        },
    ),
    ActionDeclaration(
        name="dns.change",
        parameters={"site": "site", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="destroy",
        touches=("site",),
        sentence={
            "en": "Lead the names to a site and wait until every name server says so",
            "ja": "DNS を拠点へ向け、反映されるまで待つ",
        },
    ),
    ActionDeclaration(
        name="dns.change_back",
        parameters={"site": "site"},
        optional=frozenset({"site"}),
        effect="destroy",
        touches=("site",),
        sentence={
            "en": "Lead the names to where they led when the plan was made",
            "ja": "DNS を計画時の向き先へ戻す",
        },
    ),
    ActionDeclaration(
        name="dns.look",
        parameters={},
        effect="none",
        sentence={
            "en": "Ask where the names lead and what answers there",
            "ja": "DNS の向き先と、そこでの応答を確認する",
        },
    ),
    ActionDeclaration(
        name="dns.lead_back",
        parameters={"names": "names", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="destroy",
        touches=("names",),
        sentence={
            "en": "Lead the names to where they led before, exactly as in the plan",
            "ja": "DNS を計画に示した以前の向き先へ戻す",
        },
    ),
    ActionDeclaration(
        name="machine.look",
        parameters={"machine": "machine"},
        effect="none",
        sentence={
            "en": "Look at a rented machine: whose it is, and whether anything leads there",
            "ja": "借りているマシンと、DNS の向き先を確認する",
        },
    ),
    ActionDeclaration(
        name="machine.give_back",
        parameters={"machine": "machine"},
        effect="destroy",
        for_good=True,
        touches=("machine",),
        sentence={
            "en": "Give a rented machine back with everything on it, exactly the one in the plan",
            "ja": "計画にある借りたマシンを、中のデータごと返却する",
        },
    ),
    ActionDeclaration(
        name="certificate.issue",
        parameters={"site": "site"},
        effect="change",
        brings=True,
        touches=("site",),
        sentence={
            "en": "Get a certificate for the names and install it",
            "ja": "証明書を取得して設置する",
        },
    ),
    ActionDeclaration(
        name="outside.check",
        parameters={"within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence={
            "en": "Open the system as its users do: by name, over HTTPS",
            "ja": "利用者と同じ名前と HTTPS で開いて確認する",
        },
    ),
)

CENTRE_PROBES = (
    ProbeDeclaration(
        name="host.can_provision",
        parameters={"site": "site"},
        sentence={"en": "a machine can be made", "ja": "マシンを用意できる"},
    ),
    ProbeDeclaration(
        name="host.running",
        parameters={"site": "site"},
        sentence={"en": "the site's machine is running", "ja": "拠点のマシンが動いている"},
    ),
    ProbeDeclaration(
        name="worker.joined",
        parameters={"site": "site"},
        sentence={"en": "the site's worker has joined", "ja": "拠点のワーカーが参加した"},
    ),
    ProbeDeclaration(
        name="dns.changeable",
        parameters={},
        sentence={"en": "the zone is ours and may be changed", "ja": "DNS ゾーンを変更できる"},
    ),
    ProbeDeclaration(
        name="dns.quick",
        parameters={"ttl": "seconds"},
        sentence={"en": "users follow a change of the names soon", "ja": "DNS の変更がすぐに届く (TTL が短い)"},
    ),
    ProbeDeclaration(
        name="dns.points_to",
        parameters={"site": "site"},
        sentence={"en": "the names point to the site", "ja": "DNS が拠点を指している"},
    ),
    ProbeDeclaration(
        name="dns.led_back",
        parameters={},
        sentence={"en": "the names lead where the plan leads them", "ja": "DNS が計画どおりの向き先を指している"},
    ),
    ProbeDeclaration(
        name="machine.unled",
        parameters={"machine": "machine"},
        sentence={
            "en": "no name leads to the machine, and it holds no copy that is needed",
            "ja": "マシンを指す DNS がなく、必要なデータの唯一の保管先でもない",
        },
    ),
    ProbeDeclaration(
        name="machine.gone",
        parameters={"machine": "machine"},
        sentence={"en": "the machine was given back", "ja": "マシンが返却された"},
    ),
    ProbeDeclaration(
        name="certificate.possible",
        parameters={},
        sentence={"en": "certbot is there and the ACME server answers", "ja": "証明書を取得できる"},
    ),
    ProbeDeclaration(
        name="certificate.installed",
        parameters={},
        sentence={"en": "the certificate is installed and valid", "ja": "有効な証明書が設置されている"},
    ),
    ProbeDeclaration(
        name="outside.answers",
        parameters={},
        sentence={"en": "the system answers its users from outside", "ja": "外部から利用できる"},
    ),
)
