"""Rows of benchmarks/methods.py: pruning of filters and of weights."""

HALF = {"keep": 0.5, "epochs": 4}
NO = {"epochs": 0, "shared_epochs": 0}
TUNED = {"epochs": 8, "shared_epochs": 2}
ONCE = {**TUNED, "steps": 1}
COMBINED = {"epochs": 6, "shared_epochs": 2}

ROWS = (
    ("lenet5", "filters", "filters", {"filters": HALF, "finetune": NO}),
    ("lenet5", "filters-entropy", "filters", {"filters": {**HALF, "criterion": "entropy"}, "finetune": NO}),
    ("lenet5", "filters-taylor", "filters", {"filters": {**HALF, "criterion": "taylor"}, "finetune": NO}),
    ("lenet5", "filters-reconstruct", "filters", {"filters": {**HALF, "criterion": "reconstruct"}, "finetune": NO}),
    ("lenet5", "filters+magnitude+kmeans", "filters+magnitude+kmeans", {"filters": HALF, "finetune": COMBINED}),
    ("lenet5", "magnitude+kmeans", "magnitude+kmeans", {"finetune": COMBINED}),
    ("lenet300100", "filters", "filters", {"filters": HALF, "finetune": NO}),
    ("lenet300100", "filters+magnitude+kmeans", "filters+magnitude+kmeans", {"filters": HALF, "finetune": TUNED}),
    ("lenet300100", "magnitude-size", "magnitude+kmeans", {"prune": {"score": "magnitude"}, "finetune": TUNED}),
    ("lenet300100", "lamp", "magnitude+kmeans", {"finetune": TUNED}),
    ("lenet300100", "lamp-once", "magnitude+kmeans", {"finetune": ONCE}),
    ("lenet300100", "lamp-balanced", "magnitude+kmeans", {"prune": {"balance_pes": 16}, "finetune": TUNED}),
    ("lenet300100", "obd", "magnitude+kmeans", {"prune": {"criterion": "obd"}, "finetune": TUNED}),
    ("lenet300100", "snip", "magnitude+kmeans", {"prune": {"criterion": "snip"}, "finetune": TUNED}),
    ("lenet300100", "snip-once", "magnitude+kmeans", {"prune": {"criterion": "snip"}, "finetune": ONCE}),
    ("lenet300100", "rigl", "magnitude+kmeans", {"prune": {"regrow": "rigl"}, "finetune": TUNED}),
    ("lenet300100", "surgery", "magnitude+kmeans", {"prune": {"regrow": "surgery"}, "finetune": TUNED}),
)
"""(model, name, methods, recipe by section). All else is at its default: a tenth of the weights stay where pruned."""
