"""What level 3 may ask for: everything that makes the system run again on an empty host.

A file of its own so that core/actions.py stays readable; that is where these are looked up.
"""

from drbot.core.declarations import ActionDeclaration, ProbeDeclaration

HOST_ACTIONS = (
    ActionDeclaration(
        name="host.prepare",
        parameters={"docker": "text", "compose": "text", "restic": "text"},
        effect="change",
        brings=True,
        touches=("docker", "compose", "restic"),
        sentence={
            "en": "See to it that Docker, Compose and restic are there, in these versions or newer",
            "ja": "Docker、Compose、restic をこの版以上で用意する",
        },
    ),
    ActionDeclaration(
        name="repository.clone",
        parameters={"url": "text", "commit": "text", "folder": "text"},
        effect="change",
        brings=True,
        touches=("folder",),
        sentence={"en": "Clone the repository at its pinned commit", "ja": "固定したコミットのリポジトリを取得する"},
    ),
    ActionDeclaration(
        name="backup.fetch",
        parameters={"backup": "backup"},
        effect="change",
        brings=True,
        touches=("backup",),
        sentence={
            "en": "Copy the sealed full backup to this host, by its digest; what is here already does not come again",
            "ja": "計画どおりのフルバックアップを取得する(内容をダイジェストで照合し、既にある分は再取得しない)",
        },
    ),
    ActionDeclaration(
        name="configuration.restore",
        parameters={"backup": "backup", "folder": "text"},
        effect="change",
        brings=True,
        touches=("folder",),
        sentence={"en": "Put the configuration files back", "ja": "設定ファイルを戻す"},
    ),
    ActionDeclaration(
        name="host.set_aside",
        parameters={"services": "services", "keeper": "text"},
        effect="destroy",
        interrupts=True,
        touches=("services", "keeper"),
        sentence={
            "en": "Stop what runs on the host and put its data aside; nothing is deleted",
            "ja": "ホスト上のサービスを停止し、データを退避する (削除しない)",
        },
    ),
    ActionDeclaration(
        name="host.put_back",
        parameters={"aside": "text"},
        effect="change",
        touches=("aside",),
        sentence={
            "en": "Bring back what an earlier run put aside of the host; the kept copies stay",
            "ja": "以前の実行が退避したホストの内容を元へ戻す (保管したものは残る)",
        },
    ),
    ActionDeclaration(
        name="host.give_up",
        parameters={"aside": "text"},
        effect="destroy",
        for_good=True,
        touches=("aside",),
        sentence={
            "en": "Delete for good what an earlier run put aside of the host, exactly what the plan names",
            "ja": "以前の実行が退避したもののうち、計画にあるものを完全に削除する",
        },
    ),
    ActionDeclaration(
        name="images.prepare",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        touches=("services",),
        sentence={
            "en": "Have the images of the services: pre-staged, pulled or built",
            "ja": "サービスのイメージを用意する",
        },
    ),
    ActionDeclaration(
        name="volumes.create",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        touches=("services",),
        sentence={
            "en": "Create the networks and volumes that the compose files expect",
            "ja": "compose が前提とするネットワークとボリュームを作る",
        },
    ),
    ActionDeclaration(
        name="postgres.restore",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        brings=True,
        touches=("volume",),
        sentence={
            "en": "Restore PostgreSQL into its new, empty volume and count its rows",
            "ja": "PostgreSQL を新しい空のボリュームへ復元し、行数を確認する",
        },
    ),
    ActionDeclaration(
        name="redis.restore",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        brings=True,
        touches=("volume",),
        sentence={
            "en": "Restore Redis into its new, empty volume; run as its compose file says, it must load every key",
            "ja": "Redis を新しい空のボリュームへ復元し、compose の定義どおりに全キーを読み込むことを確認する",
        },
    ),
    ActionDeclaration(
        name="files.restore",
        parameters={"backup": "backup"},
        effect="change",
        brings=True,
        touches=("backup",),
        sentence={"en": "Put the files where they belong", "ja": "ファイルを元の場所へ戻す"},
    ),
    ActionDeclaration(
        name="monitoring.start",
        parameters={"project": "text"},
        effect="change",
        brings=True,
        touches=("project",),
        sentence={"en": "Start Prometheus and Alertmanager", "ja": "Prometheus と Alertmanager を起動する"},
    ),
    ActionDeclaration(
        name="monitoring.check",
        parameters={"within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence={
            "en": "Wait until Prometheus stores samples of every target and a test alert has arrived",
            "ja": "全対象の監視とテスト通知の到着を確認する",
        },
    ),
)

