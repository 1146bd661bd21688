"""The git repository of the lab's compose projects, as the source document clones it (level 3, step 2)."""

import subprocess
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase

IGNORED = ".env\n*.pem\n"  # secrets are restored from the configuration backup, never from git
# The user's own settings (signatures, hooks, names) must not matter.
SETTINGS = ("-c", "user.name=lab", "-c", "user.email=lab@example.com", "-c", "commit.gpgsign=false")


def publish(projects: Path, repository: Path) -> str:
    """Put what is in `projects` into the bare repository and return the commit. The same content: the same commit."""
    if not (repository / "HEAD").exists():
        git("init", "--quiet", "--bare", "--initial-branch=main", str(repository))
    (projects / ".gitignore").write_text(IGNORED)
    tree = ("--git-dir", str(repository), "--work-tree", str(projects))
    git(*tree, "add", "--all")
    if git(*tree, "status", "--porcelain") or not git("--git-dir", str(repository), "branch", "--list", "main"):
        git(*tree, "commit", "--quiet", "--no-verify", "-m", "The system as it runs")
    return git(*tree, "rev-parse", "HEAD")


def git(*arguments: str) -> str:
    """Output of one git command. Raises UserError."""
    done = subprocess.run(["git", *SETTINGS, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(phrase("Tried to publish the lab's projects with git."), done.stderr.strip())
    return done.stdout.strip()
