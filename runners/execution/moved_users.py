"""What follows for people where a recovery has brought users to another host."""

from drbot.core.site.level import Level
from drbot.core.text.messages import phrase
from drbot.runners.execution.run_context import RunContext
from drbot.store.runs.moved import is_move
from drbot.store.runs.sub_runs import is_part


def moved_text(run_context: RunContext) -> str:
    """What to do next; "" where users are where they were. Readiness says it from then on (moved_readiness.py)."""
    run, plan, known = run_context.run, run_context.plan, run_context.worker_context.configuration
    if not is_move(run) or is_part(run):
        return ""
    site = known.recovery.site if plan.level > Level.HOST and known.recovery is not None else run.site
    if site == known.default_site:
        return ""
    return phrase(
        "Users are at {site} now, and backups are made of {default}. Next: `default_site: {site}` in dr.yml, then "
        "restart drbot (drbot docs recovery-sites).",
        site=site,
        default=known.default_site,
    )
