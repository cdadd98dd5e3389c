"""Resize: the smallest models of public bug reports of other tools."""

from reported.case import CONV, MAP, Reported, W, f, n

CASES: tuple[Reported, ...] = (
    Reported(
        "apache/tvm#19500",
        "Resize to the nearest, by half pixels and 1.5",
        [
            n(
                "Resize",
                "x _ s",
                "z",
                mode="nearest",
                coordinate_transformation_mode="half_pixel",
                nearest_mode="round_prefer_floor",
            ),
            n("Conv", "z w", "y"),
        ],
        {"x": [1, 3, 4, 4]},
        {**W, "s": f(1, 1, 1.5, 1.5)},
    ),
    Reported(
        "fastmachinelearning/qonnx#197",
        "Resize without a region",
        [
            CONV,
            n(
                "Resize",
                "c _ s",
                "y",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
        ],
        MAP,
        {**W, "s": f(1, 1, 2, 2)},
    ),
    Reported(
        "kendryte/nncase#245",
        "Resize bilinear, with corners that meet",
        [CONV, n("Resize", "c _ s", "y", mode="linear", coordinate_transformation_mode="align_corners")],
        MAP,
        {**W, "s": f(1, 1, 2, 2)},
    ),
)
