"""External tools as subprocesses: exit codes are checked, time is limited, stale outputs are never read."""