HOST_PROBES = (
    ProbeDeclaration(
        name="host.ready",
        parameters={"docker": "text", "compose": "text", "restic": "text"},
        sentence={
            "en": "Docker, Compose and restic are there, in these versions or newer",
            "ja": "Docker、Compose、restic がこの版以上で存在する",
        },
    ),
    ProbeDeclaration(
        name="host.occupied",
        parameters={},
        sentence={"en": "the host holds something of the system", "ja": "ホストにこのシステムのものがある"},
    ),
    ProbeDeclaration(
        name="host.empty",
        parameters={},
        sentence={"en": "the host holds nothing of the system", "ja": "ホストにこのシステムのものがない"},
    ),
    ProbeDeclaration(
        name="compose.anew",
        parameters={"services": "services"},
        sentence={
            "en": "the services run in containers of this recovery, on its volumes",
            "ja": "サービスがこの復旧で作ったコンテナとボリュームで動いている",
        },
    ),
    ProbeDeclaration(
        name="settings.equal",
        parameters={"expect": "expect"},
        sentence={
            "en": "the services are started with the settings that they ran with",
            "ja": "サービスの設定値がバックアップ時の稼働中の値と同じ",
        },
    ),
    ProbeDeclaration(
        name="host.free",
        parameters={},
        sentence={
            "en": "the ports and container names that the system needs are free",
            "ja": "システムが使うポートとコンテナ名が空いている",
        },
    ),
    ProbeDeclaration(
        name="host.kept",
        parameters={"aside": "text"},
        sentence={"en": "what was put aside of the host is there", "ja": "退避したものがホストに残っている"},
    ),
    ProbeDeclaration(
        name="host.back",
        parameters={"aside": "text"},
        sentence={"en": "what was put aside is in its place again", "ja": "退避したものが元の場所に戻っている"},
    ),
    ProbeDeclaration(
        name="host.given_up",
        parameters={"aside": "text"},
        sentence={"en": "what was put aside is gone", "ja": "退避したものが削除されている"},
    ),
    ProbeDeclaration(
        name="host.room",
        parameters={"need": "bytes"},
        sentence={
            "en": "the host has room for the download and the restored data",
            "ja": "取得と復元のための空き容量がある",
        },
    ),
    ProbeDeclaration(
        name="host.suitable",
        parameters={"site": "site"},
        optional=frozenset({"site"}),
        sentence={
            "en": "the backup holds what the site needs, and dr.yml says the rest",
            "ja": "拠点に必要なものがバックアップと dr.yml にそろっている",
        },
    ),
    ProbeDeclaration(
        name="host.writable",
        parameters={},
        sentence={
            "en": "the folders can be written where the system goes",
            "ja": "復元先のフォルダに書き込める",
        },
    ),
    ProbeDeclaration(
        name="repository.at",
        parameters={"folder": "text", "commit": "text"},
        sentence={"en": "the repository is there at this commit", "ja": "リポジトリがこのコミットにある"},
    ),
    ProbeDeclaration(
        name="backup.fetched",
        parameters={"backup": "backup"},
        sentence={"en": "the backup was downloaded whole", "ja": "バックアップが完全に取得されている"},
    ),
    ProbeDeclaration(
        name="configuration.equal",
        parameters={"expect": "expect"},
        sentence={
            "en": "each configuration file is that of the backup, byte by byte",
            "ja": "設定ファイルがバックアップとバイト単位で一致する",
        },
    ),
    ProbeDeclaration(
        name="images.present",
        parameters={"services": "services"},
        sentence={"en": "the images of the services are there", "ja": "サービスのイメージがある"},
    ),
    ProbeDeclaration(
        name="volumes.present",
        parameters={"services": "services"},
        sentence={
            "en": "the networks and volumes that the compose files expect are there",
            "ja": "compose が前提とするネットワークとボリュームがある",
        },
    ),
    ProbeDeclaration(
        name="redis.keys",
        parameters={"expect": "expect"},
        sentence={
            "en": "Redis holds every key of the backup whose time is not over",
            "ja": "バックアップのキーが、期限切れを除きすべて Redis にある",
        },
    ),
    ProbeDeclaration(
        name="files.equal",
        parameters={"expect": "expect"},
        sentence={
            "en": "the files are those of the backup, byte by byte, and no others",
            "ja": "ファイルがバックアップとバイト単位で一致し、余分なファイルがない",
        },
    ),
    ProbeDeclaration(
        name="monitoring.scraping",
        parameters={},
        sentence={"en": "Prometheus stores samples of every target", "ja": "Prometheus が全対象の値を保存している"},
    ),
    ProbeDeclaration(
        name="monitoring.alerted",
        parameters={},
        sentence={"en": "this run's test alert has arrived", "ja": "この実行のテスト通知が届いた"},
    ),
)
