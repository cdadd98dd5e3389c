"""The cycles between running, simulated and predicted."""

import numpy as np

from emcc.eie.groups.transfer import following
from emcc.ir.graph import Array
from emcc.runtime.designs import Design, Traffic
from emcc.runtime.simulator import COUNTERS, Run

TRANSFER, EXPOSED = COUNTERS.index("transfer"), COUNTERS.index("exposed")


def unforeseen(design: Design, traffic: Traffic, ran: Run) -> Array:
    """Return which inferences took other cycles between running than predicted: bool [n].

    Of one whose input came while another ran, what is seen of receiving has a bound, and the rest is exact.
    """
    between, exposed = ran.records[:, TRANSFER], ran.records[:, EXPOSED]
    alone = np.asarray(between != traffic.transfer)
    if not design.shape.next_input:
        return alone
    behind = (between != following(design.plan, exposed)) | (exposed > np.roll(traffic.exposed, 1))
    return np.where(ran.first, alone, behind)
