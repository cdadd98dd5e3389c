"""Fixed delays of the array of column groups, in cycles: one name for each that the RTL gives the cycle model.

Checked against the RTL by simulation. Cycle 0 is the one in which the host's table starts a run.
"""

START_TO_ISSUE = 5
"""From the start of a run to the first cycle in which a word can be issued."""
PASS_TO_ISSUE = 6
"""From a pass's last issue to the next one's first."""
ISSUE_TO_QUEUE = 4
"""From a word's issue to the first cycle in which its group's queue has it."""
WORDS_LIMIT = 12
"""Words in a group's queue at which no more are issued: 16, less those on their way."""
FINISH_TO_ROOM = 4
"""From a word's last emission to the first cycle in which its room in the queue counts as free."""
EMIT_TO_QUEUE = 7
"""From an emission to the first cycle in which the activation can leave a PE's queue."""
ON_THE_WAY = 8
"""Entries that a PE's queue keeps free for what is on its way."""
STALL_DELAY = 2
"""From a PE's queue's count to the group's stall."""
FINISH_TO_LEFT = 9
"""From a tile's last emission in a group to the first cycle in which the drain sees that the group has left it."""
HOLD_TO_SEEN = 3
"""From a PE's last entry's address to the first cycle in which the drain sees that the PE holds nothing of the tile."""
COMPLETE_TO_ROWS = 4
"""From a tile seen complete to its first row."""
RELEASE = 1
"""From a tile's last row to the first cycle in which its bank can be taken again."""
ROW_TO_WRITE = 7
"""From a row to its write, of one group, without multipliers and functions; more by the following."""
SUM_LEVEL, SCALE, TABLE = 1, 4, 3
"""What a level of the sum over groups, multipliers and functions add to ROW_TO_WRITE."""
WRITTEN_TO_READY = 3
"""From a pass's last write to the first cycle in which the drain can take a tile of the next one."""
