"""The array's fixed delays in cycles: one name for each constant that the RTL's pipeline gives the cycle model.

Checked against the RTL by simulation; docs/architecture.md draws the pipeline.
"""

FLAGS_READY = 2
"""From a handshake of an input word to the first cycle in which its flags can be read."""
FLAGS_TO_WORD = 2
"""From reading a word's flags to the first cycle in which LNZD can load it."""
WORD_BUFFER = 3
"""Words LNZD holds when it stops asking for more."""
EMIT_TO_QUEUE = 7
"""From LNZD's emission to the first cycle in which the activation can leave a queue."""
STALL_DELAY = 2
"""From a queue's count to LNZD's stall."""
ON_THE_WAY = 8
"""Entries a queue keeps free for what is on its way; also the cycles after an emission in which no layer ends."""
RETIRE = 6
"""From an entry's address to the cycle of its accumulation."""
IDLE_DELAY = 3
"""From a PE's last accumulation to the first cycle in which the layer can end."""
DRAIN = 7
"""From a drained row's issue to its write, without function tables."""
DRAIN_TABLE = 10
"""The same with function tables."""
WRITE_TO_FLAGS = 1
"""From a row's write to the first cycle in which its flags can be read."""
WRITE_TO_OUTPUT = 1
"""From the last layer's row leaving the drain to its handshake."""
