"""Tests of what a step does."""
