"""Text that is longer than the screen goes through a pager; elsewhere than on a terminal nothing changes."""

DEFAULT_PAGER = "less -FRX"
