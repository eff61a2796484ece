"""Kills: processes that work on one cache are ended at random moments; what they leave is judged."""
