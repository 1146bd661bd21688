"""What somebody with bad intent would try, through the local Slack, with a worker that would do it."""
