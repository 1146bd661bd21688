"""Requests, votes, and the words of every decision about one."""
