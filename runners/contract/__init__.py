"""Where executor, planning and actions meet: what an action gets and gives, and what a target answers."""
