"""Runs in the container that has the database: rows, some of them in the write-ahead log only."""

import os
import sqlite3

with sqlite3.connect(os.environ["SQLITE_PATH"]) as connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS pages (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
    rows = ((f"Seite {number} 頁", f"it's {number}" * 20) for number in range(400))
    connection.executemany("INSERT INTO pages (title, body) VALUES (?, ?)", rows)
