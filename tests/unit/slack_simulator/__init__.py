"""The rules of the local Slack, one by one."""
