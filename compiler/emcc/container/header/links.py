"""What nodes take and give, by number."""

from collections.abc import Sequence

from emcc.ir.graph import Node


def users_of(takes: Sequence[Sequence[int]], nodes: Sequence[Node], count: int) -> list[str]:
    """By number, the name of the first node that takes a tensor or constant; "" for none."""
    users = [""] * count
    for numbers, node in reversed(list(zip(takes, nodes, strict=True))):
        for number in numbers:
            if number < count:
                users[number] = node.name
    return users


class Plain:
    """Knows what a plain node would take: the latest tensor and the next constants; it gives the next tensor."""

    def __init__(self, tensors: int) -> None:
        self.tensors, self.tensor, self.constant = tensors, 1, tensors + 1

    def expected(self, count: int) -> tuple[list[int], list[int]]:
        """The inputs, so many, and outputs of a plain node."""
        return [self.tensor, *range(self.constant, self.constant + count - 1)][:count], [self.tensor + 1]

    def take(self, inputs: list[int], outputs: list[int]) -> None:
        """Note what a node took and gave."""
        self.constant = max([self.constant, *(number + 1 for number in inputs if number > self.tensors)])
        self.tensor = max([self.tensor, *(number for number in outputs if number <= self.tensors)])
