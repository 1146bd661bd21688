"""Runs in the container that keeps objects or documents: puts some, as its users would."""

import json
import sys
import urllib.request
from urllib.parse import quote

for number in range(30):
    objects = (f"/assets/{number % 3}/画像 {number}.png", b"\x89PNG" + bytes([number]) * 2000)
    documents = ("/library/books", json.dumps({"_id": number, "title": f"Buch {number} 本"}).encode())
    path, body = objects if sys.argv[1] == "objects" else documents
    request = urllib.request.Request(f"http://127.0.0.1:8000{quote(path)}", body, method="PUT")
    urllib.request.urlopen(request, timeout=10)
