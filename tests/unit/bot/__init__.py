"""Blocks, budget and settings of the bot."""
