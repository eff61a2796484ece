"""The REPL: SQL typed at a prompt, with its cost in view."""
