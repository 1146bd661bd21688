"""What a runbook may ask for: every action and every probe, with the sentence people read.

Declarations only, so that a plan can be checked and shown without Docker at hand; the doing is in
runners/actions under the same names (a test compares the two).
"""

from collections.abc import Mapping
from types import MappingProxyType

from drbot.core.centre_actions import CENTRE_ACTIONS, CENTRE_PROBES
from drbot.core.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.host_actions import HOST_ACTIONS, HOST_PROBES

_ACTIONS = (
    ActionDeclaration(
        name="evidence.collect",
        parameters={"services": "services"},
        effect="none",
        sentence={"en": "Keep logs and state as evidence", "ja": "ログと状態を証拠として保存する"},
    ),
    ActionDeclaration(
        name="compose.restart",
        parameters={"services": "services"},
        effect="change",
        interrupts=True,
        touches=("services",),
        sentence={"en": "Restart the services", "ja": "サービスを再起動する"},
    ),
    ActionDeclaration(
        name="compose.stop",
        parameters={"services": "services"},
        effect="change",
        interrupts=True,
        touches=("services",),
        sentence={"en": "Stop the services", "ja": "サービスを停止する"},
    ),
    ActionDeclaration(
        name="compose.start",
        parameters={"services": "services", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="change",
        brings=True,
        touches=("services",),
        sentence={"en": "Start the services in their order", "ja": "サービスを順番に起動する"},
    ),
    ActionDeclaration(
        name="compose.recreate",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        interrupts=True,
        touches=("services",),
        sentence={"en": "Take the services down and up again", "ja": "サービスを down して up し直す"},
    ),
    ActionDeclaration(
        name="health.wait",
        parameters={"services": "services", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence={"en": "Wait until the services are healthy", "ja": "サービスが正常になるまで待つ"},
    ),
    ActionDeclaration(
        name="dependencies.probe",
        parameters={},
        effect="none",
        sentence={
            "en": "Ask PostgreSQL and Redis whether they work",
            "ja": "PostgreSQL と Redis を確認する",
        },
    ),
    ActionDeclaration(
        name="backup.check",
        parameters={"backup": "backup"},
        effect="none",
        sentence={
            "en": "Check that the backup is complete and whole",
            "ja": "バックアップを検査する",
        },
    ),
    ActionDeclaration(
        name="postgres.restore_beside",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        touches=("volume",),
        makes="volume",
        sentence={
            "en": "Restore the backup into a new volume beside production and count its rows",
            "ja": "本番とは別の新しいボリュームへ復元し、行数を確認する",
        },
    ),
    ActionDeclaration(
        name="volume.swap",
        parameters={"volume": "volume", "replacement": "volume", "keeper": "volume"},
        effect="destroy",
        puts_in_place="replacement",
        interrupts=True,
        touches=("volume", "replacement", "keeper"),
        sentence={
            "en": "Put the restored data in place; the old data is kept",
            "ja": "復元したデータへ入れ替える。元のデータは保管する",
        },
    ),
    ActionDeclaration(
        name="volume.swap_back",
        parameters={"volume": "volume", "keeper": "volume", "replacement": "volume"},
        effect="destroy",
        interrupts=True,
        touches=("volume", "replacement", "keeper"),
        sentence={
            "en": "Bring the kept data back; the data in place until now is kept",
            "ja": "保管したデータを戻す。今のデータは保管する",
        },
    ),
    ActionDeclaration(
        name="volume.remove",
        parameters={"volume": "volume"},
        effect="change",
        touches=("volume",),
        takes_back="volume",
        sentence={"en": "Remove a volume this run created", "ja": "この実行が作ったボリュームを削除する"},
    ),
    ActionDeclaration(
        name="kept.remove",
        parameters={"volume": "volume"},
        effect="destroy",
        for_good=True,
        touches=("volume",),
        sentence={
            "en": "Delete kept data for good, exactly the volume in the plan",
            "ja": "計画にある保管データを完全に削除する",
        },
    ),
    ActionDeclaration(
        name="notify.stakeholders",
        parameters={"text": "text"},
        optional=frozenset({"text"}),
        effect="none",
        sentence={"en": "Tell the stakeholders", "ja": "関係者に知らせる"},
    ),
)

_PROBES = (
    ProbeDeclaration(
        name="health.services",
        parameters={"services": "services"},
        sentence={"en": "the services are healthy", "ja": "サービスが正常である"},
    ),
    ProbeDeclaration(
        name="compose.running",
        parameters={"services": "services"},
        sentence={"en": "the services are running", "ja": "サービスが動いている"},
    ),
    ProbeDeclaration(
        name="compose.stopped",
        parameters={"services": "services"},
        sentence={"en": "the services are stopped", "ja": "サービスが停止している"},
    ),
    ProbeDeclaration(
        name="postgres.reachable",
        parameters={},
        sentence={"en": "PostgreSQL answers", "ja": "PostgreSQL が応答する"},
    ),
    ProbeDeclaration(name="redis.reachable", parameters={}, sentence={"en": "Redis answers", "ja": "Redis が応答する"}),
    ProbeDeclaration(
        name="postgres.rows",
        parameters={"expect": "expect"},
        sentence={
            "en": "production holds the rows of the backup's manifest",
            "ja": "本番の行数がマニフェストと一致する",
        },
    ),
    ProbeDeclaration(
        name="postgres.beside_rows",
        parameters={"volume": "volume", "expect": "expect"},
        sentence={
            "en": "the restored copy holds the rows of the backup's manifest",
            "ja": "復元したコピーの行数がマニフェストと一致する",
        },
    ),
    ProbeDeclaration(
        name="backup.fresh",
        parameters={"max_age": "seconds"},
        optional=frozenset({"max_age"}),
        sentence={"en": "the newest backup is recent enough", "ja": "最新のバックアップが十分新しい"},
    ),
    ProbeDeclaration(
        name="backup.whole",
        parameters={"backup": "backup"},
        optional=frozenset({"backup"}),
        sentence={"en": "the backup is complete and whole", "ja": "バックアップが完全で壊れていない"},
    ),
    ProbeDeclaration(
        name="disk.free",
        parameters={"need": "bytes"},
        sentence={"en": "the target has room for a copy", "ja": "コピーのための空き容量がある"},
    ),
    ProbeDeclaration(
        name="volume.swapped",
        parameters={"volume": "volume", "keeper": "volume"},
        sentence={
            "en": "the restored data is in place and the old data is kept",
            "ja": "復元したデータが本番にあり、元のデータは保管されている",
        },
    ),
    ProbeDeclaration(
        name="volume.gone",
        parameters={"volume": "volume"},
        sentence={"en": "there is no volume of this name", "ja": "この名前のボリュームは存在しない"},
    ),
    ProbeDeclaration(
        name="volume.exists",
        parameters={"volume": "volume"},
        sentence={"en": "the volume exists", "ja": "ボリュームが存在する"},
    ),
    ProbeDeclaration(
        name="volume.unshared",
        parameters={"volume": "volume"},
        sentence={"en": "no container of others uses the volume", "ja": "他のコンテナがボリュームを使っていない"},
    ),
)

ACTIONS: Mapping[str, ActionDeclaration] = MappingProxyType(
    {action.name: action for action in (*_ACTIONS, *HOST_ACTIONS, *CENTRE_ACTIONS)}
)
PROBES: Mapping[str, ProbeDeclaration] = MappingProxyType(
    {probe.name: probe for probe in (*_PROBES, *HOST_PROBES, *CENTRE_PROBES)}
)
