"""Many at once: threads on one lake, processes on one cache, and every way to end."""
