"""Runs in a helper container: nothing of what was in /m/0 is left, and a new file is there."""

import os
import shutil

for name in os.listdir("/m/0"):
    path = f"/m/0/{name}"
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
with open("/m/0/since_the_loss", "w") as file:
    file.write("new\n")
