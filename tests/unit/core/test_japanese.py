"""What workers write in English is read in Japanese, and every sentence of the catalogue is one that the code says."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from drbot.core.japanese import japanese, spoken
from drbot.core.japanese_sentences import SENTENCES, WRITTEN

ROOT = Path(__file__).parents[3] / "drbot"
NAME = re.compile(r"\{(\w+)\}")
CATALOGUES = {
    "japanese_sentences.py",
    "japanese_backup_sentences.py",
    "japanese_host_sentences.py",
    "japanese_slack_sentences.py",
}
PIECE = re.compile(r"\{\w+\}|[,;:.()]")
"""Code puts some sentences together: what stands between names and marks is looked for."""
ANYTHING = "\x00"


@cache
def said_in_code() -> str:
    """Every text of what writes into the ledger; what is filled in is one letter."""
    files = [
        path for folder in ("bot", "commands", "core", "runners", "store") for path in (ROOT / folder).rglob("*.py")
    ]
    return "\n".join(text for path in files if path.name not in CATALOGUES for text in texts_of(path))


def texts_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        yield from said_by(node)


def said_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else ANYTHING for one in node.values)


@pytest.mark.parametrize("english", WRITTEN)
def test_every_sentence_of_the_catalogue_is_said_by_the_code(english: str) -> None:
    assert [piece for piece in PIECE.split(english) if piece.strip() not in said_in_code()] == []


@pytest.mark.parametrize(("english", "said"), SENTENCES.items())
def test_both_languages_name_the_same(english: str, said: str) -> None:
    assert set(NAME.findall(english)) == set(NAME.findall(said))


@pytest.mark.parametrize(
    ("english", "said"),
    [
        (
            "Stopped: wrong host. It is not known how far set-aside, swap at recovery came; "
            "look before anything is started.",
            "停止: wrong host. 「退避」、「swap」 (recovery)がどこまで進んだか不明です。"
            "確認するまで何も起動しないでください。",
        ),
        (
            "The new place is not complete. All of it is kept on this host; while the incident is open, /dr undo "
            "brings it back as it was. Kept as: /srv/a.old, postgres_data_before_r7-20261126-031200.",
            "復旧先はまだ完成していません。すべてこのホストに保管し、インシデントの解決前なら /dr undo で元の状態に"
            "戻せます。保管名: /srv/a.old, postgres_data_before_r7-20261126-031200。",
        ),
        (
            "The ports and container names that the system needs are free? No: port 8001 is taken by the container "
            "web; port 80 is taken by a program on this host.",
            "次の条件を満たしていません: システムが使うポートとコンテナ名が空いている。"
            "ポート 8001 はコンテナ web が使用中; ポート 80 はこのホストのプログラムが使用中。",
        ),
        (
            "reporting also uses the volume pg_data and is of no project of this system, so drbot leaves it alone.",
            "reporting もボリューム pg_data を使用中です。このシステムのものではないため、drbot は触れません。",
        ),
        (
            "Put the data of this host aside (set-aside): It is not known whether it was done.",
            "「退避」: 完了したか不明です。",
        ),
        (
            "The host has room for the download and the restored data? No: 3.0 GB free for /srv, 5.0 GB needed. "
            "Make room on the new host, or give it a larger disk, then ask again: /dr recover",
            "次の条件を満たしていません: 取得と復元のための空き容量がある。/srv の空き 3.0 GB、必要 5.0 GB. "
            "新しいホストの空きを増やすか、ディスクを大きくしてください。その後もう一度: /dr recover",
        ),
        (
            "Not in a dump, copied from the old volume: pg_hba.conf, postgresql.conf.",
            "ダンプに含まれず、元のボリュームから写したもの: pg_hba.conf, postgresql.conf.",
        ),
        (
            "shop_data holds the data of shop_data_r7; the old data is kept in shop_data_before_r7 (67.6 MB).",
            "shop_data に shop_data_r7 のデータを入れました。元のデータの保管先: shop_data_before_r7 (67.6 MB)。",
        ),
        (
            "s3://backups/full: it was made with another RESTIC_PASSWORD than this process has",
            "s3://backups/full: 作成時の鍵: このワーカーと異なる RESTIC_PASSWORD",
        ),
    ],
)
def test_drbots_own_words_are_found_among_names_and_words_of_people(english: str, said: str) -> None:
    assert japanese(english, {"set-aside": "退避"}) == said


@pytest.mark.parametrize(
    "words", ["", "wrong host", "Ben: not done. Look", "ERROR: relation does not exist", "{who} {"]
)
def test_what_others_said_stays_as_it_is(words: str) -> None:
    assert spoken(words) == {"en": words, "ja": words}


def sentences_of(path: Path) -> Iterator[str]:
    """What a file says in whole sentences; docstrings are for us, and a part of a sentence is none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    ours |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = (text for node in ast.walk(tree) if id(node) not in ours for text in said_by(node))
    yield from (text.strip() for text in said if re.search(r"[a-z] [a-z].*\.$", text))


@pytest.mark.parametrize(
    "name",
    [
        "core/safe_state.py",
        "runners/execution/endings.py",
        "runners/execution/unsure.py",
        "runners/contract/strangers.py",
    ],
)
def test_how_a_run_ends_and_what_is_asked_has_no_english_left(name: str) -> None:
    said = [japanese(text.replace(ANYTHING, "x1")) for text in sentences_of(ROOT / name)]
    without_commands = [re.sub(r"/dr( [a-z-]+)+|docker stop", "", text) for text in said]

    assert said and [text for text in without_commands if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", text)] == []
